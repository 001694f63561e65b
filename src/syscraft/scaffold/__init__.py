"""New declarations: templates that pass as they are, or imported from C code."""

from syscraft.scaffold.make import scaffold

__all__ = ["scaffold"]
