"""Generates text: headers, a Python module, tests, kernel sources; one module per output."""
