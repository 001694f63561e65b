"""The command line: help, usage errors, exit statuses, the scaffold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import REPOSITORY, Syscraft

from syscraft.abi.discover import all_abis

VERBS = ("check", "doctor", "generate", "new", "patch", "run", "test")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, syscraft: Syscraft) -> None:
    done = syscraft(verb, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: syscraft " + verb)
    assert verb in syscraft("--help").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        ("check",),
        ("check", "no/such/declaration"),
        ("run", "examples/splork"),
        ("run", "examples/splork", "--on", "toaster", "--", "true"),
        ("test", "examples/splork", "--timeout", "-1"),
        ("generate", "examples/splork", "--only", "nothing"),
        ("generate", "examples/splork", "--abi", "x86_64,arm65"),
        ("generate", "examples/splork", "--abi", ","),
        ("new", "x; rm -rf /"),
        ("new", "../x"),
        ("new", "int"),
        ("new", "a" * 300),
        ("new", "ok", "--like", "frok"),
    ],
)
def test_wrong_usage_is_status_2(
    arguments: tuple[str, ...], syscraft: Syscraft, tmp_path: Path
) -> None:
    where = REPOSITORY if "examples/splork" in arguments else tmp_path
    done = syscraft(*arguments, cwd=where)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr
    assert not list(tmp_path.iterdir())


def test_headers_of_the_abis_that_a_project_ships(syscraft: Syscraft, tmp_path: Path) -> None:
    declaration = REPOSITORY / "examples" / "clone_nice"
    for name, options in (("two", ("--abi", "x86_64,arm64")),
                          ("same", ("--abi", "x86_64", "--abi", "arm64,x86_64"))):  # fmt: skip
        done = syscraft("generate", declaration, *options, "-o", tmp_path / name)
        assert done.returncode == 0, done.stderr
    for path in (tmp_path / "two").iterdir():
        assert path.read_text() == (tmp_path / "same" / path.name).read_text()
        assert path.stat().st_size < 10_000 and "__mips__" not in path.read_text()
    done = syscraft("generate", declaration, "--abi", "arm65")
    assert "did you mean 'arm64'?" in done.stderr


def test_a_call_without_tests_is_refused_before_any_work(
    make_call: Callable[..., Path],
    syscraft: Syscraft,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SYSCRAFT_CACHE", str(tmp_path / "cache"))
    folder = make_call("idle")
    file = folder / "idle.toml"
    file.write_text(file.read_text().partition("[[cases]]")[0])
    done = syscraft("test", folder)
    assert done.returncode == 1
    assert "idle has no tests" in done.stderr
    assert not (tmp_path / "cache" / "trees").exists()


def test_check_reports_all_declarations(syscraft: Syscraft, tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('name = "bad"\n')
    done = syscraft("check", bad, REPOSITORY / "examples" / "splork")
    assert done.returncode == 1
    assert f"{bad}:1" in done.stderr
    assert "splork: no findings" in done.stdout


def test_check_for_machines(syscraft: Syscraft, tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('name = "bad"\nnmae = 1\n')
    done = syscraft("check", "--json", bad)
    assert done.returncode == 1
    findings = json.loads(done.stdout)
    assert {f["line"] for f in findings} == {1, 2}
    assert any(f["hint"] == "did you mean 'name'?" for f in findings)


@pytest.mark.parametrize("like", [None, "clone", "clone3", "fork", "vfork"])
def test_what_new_makes_is_valid(like: str | None, syscraft: Syscraft, tmp_path: Path) -> None:
    options = ["--like", like] if like else []
    assert syscraft("new", "fresh", *options, cwd=tmp_path).returncode == 0
    assert syscraft("check", "fresh", cwd=tmp_path).returncode == 0
    again = syscraft("new", "fresh", *options, cwd=tmp_path)
    assert again.returncode == 2
    assert "already" in again.stderr


@pytest.mark.parametrize("like", ["clone3", "fork", "vfork"])
def test_what_new_makes_gives_a_child_its_stack(
    like: str, syscraft: Syscraft, tmp_path: Path
) -> None:
    """Where a child that asks for no stack has none, the body says which; clone's stub does so."""
    syscraft("new", "fresh", "--like", like, cwd=tmp_path)
    body = (tmp_path / "fresh" / "fresh.c").read_text()
    symbols = {a.fork_entry.keeps_no_stack for a in all_abis() if a.fork_entry} - {None}
    assert symbols == {"CONFIG_SPARC"}
    for symbol in symbols:
        _, found, rest = body.partition(f"#ifdef {symbol}\n")
        assert (
            found
            and "args.stack = user_stack_pointer(current_pt_regs());"
            in (rest.partition("#endif")[0])
        )


def test_what_new_makes_of_clone3_has_the_patch_of_the_example() -> None:
    made, example = (
        REPOSITORY.joinpath(path).read_text()
        for path in (
            "src/syscraft/scaffold/clone3/0001-fork-let-other-calls-read-struct-clone_args.patch",
            "examples/clone3_nice/0002-fork-let-other-calls-read-struct-clone_args.patch",
        )
    )
    assert made == example


def test_doctor(syscraft: Syscraft) -> None:
    done = syscraft("doctor", "--json")
    checks = {check["what"]: check for check in json.loads(done.stdout)}
    assert {"gcc", "make", "linux-source-6.12", "cache"} <= checks.keys()
    assert (done.returncode == 0) == all(check["present"] for check in checks.values())


def test_doctor_names_what_is_missing(syscraft: Syscraft) -> None:
    done = syscraft("doctor", env={"PATH": "/nowhere"})
    assert done.returncode == 3
    assert "apt-get install" in done.stdout
    assert "flex" in done.stdout
