"""Edits a kernel tree: tables, sources and options, as a patch series or in place."""
