"""C and C++ programs create children by generated wrappers; calls of this kernel stand in."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from conftest import need_tool
from runtime.core_support import numbers

import syscraft

BODIES = {
    "clone": "struct kernel_clone_args *args, int tag",
    "clone3": "struct clone_args __user *uargs, size_t size, int tag",
    "vfork": "int tag",
}

# What the child calls uses the stack below the caller's frame.
VFORK = """
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
#include "twin.h"

static int __attribute__((noinline)) noisy(int depth)
{
	volatile char pad[64];

	memset((char *)pad, 0x41, sizeof(pad));
	return depth ? noisy(depth - 1) + pad[3] : pad[5];
}

int main(void)
{
	volatile int kept = 7;
	int status = -1;
	int pid = twin(3);

	if (pid == 0) {
		noisy(4);
		_exit(kept);
	}
	return pid <= 0 || waitpid(pid, &status, 0) != pid || status != kept << 8;
}
"""

CLONE3 = """
#include <signal.h>
#include <sys/wait.h>
#include "twin.h"

static char stack[1 << 16] __attribute__((aligned(16)));

static int child(void *arg)
{
	return (char *)&arg >= stack && (char *)&arg < stack + sizeof(stack) ? *(int *)arg : 1;
}

int main(void)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.stack = (unsigned long)stack,
		.stack_size = sizeof(stack),
	};
	int seven = 7, status = -1;
	int pid = twin(&args, sizeof(args), child, &seven, 3);

	return pid <= 0 || waitpid(pid, &status, 0) != pid || status != 7 << 8;
}
"""

EXCEPTION = """
#include <csignal>
#include <stdexcept>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "twin.h"

static char stack[1 << 18] __attribute__((aligned(16)));

static int child(void *)
{
	throw std::runtime_error("not for the parent");
}

int main()
{
	struct rlimit none = { 0, 0 };
	int status = -1, pid = -1, me = getpid();

	setrlimit(RLIMIT_CORE, &none);
	try {
		pid = twin(child, stack + sizeof(stack), SIGCHLD, nullptr, 0, nullptr, nullptr, nullptr);
	} catch (...) {
		_exit(getpid() == me ? 2 : 3);
	}
	return waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT;
}
"""


def run(like: str, source: str, compiler: str, options: list[str], folder: Path) -> int:
    """Build a program with the header of a variant that has the number of what it is like."""
    need_tool(compiler)
    if like not in numbers():
        pytest.skip(f"this ABI has no {like}()")
    (folder / "twin.toml").write_text(
        'name = "twin"\nsummary = "serve a test"\nauthor = "A U Thor <author@example.org>"\n'
        f'number = 950\nlike = "{like}"\nadd = ["int tag"]\n'
    )
    (folder / "twin.c").write_text(f"static long do_twin({BODIES[like]})\n{{\n\treturn 0;\n}}\n")
    syscraft.load(folder).write(folder / "out")
    for header in (folder / "out").glob("*.h"):
        header.write_text(re.sub(r"\b950\b", str(numbers()[like]), header.read_text()))
    suffix = ".cc" if compiler.endswith("++") else ".c"
    (folder / f"use{suffix}").write_text(source)
    words = [compiler, *options, "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Iout"]
    subprocess.run([*words, f"use{suffix}", "-o", "use"], cwd=folder, check=True)
    return subprocess.run([folder / "use"], check=False, timeout=30).returncode


@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_the_child_of_vfork_leaves_the_parents_frame(
    compiler: str, level: str, tmp_path: Path
) -> None:
    assert run("vfork", VFORK, compiler, [level], tmp_path) == 0


@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_the_child_of_clone3_has_its_own_stack(compiler: str, level: str, tmp_path: Path) -> None:
    assert run("clone3", CLONE3, compiler, [level], tmp_path) == 0


@pytest.mark.parametrize(
    ("compiler", "options"),
    [("g++", ["-O0"]), ("g++", ["-O2", "-fnon-call-exceptions"]), ("clang++", ["-O1"])],
)
def test_an_exception_ends_the_child(compiler: str, options: list[str], tmp_path: Path) -> None:
    assert run("clone", EXCEPTION, compiler, options, tmp_path) == 0
