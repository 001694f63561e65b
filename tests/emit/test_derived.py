"""What a generated module passes is what the generated header passes."""

from __future__ import annotations

import subprocess
import types
from pathlib import Path

import pytest

import syscraft
from syscraft.emit.kernel.uapi import uapi_header

TOML = """
name = "sample"
summary = "serve a test"
author = "A U Thor <author@example.org>"
kernel = "{kernel}"
user = "{user}"

[derive]
{derive}

[[flags]]
name = "SAMPLE_HIGH"
value = "1u << 31"
"""


def generate(folder: Path, kernel: str, user: str, derive: dict[str, str]) -> dict[str, str]:
    folder.mkdir()
    lines = "\n".join(f'{name} = "{text}"' for name, text in derive.items())
    (folder / "sample.toml").write_text(TOML.format(kernel=kernel, user=user, derive=lines))
    (folder / "sample.c").write_text(f"static long do_sample({kernel})\n{{\n\treturn 0;\n}}\n")
    return syscraft.load(folder).generate()


def passed(module_text: str, *arguments: object) -> list[int]:
    """The values that the module's function hands to the kernel."""
    module = types.ModuleType("sample")
    exec(module_text, module.__dict__)
    seen: list[int] = []
    module.__dict__["_call"] = lambda *values: seen.extend(values) or 0
    module.__dict__["sample"](*arguments)
    return seen


@pytest.mark.parametrize(
    ("kernel", "user", "derive", "arguments", "expected"),
    [
        ("unsigned int v", "int sample(void)", {"v": "-1"}, (), [2**32 - 1]),
        ("unsigned int v", "int sample(void)", {"v": "~0"}, (), [2**32 - 1]),
        ("unsigned long v", "int sample(void)", {"v": "~0UL"}, (), [2**64 - 1]),
        ("int v", "int sample(void)", {"v": "SAMPLE_HIGH"}, (), [-(2**31)]),
        ("unsigned int v", "int sample(unsigned int a)", {"v": "a + 1"}, (2**32 - 1,), [0]),
        ("unsigned int v", "int sample(int a)", {"v": "a"}, (-1,), [2**32 - 1]),
        ("unsigned int v", "int sample(int v)", {}, (-1,), [2**32 - 1]),
        ("int v", "int sample(int a)", {"v": "a / 2"}, (-7,), [-3]),
        ("void __user *p", "int sample(void *q)", {"p": "q"}, (4096,), [4096]),
        ("void __user *p", "int sample(void)", {"p": "0"}, (), [0]),
        ("void __user *p", "int sample(void)", {"p": "NULL"}, (), [None]),
        ("unsigned long v", "int sample(void *q)", {"v": "(unsigned long)q"}, (4096,), [4096]),
    ],
)
def test_a_derived_value(
    tmp_path: Path,
    kernel: str,
    user: str,
    derive: dict[str, str],
    arguments: tuple[int, ...],
    expected: list[int | None],
) -> None:
    files = generate(tmp_path / "sample", kernel, user, derive)
    assert passed(files["sample.py"], *arguments) == expected
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    source = tmp_path / "use.c"
    # The header's own call, with what would go to the kernel caught on the way.
    names = ", ".join(f"{value}" for value in arguments)
    cast = "(void *)" if "*q" in user else ""
    source.write_text(
        "#define sample_raw sample_raw_of_the_header\n"
        '#include "sample_raw.h"\n'
        "#undef sample_raw\n"
        "#include <stdio.h>\n"
        f"static long sample_raw({kernel.replace('__user ', '')})\n"
        f'{{\n\tprintf("%lld\\n", (long long){kernel.split()[-1].strip("*")});\n\treturn 0;\n}}\n'
        '#include "sample.h"\n'
        f"int main(void)\n{{\n\treturn sample({cast if names else ''}{names});\n}}\n"
    )
    program = tmp_path / "use"
    subprocess.run(
        ["gcc", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", f"-I{tmp_path}",
         "-o", program, source],
        check=True,
    )  # fmt: skip
    said = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    assert [int(said) % 2**64] == [(value or 0) % 2**64 for value in expected]


def test_arguments_are_checked_before_arithmetic(tmp_path: Path) -> None:
    files = generate(tmp_path / "sample", "unsigned int v", "int sample(int a)", {"v": "a + 1"})
    with pytest.raises(OverflowError, match="a is 4294967296"):
        passed(files["sample.py"], 2**32)


def test_a_macro_is_one_value_wherever_it_stands(tmp_path: Path) -> None:
    files = generate(tmp_path / "sample", "int v", "int sample(int v)", {})
    assert "#define SAMPLE_HIGH\t(1u << 31)\n" in files["sample.h"] + files["sample_raw.h"]
    assert "SAMPLE_HIGH = 1 << 31\n" in files["sample.py"]
    uapi = uapi_header(syscraft.load(tmp_path / "sample").unit.shared)
    assert "#define SAMPLE_HIGH\t(1u << 31)\n" in uapi


@pytest.mark.parametrize("pack", ["", "pack = true\n"])
def test_a_number_that_is_a_truth_is_one_without_warnings(pack: str, tmp_path: Path) -> None:
    """gcc takes a product, a shift and two constants for slips where zero or not is asked."""
    derive = {
        "a": "n == 0 ? 0 : 16", "b": "n << 3", "c": "(bool)(n * 2)", "d": "n * 2 && !(n << 1)",
        "e": "(n ? 2 : 3) ? n : 1",
    }  # fmt: skip
    kernel = "bool a, bool b, bool c, int d, int e"
    user = "int sample(int n)"
    folder = tmp_path / "declared"
    folder.mkdir()
    lines = "\n".join(f'{name} = "{text}"' for name, text in derive.items())
    text = TOML.format(kernel=kernel, user=user, derive=lines)
    (folder / "sample.toml").write_text(pack + text)
    (folder / "sample.c").write_text(f"static long do_sample({kernel})\n{{\n\treturn 0;\n}}\n")
    for name, content in syscraft.load(folder).generate().items():
        (tmp_path / name).write_text(content)
    (tmp_path / "x.c").write_text('#include "sample.h"\n')
    for compiler in ("gcc", "clang"):
        argv = [compiler, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", str(tmp_path / "x.c")]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
