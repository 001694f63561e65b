"""Compiles and runs the generated wrappers on every ABI, at every level."""
