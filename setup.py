"""The C core of syscraft.runtime; everything else is in pyproject.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

CORE = Path("src/syscraft/runtime/core")
# It may run in the memory of a process whose other threads hold any lock: it must not call libc,
# not even where a compiler writes the call.
FREESTANDING = {"spawn_child.c": ("-ffreestanding", "-fno-stack-protector", "-fno-lto")}


class BuildCore(build_ext):
    """Gives some files options of their own, behind all others."""

    def build_extensions(self) -> None:
        compile_one = self.compiler._compile

        def with_options(
            obj: str, src: str, ext: str, cc_args: Any, extra_postargs: Any, pp_opts: Any
        ) -> None:
            own = FREESTANDING.get(Path(src).name, ())
            compile_one(obj, src, ext, cc_args, [*extra_postargs, *own], pp_opts)

        self.compiler._compile = with_options
        super().build_extensions()


setup(
    cmdclass={"build_ext": BuildCore},
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
