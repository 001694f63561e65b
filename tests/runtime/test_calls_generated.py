"""Generated modules make their call by the C core or by ctypes: the same results either way.

The calls that are declared here exist: a private number is exchanged for a real call's.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from conftest import REPOSITORY

import syscraft
from syscraft.runtime import calls

# Hides the core from a program, as on a machine without it.
HIDDEN = "import sys\nsys.modules['syscraft.runtime._core'] = None\n"

PLAIN = """
import ctypes, errno, mmap, os, signal, threading
import sample

sample._NUMBERS = {sample._abi(): NUMBER}
read_end, write_end = os.pipe()
folder = os.open("/", os.O_RDONLY)


def show(*args, **kwargs):
    try:
        print(sample.sample(*args, **kwargs))
    except BaseException as error:
        print(type(error).__name__, error)


def after(seconds, handler):
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def raise_it(number, frame):
    raise KeyError("from the handler")


os.write(write_end, b"abcdefghijklmnop")
memory = bytearray(2)
show(read_end, memory, 2), print(memory)
array = (ctypes.c_char * 2)()
show(read_end, array, 2), print(array.raw)
show(read_end, memoryview(memory)[1:], 1), print(memory)
number = ctypes.c_uint16(0)
show(read_end, number, 2), print(number.value)
show(read_end, ctypes.addressof(array), count=2), print(array.raw)
mapped = mmap.mmap(-1, 4096)
show(read_end, mapped, 3), print(mapped[:4])
show(read_end, bytearray(0), 0)
show(read_end, None, 1)
show(read_end, -1, 1)
show(folder, memory, 1)
show(99, memory, 1)
show(fd=2**32, buf=memory, count=1)
show(-1, memory, 1)
show(read_end, memory, 2**64)
show(read_end, memory, -1)
show(read_end, 2**64, 1)
show(read_end, -2**63 - 1, 1)
show(read_end, memory, 1.0)
show(read_end, memory, "1")
show(read_end, "text", 1)
show(read_end, 1.0, 1)
show(read_end, object(), 1)
show(read_end, memoryview(bytearray(8))[::2], 1)
show(read_end, memory)
show(read_end, memory, 1, 2)
show(read_end, memory, True)
show(read_end, memory, 2), print(memory)
os.set_blocking(read_end, False)
while True:
    try:
        os.read(read_end, 1)
    except BlockingIOError:
        break
show(read_end, memory, 1)
os.set_blocking(read_end, True)
after(0.02, lambda number, frame: os.write(write_end, b"!"))
show(read_end, memory, 1), print(memory)
after(0.02, raise_it)
show(read_end, memory, 1)
# Other threads run meanwhile.
threading.Timer(0.02, os.write, (write_end, b"?")).start()
show(read_end, memory, 1), print(memory)
sample._NUMBERS = {}
sample._way.cache_clear()
show(read_end, memory, 1)
sample._NUMBERS = {sample._abi(): 999}
show(read_end, memory, 1)
print("core" if type(sample._way(3)).__name__ == "Call" else "ctypes")
"""

MEMORY = "expected an address, None, or an object that is memory, such as bytes or a bytearray"
PLAIN_SAID = """\
2
bytearray(b'ab')
2
b'cd'
1
bytearray(b'ae')
2
26470
2
b'hi'
3
b'jkl\\x00'
0
OSError [Errno 14] Bad address
OSError [Errno 14] Bad address
IsADirectoryError [Errno 21] Is a directory
OSError [Errno 9] Bad file descriptor
OverflowError fd is 4294967296, not within 0 to 4294967295
OverflowError fd is -1, not within 0 to 4294967295
OverflowError count is 18446744073709551616, not within 0 to 18446744073709551615
OverflowError count is -1, not within 0 to 18446744073709551615
OverflowError buf is 18446744073709551616, not an address of 64 bits
OverflowError buf is -9223372036854775809, not an address of 64 bits
TypeError 'float' object cannot be interpreted as an integer
TypeError 'str' object cannot be interpreted as an integer
TypeError buf is a str: @MEMORY
TypeError buf is a float: @MEMORY
TypeError buf is a object: @MEMORY
BufferError buf is not one piece of memory
TypeError sample() missing 1 required positional argument: 'count'
TypeError sample() takes 3 positional arguments but 4 were given
1
2
bytearray(b'no')
BlockingIOError [Errno 11] Resource temporarily unavailable
1
bytearray(b'!o')
KeyError 'from the handler'
1
bytearray(b'?o')
OSError [Errno 95] Operation not supported: 'sample'
OSError [Errno 95] Operation not supported
""".replace("@MEMORY", MEMORY)

WRITE = """
import os
import sample
sample._NUMBERS = {sample._abi(): NUMBER}
read_end, write_end = os.pipe()
for value in (b"ab\\0c", memoryview(b"ab\\0c"), memoryview(b"xab\\0c")[1:], bytearray(b"ab\\0c")):
    print(sample.sample(write_end, value, 4), os.read(read_end, 9))
