"""The patch series, judged by git and by the kernel's own checkpatch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY, Syscraft, need_tool
from kept import kept
from small_tree import git, make_small

import syscraft as library
from syscraft.tree.source import open_tree

EXAMPLES = sorted(path.parent for path in REPOSITORY.glob("examples/*/*.toml"))


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git tree with the files of 6.12 that any example touches, committed as they are."""
    need_tool("git")
    return make_small(tmp_path_factory.mktemp("linux"), EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_series_applies_and_gives_the_built_files(
    example: Path, pristine: Path, tmp_path: Path
) -> None:
    change = library.load(example).patch()
    for name, text in change.series:
        (tmp_path / name).write_text(text, errors="surrogateescape")
    git(pristine, "checkout", "--quiet", "--detach", "HEAD")
    base = git(pristine, "rev-parse", "HEAD").strip()
    try:
        git(pristine, "am", *(str(tmp_path / name) for name, _ in change.series))
        changed = git(pristine, "diff", "--name-only", base).split()
        assert set(changed) == set(change.files)
        for path in changed:
            assert (pristine / path).read_bytes() == change.files[path], path
    finally:
        git(pristine, "checkout", "--quiet", "--force", base)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_checkpatch_strict_is_clean(example: Path, tmp_path: Path) -> None:
    need_tool("perl")
    tree = open_tree("deb:6.12")
    (tmp_path / "home").mkdir()  # without options of the user's
    for name, text in library.load(example).patch().series:
        (tmp_path / name).write_text(text, errors="surrogateescape")
        argv = ("perl", "scripts/checkpatch.pl", "--strict", "--no-summary")

        def check(argv: tuple[str, ...] = (*argv, str(tmp_path / name))) -> str:
            done = subprocess.run(
                argv, cwd=tree.root, env={**os.environ, "HOME": str(tmp_path / "home")},
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        kept(Path(__file__).read_bytes(), tree.key, text, make=check)


def test_scaffolds_are_clean_too(tmp_path: Path, syscraft: Syscraft) -> None:
    likenesses = (None, "clone", "clone3", "fork", "vfork")
    for name, like in ((f"ct{like or 'plain'}", like) for like in likenesses):
        arguments = ["--like", like] if like else []
        assert syscraft("new", name, *arguments, "-C", tmp_path).returncode == 0
        (tmp_path / f"mails of {name}").mkdir()
        test_checkpatch_strict_is_clean(tmp_path / name, tmp_path / f"mails of {name}")


# Command lines from its input, one after the other.
ALL_OF = """
import json, sys
from syscraft.cli.main import main
for words in json.load(sys.stdin):
    try:
        main(words)
    except SystemExit as end:
        assert end.code == 0, words
"""


def test_twice_gives_equal_bytes(tmp_path: Path) -> None:
    outputs = []
    for round_ in ("one", "two"):
        folder = tmp_path / round_
        words = [
            (verb, str(example), "-o", str(folder / example.name))
            for example in EXAMPLES
            for verb in ("generate", "patch")
        ]
        # Another hash seed, another folder: neither may show in the output.
        env = {**os.environ, "PYTHONHASHSEED": "1" if round_ == "one" else "2"}
        done = subprocess.run(
            [sys.executable, "-c", ALL_OF], input=json.dumps(words), cwd=tmp_path, env=env,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        outputs.append({p.relative_to(folder): p.read_bytes() for p in folder.glob("*/*")})
    assert outputs[0] == outputs[1]
    for example in EXAMPLES:
        assert len([p for p in outputs[0] if p.parts[0] == example.name]) >= 5


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("number = 462", "mseal() has the number 462"),
        ('patches = ["bad.patch"]', "does not apply"),
    ],
)
def test_what_stands_against_a_patch(
    toml: str, message: str, tmp_path: Path, make_call: object, syscraft: Syscraft
) -> None:
    assert callable(make_call)
    folder = make_call("cttaken", toml=toml)
    (folder / "bad.patch").write_text(
        "--- a/kernel/fork.c\n+++ b/kernel/fork.c\n@@ -1,1 +1,1 @@\n-no such line\n+another\n"
    )
    done = syscraft("patch", folder)
    assert done.returncode == 1
    assert message in done.stderr


def test_name_of_an_existing_call(make_call: object, syscraft: Syscraft) -> None:
    assert callable(make_call)
    done = syscraft("patch", make_call("openat2"))
    assert done.returncode == 1
    assert "already has a call named 'openat2'" in done.stderr


def test_maintainers_entry_stands_in_the_alphabet(make_call: object) -> None:
    """Entries of 6.12 that stand in wrong places do not attract it."""
    assert callable(make_call)
    text = library.load(make_call("clonx")).patch().files["MAINTAINERS"].decode()
    titles = [entry.partition("\n")[0] for entry in text.split("\n\n")]
    place = titles.index("CLONX SYSTEM CALL")
    assert titles[place - 1 : place + 2 : 2] == ["CLOCKSOURCE, CLOCKEVENT DRIVERS", "CLOSURES"]
