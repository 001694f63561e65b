"""Declarations drawn at random, and what holds for each of them that is accepted."""
