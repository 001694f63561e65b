"""Reads the system calls of a kernel from its source tree alone."""
