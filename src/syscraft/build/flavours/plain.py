"""The kernel as its guest needs it, and no more: the quickest to build and to boot."""

from __future__ import annotations

from syscraft.build.flavour import PLAIN, Flavour

FLAVOUR = Flavour(PLAIN, "the smallest kernel that runs the tests")