"""
WRITE_SAID = "4 b'ab\\x00c'\n" * 4

WIDE = """
import os, tempfile
import sample
sample._NUMBERS = {sample._abi(): NUMBER}
with tempfile.TemporaryFile() as file:
    file.truncate(2**33)
    os.pwrite(file.fileno(), b"far away", 2**32 + 5)
    memory = bytearray(8)
    print(sample.sample(file.fileno(), memory, 8, pos=2**32 + 5), memory)
    for wrong in (-1, 2**63, 1.5):
        try:
            sample.sample(file.fileno(), memory, 8, wrong)
        except (OSError, OverflowError, TypeError) as error:
            print(error)
"""
WIDE_SAID = """\
8 bytearray(b'far away')
[Errno 22] Invalid argument
pos is 9223372036854775808, not within -9223372036854775808 to 9223372036854775807
'float' object cannot be interpreted as an integer
"""

# rt_sigpending(2) takes an address and the size of what is there: 8 bytes.
PACKED = """
import signal
import sample
sample._NUMBERS = {sample._abi(): NUMBER}
print(sample.sample(0))
print(sample._call(memoryview(bytearray(8)), 8))
for wrong in (-1, 2**64):
    try:
        sample.sample(wrong)
    except OverflowError as error:
        print(error)
try:
    sample._call(memoryview(bytearray(8)), 9)
except OSError as error:
    print(error)
"""
PACKED_SAID = """\
0
0
set is -1, not within 0 to 18446744073709551615
set is 18446744073709551616, not within 0 to 18446744073709551615
[Errno 22] Invalid argument
"""

CLONE = """
import os, signal, sys
import clone_nice as sample
sample._NUMBERS = {sample._abi(): NUMBER}


def child(**more):
    sys.stdout.flush()
    pid = sample.clone_nice(5, **more)
    if pid == 0:
        os._exit(7 if os.getpid() != parent and os.getppid() == parent else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0x40000000)[1])  # __WALL


seen = []
os.register_at_fork(
    before=lambda: seen.append("before"), after_in_parent=lambda: seen.append("after")
)
parent = os.getpid()
print(child(), child(flags=0), seen)
# CLONE_NEWUSER with CLONE_FS; a thread's flag; values that do not fit.
for arguments in ((5, 0x10000200), (5, 0x100), (5, 2**64), (2**31, 17), (5.0, 17)):
    try:
        sample.clone_nice(*arguments)
    except (OSError, ValueError, OverflowError, TypeError) as error:
        print(type(error).__name__, error)
print(seen)
print("ctypes" if sample._way(6).func is sample._by_ctypes else "core")
"""
CLONE_SAID = """\
7 7 ['before', 'after', 'before', 'after']
OSError [Errno 22] Invalid argument
ValueError CLONE_VM: two interpreters cannot run on one memory
OverflowError flags is 18446744073709551616, not within 0 to 18446744073709551615
OverflowError nice is 2147483648, not within -2147483648 to 2147483647
TypeError 'float' object cannot be interpreted as an integer
['before', 'after', 'before', 'after', 'before', 'after']
"""

TOML = """
name = "sample"
summary = "serve a test"
author = "A U Thor <author@example.org>"
missing = "ENOTSUP"
kernel = "{kernel}"
user = "long sample({user})"
pack = {pack}
"""


def declare(folder: Path, kernel: str, user: str, *, pack: bool = False) -> Path:
    """Generate the module of a call with these parameters."""
    (folder / "sample.toml").write_text(
        TOML.format(kernel=kernel, user=user, pack=str(pack).lower())
    )
    (folder / "sample.c").write_text(f"static long do_sample({kernel})\n{{\n\treturn 0;\n}}\n")
    syscraft.load(folder).write(folder / "out")
    return folder / "out"


def said_either_way(folder: Path, script: str, call: str) -> list[str]:
    """What a program prints with the core, and what without."""
    text = f"NUMBER = {calls.numbers()[call]}\n{script}"
    runs = [
        subprocess.run(
            [sys.executable, "-X", "dev", "-W", "error", "-c", start + text], cwd=folder,
            capture_output=True, text=True, check=False, timeout=60,
        )
        for start in ("", HIDDEN)
    ]  # fmt: skip
    assert [run.stderr for run in runs] == ["", ""]
    assert [run.returncode for run in runs] == [0, 0]
    return [run.stdout for run in runs]


IO = ("unsigned int fd, void __user *buf, size_t count", "unsigned int fd, void *buf, size_t count")


def test_plain_arguments(tmp_path: Path) -> None:
    folder = declare(tmp_path, *IO)
    by_core, by_ctypes = said_either_way(folder, PLAIN, "read")
    assert by_core == PLAIN_SAID + "core\n"
    assert by_ctypes == PLAIN_SAID + "ctypes\n"


def test_memory_that_cannot_change(tmp_path: Path) -> None:
    folder = declare(tmp_path, *IO)
    assert said_either_way(folder, WRITE, "write") == [WRITE_SAID, WRITE_SAID]


def test_wide_arguments(tmp_path: Path) -> None:
    folder = declare(tmp_path, f"{IO[0]}, loff_t pos", f"{IO[1]}, loff_t pos")
    assert said_either_way(folder, WIDE, "pread64") == [WIDE_SAID, WIDE_SAID]


def test_packed_arguments(tmp_path: Path) -> None:
    folder = declare(tmp_path, "u64 set", "__u64 set", pack=True)
    assert said_either_way(folder, PACKED, "rt_sigpending") == [PACKED_SAID, PACKED_SAID]


# getcwd(2) takes an address and a size, and returns how many bytes it has put there.
POINTER = """
import ctypes, os
import sample
sample._NUMBERS = {sample._abi(): NUMBER}
os.chdir("/")
print(sample.sample(bytearray(4), 7))
keep = []
for value in (b"he\\0lo", bytearray(b"he\\0lo"), memoryview(b"xhe\\0lo")[1:]):
    print(ctypes.string_at(sample._address("there", value, keep), 5))
