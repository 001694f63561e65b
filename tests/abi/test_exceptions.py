"""What fn throws ends the child: the caller's handlers belong to the parent."""

from __future__ import annotations

import errno
import platform
import subprocess
from pathlib import Path

import pytest
from conftest import REPOSITORY, need_tool

import syscraft
from abi.compilers import CELLS, Cell, all_of, need_compiler

FLAGS = ("-O0", "-O2", "-O2 -fnon-call-exceptions", "-O2 -fno-omit-frame-pointer")
PROGRAM = """
#include <asm/unistd.h>
#define __NR_clone_nice __NR_clone
#include <csignal>
#include <exception>
#include <sys/wait.h>
#include <unistd.h>

#include "clone_nice.h"

alignas(64) static char stack[262144];

static int leave(void *)
{
	throw 7;
}

static void end()
{
	_exit(33);
}

int main()
{
	const pid_t parent = getpid();
	int status = -1, pid = -1;

	std::set_terminate(end);
	try {
		pid = clone_nice(leave, stack + STACK, SIGCHLD, nullptr, 0, nullptr, nullptr, nullptr);
	} catch (...) {
		_exit(getpid() == parent ? 2 : 77);
	}
	if (waitpid(pid, &status, 0) != pid)
		return 3;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 4;
}
"""
HOSTED = [cell for cell in CELLS if cell.toolchain.cxx and cell.toolchain.libc]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("exceptions")
    syscraft.load(REPOSITORY / "examples" / "clone_nice").write(made)
    (made / "throws.cc").write_text(PROGRAM)
    (made / "control.cc").write_text(
        "int main(int argc, char **) { try { throw argc; } catch (int n) { return n; } }\n"
    )
    return made


def _links(cell: Cell, source: Path, program: Path) -> bool:
    argv = [str(cell.toolchain.cxx), *cell.toolchain.flags, source, "-o", program]
    done = subprocess.run([*argv, *cell.toolchain.link], capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.parametrize("cell", HOSTED, ids=str)
def test_an_exception_that_leaves_fn_ends_the_child(cell: Cell, folder: Path) -> None:
    toolchain = cell.toolchain
    need_compiler(cell, toolchain.cxx)
    native = platform.machine() in toolchain.native_on
    emulator = () if native else toolchain.emulator
    if emulator:
        need_tool(emulator[0])
    elif not native:
        return  # compiled by the tests of headers, and nothing here could run it

    control = folder / f"{cell}"
    if not _links(cell, folder / "control.cc", control):
        return  # there is no C++ library of this ABI

    def work(task: tuple[str, ...]) -> str:
        program = folder / f"{cell}{FLAGS.index(task[0])}"
        stack = "0" if cell.abi.stack_grows_up else "sizeof(stack)"
        argv = [
            str(toolchain.cxx), *toolchain.flags, *task[0].split(), "-std=c++17",
            f"-DSTACK={stack}",
            "-I", folder, folder / "throws.cc", "-o", program, *toolchain.link,
        ]  # fmt: skip
        built = subprocess.run(argv, capture_output=True, text=True, check=False)
        if built.returncode:
            return built.stderr
        done = subprocess.run(
            [*emulator, program], capture_output=True, text=True, check=False, timeout=60
        )
        return "" if done.returncode == 33 else f"{done.returncode} {done.stderr}"

    said = all_of(work, [(flags,) for flags in FLAGS])
    assert not said, said


BACKTRACE = """
#include <asm/unistd.h>
#define __NR_clone_nice __NR_clone
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unwind.h>

#include "clone_nice.h"

static char stack[65536] __attribute__((aligned(64)));

static _Unwind_Reason_Code count(struct _Unwind_Context *context, void *frames)
{
	(void)context;
	return ++*(int *)frames < 50 ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static int frames(void *arg)
{
	int found = 0;

	(void)arg;
	_Unwind_Backtrace(count, &found);
	return found;
}

int main(void)
{
	volatile char room[64] __attribute__((aligned(64)));
	int status = -1, pid;

	room[0] = 0;
	pid = clone_nice(frames, stack + sizeof(stack), SIGCHLD, NULL, 0, NULL, NULL, NULL);
	if (waitpid(pid, &status, 0) != pid)
		return 103;
	return WIFEXITED(status) ? WEXITSTATUS(status) + room[0] : 104;
}
"""


@pytest.mark.parametrize("cell", [cell for cell in HOSTED if not cell.abi.stack_grows_up], ids=str)
def test_a_backtrace_ends_where_the_callers_frame_aligns_itself(cell: Cell, tmp_path: Path) -> None:
    """x86 finds such a frame by what the frame pointer points to, and the child has cleared it."""
    toolchain = cell.toolchain
    need_compiler(cell)
    if platform.machine() not in toolchain.native_on:
        return  # no other architecture has such frames
    syscraft.load(REPOSITORY / "examples" / "clone_nice").write(tmp_path)
    (tmp_path / "back.c").write_text(BACKTRACE)
    for level in ("-O0", "-O2"):
        argv = [
            toolchain.compiler, *toolchain.flags, level, "-funwind-tables", "-I", tmp_path,
            tmp_path / "back.c", "-o", tmp_path / "back", *toolchain.link,
        ]  # fmt: skip
        subprocess.run(argv, check=True)
        try:
            done = subprocess.run([tmp_path / "back"], check=False, timeout=60)
        except OSError as error:
            assert error.errno == errno.ENOEXEC and cell.abi.key == "x32"
            return  # this machine's kernel has no x32
        assert 0 < done.returncode < 5
