"""Test programs: which there are, and how they become something that a guest can run."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path

from syscraft import proc
from syscraft.abi.toolchain import Toolchain
from syscraft.errors import EnvironmentLacks
from syscraft.files import cache_root, digest, folder_made_whole, write_atomic
from syscraft.model.call import Shared

_CFLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread")


@dataclass(frozen=True)
class Program:
    """A test program; ``binary`` is None if it cannot be had: ``problem`` says why."""

    name: str
    binary: Path | None
    problem: str = ""
    lacks: bool = False  # whether this machine is to blame


def generated_folder(generated: dict[str, str]) -> Path:
    """Keep generated files where guests can use them; the same files, the same folder."""
    key = digest(*(part for item in sorted(generated.items()) for part in item))
    folder = cache_root() / "generated" / key
    if not folder.is_dir():
        with folder_made_whole(folder) as draft:
            for name, text in generated.items():
                write_atomic(draft / name, text.encode())
    return folder


def c_tests(shared: Shared, generated: dict[str, str]) -> dict[str, str]:
    """Name and text of a declaration's tests in C: the generated ones and the author's."""
    sources = {name: text for name, text in generated.items() if name.startswith("test_")}
    sources |= {test.name: test.text for test in shared.tests}
    return {name: text for name, text in sorted(sources.items()) if name.endswith(".c")}


def compile_program(
    name: str, text: str, generated: dict[str, str], folder: Path, toolchain: Toolchain
) -> Program:
    """Compile a test program, or find it in the cache.

    Args:
        folder: the declaration's, where the author's tests and what they include are.
    """
    headers = generated_folder(generated)
    source = headers / name if name in generated else folder / name
    argv = [
        toolchain.compiler, *toolchain.flags, *_CFLAGS, "-I", str(headers), "-I", str(folder),
        str(source), *toolchain.link,
    ]  # fmt: skip
    included = [p for p in sorted(folder.glob("*.h")) if p.is_file()]
    key = digest(headers.name, text, *argv, *(p.read_bytes() for p in included))
    binary = cache_root() / "tests" / key / name.removesuffix(".c")
    if binary.exists():
        return Program(name, binary)
    try:
        proc.need(toolchain.compiler, packages=toolchain.packages)
    except EnvironmentLacks as error:
        return Program(name, None, str(error), lacks=True)
    binary.parent.mkdir(parents=True, exist_ok=True)
    # Two guests may want the same program at the same time.
    draft = binary.with_name(f".{binary.name}.{os.getpid()}-{threading.get_ident()}.part")
    done = proc.run([*argv, "-o", str(draft)])
    if not done.ok:
        return Program(name, None, f"{done.output.strip()}\nrepeat it: {done.replay}")
    os.replace(draft, binary)
    return Program(name, binary)
