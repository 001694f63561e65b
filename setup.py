"""The C core of syscraft.runtime; everything else is in pyproject.toml."""

from __future__ import annotations

from pathlib import Path

from setuptools import Extension, setup

CORE = Path("src/syscraft/runtime/core")

setup(
    ext_modules=[
        Extension(
            "syscraft.runtime._core",
            sources=[str(path) for path in sorted(CORE.glob("*.c"))],
            depends=[str(path) for path in sorted(CORE.rglob("*.h"))],
            # The stable ABI of 3.11: one wheel serves it and every newer Python.
            define_macros=[("Py_LIMITED_API", "0x030B0000")],
            py_limited_api=True,
            extra_compile_args=["-std=gnu11", "-O2", "-Wall", "-Wextra", "-fvisibility=hidden"],
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
