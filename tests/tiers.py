"""Tiers of tests: what is under tests/kernel or tests/everywhere builds and boots kernels.

No other test may, so that "make check" has an answer in minutes; the folder decides, and
a guard before make, bwrap and setpriv on the PATH makes sure. Tests of a tier are run side by side
in lanes: one worker has all tests of a lane, in their order.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
GUARDED = ("make", "bwrap", "setpriv")
WITH_KERNELS = ("kernel", "everywhere")

# A build uses all processors, and holds the lock of its working folder: two builds of User
# Mode Linux would wait for each other, while one on a machine of QEMU goes on beside it.
LANES = {
    "kernel/test_machines.py": "machines",
    "everywhere/test_everywhere.py": "machines",
    "everywhere/test_links.py": "machines",
    # A working folder of its own.
    "kernel/test_own_tree.py": "own tree",
    # They boot the kernel that test_run.py has built.
    **dict.fromkeys(
        ("kernel/test_docs.py", "kernel/test_guest_files.py", "kernel/test_sandbox.py"), "boots"
    ),
}
OTHER_KERNELS = "kernels"
# What takes long begins early: the order is that of the names here, then all others.
EARLY = (
    "kernel/test_machines.py", "everywhere/",
    "kernel/test_run.py", "kernel/",
    "abi/test_compile.py",
    # The same kernel as the first of all, of another tree: ccache has it by then.
    "kernel/test_own_tree.py", "kernel/test_sandbox.py", "kernel/test_guest_files.py",
    "kernel/test_docs.py",
    "runtime/test_core_build.py", "tree/test_every_table.py", "test_docs.py",
    "abi/test_proofs.py", "emit/test_compile.py",
)  # fmt: skip

_BEFORE = os.environ.get("PATH", os.defpath)


def guard_in(folder: Path) -> str:
    """Put the guard into *folder*, where it notes in ``refused`` what it refuses.

    A place and no variable: guests get none of ours.

    Returns: the PATH of who may have no kernel.
    """
    folder.chmod(0o755)  # tests of other users' rights find it, too
    for tool in GUARDED:
        (folder / tool).symlink_to(TESTS / "no_kernels" / "guard")
    return f"{folder}{os.pathsep}{_BEFORE}"


_folder = tempfile.TemporaryDirectory(prefix="syscraft-guard-")  # ends with this process
_guarded = guard_in(Path(_folder.name))
_refused = Path(_folder.name) / "refused"


def may_build(path: Path) -> bool:
    """Whether the tests in a file may build and boot kernels."""
    return path.relative_to(TESTS).parts[0] in WITH_KERNELS


def lane_of(name: str) -> str:
    """The lane of a file of tests, by its name below this folder."""
    return LANES.get(name, OTHER_KERNELS if name.startswith("kernel/") else name)


def take_refusals() -> str:
    """What the guard refused since the last question."""
    text = _refused.read_text(encoding="utf-8") if _refused.exists() else ""
    _refused.unlink(missing_ok=True)
    return text


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Put the guard on the PATH, for fixtures of every scope as well."""
    if may_build(item.path):
        return (yield)
    os.environ["PATH"] = _guarded
    try:
        return (yield)
    finally:
        os.environ["PATH"] = _BEFORE


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a test that wanted a kernel, even if it took the refusal for a good answer."""
    try:
        return (yield)
    finally:
        if refused := take_refusals():
            pytest.fail(f"{refused}A test that needs a kernel has its place in tests/kernel.")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; tests of a file stay together, and in their order."""
    items.sort(key=lambda item: _rank(str(item.path.relative_to(TESTS))))


def _rank(name: str) -> int:
    fitting = [start for start in EARLY if name.startswith(start)]
    return EARLY.index(max(fitting, key=len)) if fitting else len(EARLY)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Let every worker take a lane, in the order of collection, whenever it has no work."""
    from xdist.scheduler import LoadScopeScheduling

    class Lanes(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            name = (config.rootpath / nodeid.partition("::")[0]).relative_to(TESTS)
            return lane_of(str(name))

    config.option.loadscopereorder = False
    return Lanes(config, log)
