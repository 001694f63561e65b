"""Names that an author may give: what is generated bears them as they are, and works."""

from __future__ import annotations

import ast
import builtins
import errno
import importlib.util
import inspect
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import pytest

import syscraft
from syscraft.emit.kernel.selftest import selftest_files
from syscraft.errors import DeclarationError
from syscraft.model import reserved
from syscraft.model.reserved import table

# What generated Python uses itself, somewhere, and is an ordinary name in C.
ORDINARY = (
    "name len parent keep values os ctypes flags flag args arguments dict list memoryview reason "
    "isinstance functools importlib type bytes number count way core"
).split()

HEAD = 'summary = "serve a test"\nauthor = "A U Thor <author@example.org>"\n'


def declare(folder: Path, text: str, body: str) -> Path:
    """A declaration of the call ``sample``."""
    (folder / "sample.toml").write_text(f'name = "sample"\n{HEAD}{text}')
    (folder / "sample.c").write_text(f"static long do_sample({body})\n{{\n\treturn 0;\n}}\n")
    return folder


def python_module(folder: Path, *, name: str = "sample") -> ModuleType:
    """Generate the Python module of a declaration and import it."""
    for file, text in syscraft.load(folder).generate(only=["python"]).items():
        (folder / file).write_text(text)
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# One declaration has many names: to generate is what takes time.
FEW = ("name", "len", "parent", "keep", "values", "os")


def ints(names: Sequence[str]) -> str:
    return ", ".join(f"int {name}" for name in names)


def listed(names: Sequence[str], head: str) -> str:
    return f"{head} = {[f'int {name}' for name in names]}\n".replace("'", '"')


def check(module: ModuleType, given: Mapping[str, object]) -> None:
    parameters = list(inspect.signature(module.sample).parameters)
    assert [name for name in parameters if name in given] == list(given)
    with pytest.raises(OSError) as caught:
        module.sample(**given)
    assert caught.value.errno == errno.ENOSYS


def test_parameters_in_registers(tmp_path: Path) -> None:
    text = f'kernel = "{ints(FEW)}"\nuser = "int sample({ints(FEW)})"\n'
    check(python_module(declare(tmp_path, text, ints(FEW))), dict.fromkeys(FEW, 1))


def test_parameters_beside_a_wide_one(tmp_path: Path) -> None:
    names = ("flags", "arguments", "memoryview")
    listed = f"loff_t len, {ints(names)}"
    text = f'kernel = "{listed}"\nuser = "int sample({listed})"\n'
    check(python_module(declare(tmp_path, text, listed)), {"len": 1, **dict.fromkeys(names, 1)})


def test_parameters_in_a_struct(tmp_path: Path) -> None:
    kernel = f"void __user *first, {ints(ORDINARY)}"
    text = (f'kernel = "{kernel}"\nuser = "int sample({kernel})"\npack = true\n').replace(
        "int sample(void __user", "int sample(void"
    )
    given = {"first": bytearray(1), **dict.fromkeys(ORDINARY, 1)}
    check(python_module(declare(tmp_path, text, kernel)), given)


@pytest.mark.parametrize("name", FEW)
def test_parameter_of_a_clone_variant(name: str, tmp_path: Path) -> None:
    text = f'like = "clone"\nadd = ["const char __user *{name}"]\n'
    body = f"struct kernel_clone_args *kargs, const char __user *{name}"
    check(python_module(declare(tmp_path, text, body)), {name: b"worker\0"})


def test_parameters_of_a_clone_variant_in_a_struct(tmp_path: Path) -> None:
    names = [name for name in ORDINARY if name not in ("flags", "args")]  # those clone has
    text = 'like = "clone"\npack = true\n' + listed([*names, "*first"], "add").replace(
        "int *first", "const char __user *first"
    )
    body = f"struct kernel_clone_args *kargs, {ints(names)}, const char __user *first"
    given = {**dict.fromkeys(names, 1), "first": b"x\0"}
    check(python_module(declare(tmp_path, text, body)), given)


# -- the table of names --------------------------------------------------------------------

# What generated C includes, in any program.
HEADERS = (
    "errno signal stdlib string unistd sys/syscall sched sys/wait stdio stdarg stdint stddef "
    "sys/types linux/types asm/errno"
).split()
INCLUDES = "#define _GNU_SOURCE\n" + "".join(f"#include <{name}.h>\n" for name in HEADERS)


