"""What the C core offers. Its own documentation is in docs/python.md."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import Signature
from os import PathLike
from typing import Any, SupportsIndex

from typing_extensions import Buffer

Argument = SupportsIndex | str | bytes | Buffer | PathLike[str] | PathLike[bytes] | None

def syscall(
    number: int | str,
    /,
    *args: Argument,
    blocking: bool | None = None,
) -> int: ...
def set_loader(loader: Callable[[], None] | None, /) -> None: ...
def set_numbers(
    numbers: Mapping[str, int],
    /,
    *,
    keep_gil: Iterable[int] = ...,
    retry: Iterable[int] = ...,
    refused: Mapping[int, str] = ...,
    missing: Callable[[str], BaseException] | None = None,
) -> None: ...

class Call:
    """One system call: a function with the kernel's parameter names.

    number -1: the ABI lacks it, and calling raises OSError(ENOSYS, ..., name).
    blocking: release the GIL; retry: make it again after EINTR (see policy.py).
    path_mask: bit n says that parameter n is a path, which OSError then tells as filename.
    pointer_mask: bit n says that parameter n is an address; others take integers only.
    write_mask: bit n says that the kernel may write there: no bytes, str and read-only buffers.
    copy_mask: bit n says that nobody knows: the kernel gets a copy of such.
    refused: the sentence with which calling raises ValueError.
    """

    def __init__(
        self,
        name: str,
        number: int,
        params: Sequence[str],
        blocking: bool = True,
        path_mask: int = 0,
        doc: str | None = None,
        text_signature: str | None = None,
        *,
        pointer_mask: int = 0b111111,
        write_mask: int = 0,
        copy_mask: int = 0,
        retry: bool = False,
        refused: str | None = None,
    ) -> None: ...
    def __call__(self, *args: Argument, **kwargs: Argument) -> int: ...
    @property
    def __name__(self) -> str: ...
    @property
    def __qualname__(self) -> str: ...
    @property
    def __text_signature__(self) -> str: ...
    @property
    def __signature__(self) -> Signature: ...
    @property
    def number(self) -> int: ...
    @property
    def params(self) -> tuple[str, ...]: ...
    @property
    def blocking(self) -> bool: ...

def clone(
    flags: int,
    exit_signal: int,
    pidfd: bool,
    set_tid: tuple[int, ...],
    cgroup: int,
    old_call: bool,
    child: object = None,
    life: Callable[[], object] | None = None,
    attributes: tuple[Any, ...] | None = None,
    /,
) -> tuple[int, int, int, str | None]:
    """Make a child by clone3(2); returns twice, but for one that has a life, which it ends with.

    child: what is told of its ``pid`` and ``_pidfd`` before a signal's handler can run.
    attributes: a plan of the steps that the child takes first; see attributes.py.
    Returns: as spawn().
    """

def fork_call(number: int, /, *args: Argument) -> int:
    """Make a child that has a copy of memory, by any such call; returns twice.

    It goes through the interpreter's own steps before and after a fork.
    """

def vfork_call(number: int, /, *args: Argument) -> int:
    """The same for a child that may run in this process's memory: as the *fork* of spawn() only."""

def fork_by(
    function: Callable[[], int],
    child: object,
    life: Callable[[], object] | None,
    pidfd: bool,
    attributes: tuple[Any, ...] | None = None,
    /,
) -> tuple[int, int, int, str | None]:
    """Make a child by a function that makes one, with fork_call() or in its own way."""

def spawn_names() -> tuple[tuple[str, ...], tuple[str, ...]]: ...
def spawn(
    plan: tuple[Any, ...],
    closed: bytes,
    cgroup: int,
    fork: Callable[[], int] | None,
    old_call: bool,
    child: object = None,
    /,
) -> tuple[int, int, int, str | None]:
    """Start a program. Returns: ID, pidfd, and the errno and the step of what failed, or None."""
