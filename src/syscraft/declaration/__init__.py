"""Reads a declaration: TOML and C text, each value with its file, line and column."""
