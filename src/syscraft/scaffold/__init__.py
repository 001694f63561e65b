"""Folders to start from: a declaration, a body and a test that pass as they are."""

from syscraft.scaffold.make import scaffold

__all__ = ["scaffold"]