def test_macros_of_the_headers_are_in_the_table() -> None:
    done = subprocess.run(
        ["gcc", "-std=gnu11", "-E", "-dM", "-xc", "-"], input=INCLUDES,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = set(re.findall(r"^#define ([A-Za-z]\w*)(?![\w(])", done.stdout, re.MULTILINE))
    assert found - table("c_macros") - table("c_keywords") == set()
    assert {"errno", "stdin", "unix", "linux", "st_atime", "mips", "sparc"} <= table("c_macros")


def test_macros_of_other_headers_are_in_the_table() -> None:
    names = "fcntl limits math poll sys/epoll sys/mman sys/resource sys/socket sys/stat".split()
    text = "#define _GNU_SOURCE\n" + "".join(f"#include <{name}.h>\n" for name in names)
    done = subprocess.run(
        ["gcc", "-std=gnu11", "-E", "-dM", "-xc", "-"], input=text,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = set(re.findall(r"^#define ([A-Z][A-Z0-9_]*)\b", done.stdout, re.MULTILINE))
    lists = ("libc_macros", "c_macros", "kernel_macros")
    assert found - frozenset().union(*map(table, lists)) == set()
    assert {"O_CREAT", "PROT_READ", "S_ISREG", "RLIMIT_CPU"} <= found


def test_python_names_in_the_table_are_those_that_modules_use(tmp_path: Path) -> None:
    """A function of a generated module may use a built-in or a helper only if the table has it."""
    kernel = "loff_t a, int b, void __user *c, int d"
    text = (
        f'kernel = "{kernel}"\nuser = "int sample(loff_t a, int b, void *c)"\n'
        '[derive]\nd = "(int)(b / -3 % (b | 1) << 3)"\n'
    )
    modules = [python_module(declare(tmp_path, text, kernel))]
    text = 'like = "clone"\nadd = ["void __user *{0}"]\n'
    for extra in ("", "pack = true\n"):
        body = "struct kernel_clone_args *kargs, void __user *x"
        modules.append(python_module(declare(tmp_path, text.format("x") + extra, body)))
    used: set[str] = set()
    for module in modules:
        tree = ast.parse(inspect.getsource(module))
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                used.add(node.id)
    used -= {"__file__"}
    helpers = {name for name in used if name.startswith("_") and not name.startswith("__")}
    assert helpers - reserved.PYTHON_HELPERS == set()
    called = {name for name in used if hasattr(builtins, name)}
    assert called - reserved.PYTHON_USED - table("python_keywords") == set()


# -- what was accepted and broke ------------------------------------------------------------


def test_file_name_that_a_comment_cannot_have(tmp_path: Path) -> None:
    declare(tmp_path, 'kernel = "int value"\nuser = "int sample(int value)"\n', "int value")
    for name in ("a\nb.toml", 'a"b.toml', "a\\.toml", "a\u202eb.toml"):
        path = (tmp_path / "sample.toml").rename(tmp_path / name)
        with pytest.raises(DeclarationError) as caught:
            syscraft.load(path)
        assert "this file's name" in caught.value.findings[0].message
        path.rename(tmp_path / "sample.toml")


def test_case_of_several_lines_stays_one_expression(tmp_path: Path) -> None:
    text = (
        'kernel = "int args, int other"\nuser = "int sample(int args)"\npack = true\n'
        '[derive]\nother = "1"\n[[cases]]\nname = "sample"\nsetup = "int a[] = {1, 2};"\n'
        'args = ["""a[0]\n+ 1"""]\nreturns = """\n(int[]){1, 2}[0]\n"""\n'
        'check = """\na[0] == 1 &&\n\'?\' == 63\n"""\n'
    )
    files = syscraft.load(declare(tmp_path, text, "int args, int other")).generate()
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    flags = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    for compiler in ("gcc", "clang"):
        command = [compiler, *flags, str(tmp_path / "test_sample_cases.c")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
    selftest = "".join(selftest_files(syscraft.load(tmp_path).unit).values())
    assert "EXPECT_EQ(((int[]){1, 2}[0]), ret);" in selftest
    assert "struct sample_args args_ = {" in selftest
    assert "TEST(case_sample)" in selftest


def test_selftest_has_no_name_of_libc_and_no_unused_function(tmp_path: Path) -> None:
    text = (
        'kernel = "int value, int __user *out"\n'
        'user = ["int sample(int value, int *out)", "long unused(int value, int *out)"]\n'
        '[[cases]]\nname = "isxdigit l"\nargs = ["0", "NULL"]\nerrno = "EFAULT"\n'
        '[[cases]]\nname = "wrapper x"\nargs = ["0", "NULL"]\nreturns = 0\ncheck = "ret == 0"\n'
    )
    declaration = syscraft.load(declare(tmp_path, text, "int value, int __user *out"))
    selftest = selftest_files(declaration.unit)["sample_test.c"]
    assert "TEST(case_isxdigit_l)" in selftest and "TEST(case_wrapper_x)" in selftest
    # Compilers warn of a static function that no case calls.
    assert "sample(int value" in selftest and "unused" not in selftest


def test_selftest_of_a_clone_variant_knows_its_types(tmp_path: Path) -> None:
    text = 'like = "clone"\npack = true\nadd = ["struct open_how __user *opened", "u64 size"]\n'
    body = "struct kernel_clone_args *args, struct open_how __user *opened, u64 size"
    unit = syscraft.load(declare(tmp_path, text, body)).unit
    selftest = selftest_files(unit)["sample_test.c"]
    assert "#include <linux/openat2.h>" in selftest
    assert ".opened = (unsigned long)opened," in selftest
