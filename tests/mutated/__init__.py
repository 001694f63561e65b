"""Declarations that nobody would write, made of those that somebody has written.

Whatever goes in, what comes out is a declaration or findings: no traceback, no hang, no flood.
``python -m tests.mutated --count 100000 --seed 1`` tries as many; input N of seed S is the same
on every machine, and ``--only N --keep FOLDER`` shows it again.
"""
