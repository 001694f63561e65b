"""Checks a declaration and compiles it into frozen data; all that follows relies on it."""