print(sample._address("there", None, keep), sample._address("there", -1, keep) == 2**64 - 1)
for wrong in ("text", 2**64, memoryview(bytes(8))[::2]):
    try:
        sample.sample(wrong, 7)
    except (TypeError, OverflowError, BufferError) as error:
        print(error)
"""
POINTER_SAID = """\
2
b'he\\x00lo'
b'he\\x00lo'
b'he\\x00lo'
0 True
there is a str: @MEMORY
there is 18446744073709551616, not an address of 64 bits
there is not one piece of memory
""".replace("@MEMORY", MEMORY)


def test_addresses_in_packed_arguments(tmp_path: Path) -> None:
    folder = declare(tmp_path, "void __user *there, u64 n", "void *there, __u64 n", pack=True)
    assert said_either_way(folder, POINTER, "getcwd") == [POINTER_SAID, POINTER_SAID]


def test_a_variant_of_clone(tmp_path: Path) -> None:
    syscraft.load(REPOSITORY / "examples" / "clone_nice").write(tmp_path)
    by_core, by_ctypes = said_either_way(tmp_path, CLONE, "clone")
    assert by_core == CLONE_SAID + "core\n"
    assert by_ctypes == CLONE_SAID + "ctypes\n"


HALVES = """
import ctypes
import sample
key = sample._abi()
for pairs in ("NEXT", "EVEN"):
    sample._PAIRS = {key: pairs}
    for before in ([], [7]):
        registers = list(before)
        sample._append_wide(registers, -2)
        sample._append_wide(registers, 0x1_8000_0002)
        print(registers)
sample._PAIRS, sample._LONG_BITS = {}, 32
sample._NUMBERS = {key: 900}
print(type(sample._way(4)).__name__)
print(sample._place(2**40, []), sample._place(2**31, []).value % 2**32)
"""
HALVES_SAID = """\
[4294967294, 4294967295, 2147483650, 1]
[7, 4294967294, 4294967295, 2147483650, 1]
[4294967294, 4294967295, 2147483650, 1]
[7, 0, 4294967294, 4294967295, 2147483650, 1]
partial
c_long(1099511627776) 2147483648
"""


def test_wide_arguments_where_registers_are_narrow(tmp_path: Path) -> None:
    """Halves for most; where 64-bit registers meet a 32-bit long, ctypes fills them whole."""
    folder = declare(tmp_path, f"{IO[0]}, loff_t pos", f"{IO[1]}, loff_t pos")
    assert said_either_way(folder, HALVES, "read") == [HALVES_SAID, HALVES_SAID]


def test_the_module_of_one_abi_is_typed(tmp_path: Path) -> None:
    """Its tables may be empty, which must have a type none the less."""
    declare(tmp_path, f"{IO[0]}, loff_t pos", f"{IO[1]}, loff_t pos")
    for key in ("x86_64", "arm"):
        text = syscraft.load(tmp_path).generate(abis=[key], only=["python"])["sample.py"]
        (tmp_path / f"sample_{key}.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-version=3.11",
         *sorted(tmp_path.glob("sample_*.py"))],
        capture_output=True, text=True, check=False, cwd=REPOSITORY,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "2 source files" in done.stdout
