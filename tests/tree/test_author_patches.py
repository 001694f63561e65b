"""An author's patches: links, removals, renames and modes, as git am has them, and no further."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from small_tree import content, git, make_small, take_series

import syscraft as library
from syscraft.build.working_copy import WorkingCopy
from syscraft.errors import DeclarationError, SyscraftError, TreeError
from syscraft.guest.workload import Workload
from syscraft.hints import silent
from syscraft.model.call import TextFile
from syscraft.tree.applied import Done
from syscraft.tree.author_patches import apply_patches
from syscraft.tree.source import open_tree

MakeCall = Callable[..., Path]
SCRIPT = "scripts/tags.sh"  # executable in 6.12
GONE = "lib/gone.c"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from conftest import write_call

    folder = tmp_path_factory.mktemp("pristine")
    call = write_call(folder / "ctpatch", "ctpatch")
    root = make_small(folder / "linux", [call])
    for path, text in {
        SCRIPT: "#!/bin/sh\ntrue\n", GONE: "int gone;\n", "lib/moved.c": "int moved;\n" * 20,
        "tools/one/a.h": "/* a */\n", "tools/one/b.h": "/* b */\n", "lib/run": "echo\n",
    }.items():  # fmt: skip
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / SCRIPT).chmod(0o755)
    (root / "lib/other").symlink_to("moved.c")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "more")
    return root


@pytest.fixture
def linux(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "linux", symlinks=True))


@pytest.fixture
def authored(linux: Path, make_call: MakeCall) -> Callable[..., Path]:
    """Make a declaration with the patches that git makes of what is done to a tree."""

    def make(*steps: Callable[[Path], object]) -> Path:
        names = [f"{number:04d}-step.patch" for number, _ in enumerate(steps, 1)]
        listed = ", ".join(f'"{name}"' for name in names)
        folder = make_call("ctpatch", toml=f"patches = [{listed}]")
        for name, step in zip(names, steps, strict=True):
            step(linux)
            git(linux, "add", "--all")
            git(linux, "commit", "--quiet", "--message", f"do {name}")
            (folder / name).write_text(git(linux, "format-patch", "-1", "--stdout"))
        git(linux, "reset", "--quiet", "--hard", f"HEAD~{len(steps)}")
        return folder

    return make


def everything(root: Path) -> None:
    (root / GONE).unlink()
    (root / "lib/moved.c").rename(root / "lib/renamed.c")
    (root / SCRIPT).chmod(0o644)
    (root / "lib/run").chmod(0o755)
    (root / "lib/new.sh").write_text("#!/bin/sh\n")
    (root / "lib/new.sh").chmod(0o755)
    (root / "lib/other").unlink()
    (root / "lib/other").symlink_to("renamed.c")
    (root / "lib/empty").touch()


def folder_becomes_link(root: Path) -> None:
    shutil.rmtree(root / "tools/one")
    (root / "tools/two").mkdir()
    (root / "tools/two/a.h").write_text("/* two */\n")
    (root / "tools/one").symlink_to("two")


def file_becomes_link(root: Path) -> None:
    (root / "lib/run").unlink()
    (root / "lib/run").symlink_to("../scripts/tags.sh")
    (root / "lib/other").unlink()
    (root / "lib/other").write_text("a file now\n")


ALL = pytest.mark.parametrize("step", [everything, folder_becomes_link, file_becomes_link])


@ALL
def test_there_and_back(
    step: Callable[[Path], object], authored: Callable[..., Path], linux: Path, tmp_path: Path
) -> None:
    """--apply makes what git am makes, and --revert what was there."""
    call = library.load(authored(step))
    before = content(linux)
    assert call.apply(str(linux))[0] is Done.APPLIED
    applied = content(linux)
    assert call.apply(str(linux)) == (Done.ALREADY, ())
    assert call.revert(str(linux))[0] is Done.REVERTED
    assert content(linux) == before
    take_series(linux, call.folder, tmp_path / "mails")
    ours = {path for path in applied if path.startswith(".syscraft")}
    assert content(linux) == {p: found for p, found in applied.items() if p not in ours}
    assert git(linux, "status", "--short") == ""
    assert call.apply(str(linux)) == (Done.ALREADY, ())
    assert call.revert(str(linux))[0] is Done.REVERTED
    assert content(linux) == before


@ALL
def test_kernel_under_test(
    step: Callable[[Path], object], authored: Callable[..., Path], linux: Path, tmp_path: Path
) -> None:
    """The sources of a build are what git am makes, and then those of another call."""
    call = library.load(authored(step))
    tree = open_tree(str(linux))
    copy = WorkingCopy(tree, tmp_path / "work", silent)
    copy.prepare()
    before = content(copy.source)
    change = Workload((call.unit,), tree).change
    copy.overlay(change)
    copy.overlay(change)
    built = content(copy.source)
    copy.overlay(library.load(shutil_copy_without_patches(call.folder, tmp_path)).patch(str(linux)))
    for path in ("lib/run", "lib/other", "tools/one/a.h", GONE, SCRIPT):
        assert content(copy.source)[path] == before[path]
    take_series(linux, call.folder, tmp_path / "mails")
    assert built == content(linux)


def shutil_copy_without_patches(folder: Path, tmp_path: Path) -> Path:
    other = Path(shutil.copytree(folder, tmp_path / "plain" / folder.name))
    toml = other / "ctpatch.toml"
    lines = toml.read_text().splitlines(keepends=True)
    toml.write_text("".join(line for line in lines if not line.startswith("patches")))
    return other


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", "x/../../../outside", "loop"])
def test_links_that_leave_the_tree(target: str, authored: Callable[..., Path], linux: Path) -> None:
    folder = authored(lambda root: (root / "lib/loop").symlink_to(target))
    before = content(linux)
    for act in (library.load(folder).patch, library.load(folder).apply):
        with pytest.raises(DeclarationError, match="makes a link that leaves the kernel tree") as e:
            act(str(linux))
        assert f"lib/loop -> {target}" in str(e.value)
        assert "0001-step.patch" in str(e.value)
    assert content(linux) == before


@pytest.fixture
def secret(tmp_path: Path) -> Iterator[Path]:
    """A folder outside of the tree, which nothing may change or read."""
    folder = tmp_path / "secret"
    folder.mkdir()
    (folder / "file").write_text("secret\n")
    yield folder
    assert [path.name for path in folder.iterdir()] == ["file"]
    assert (folder / "file").read_text() == "secret\n"


LINK = "diff --git a/lib/out b/lib/out\nnew file mode 120000\n--- /dev/null\n+++ b/lib/out\n"
NO_END = "\\ No newline at end of file\n"


@pytest.mark.parametrize(
    "second",
    [
        "--- /dev/null\n+++ b/lib/out/new\n@@ -0,0 +1 @@\n+written\n",
        "--- a/lib/out/file\n+++ b/lib/out/file\n@@ -1 +1 @@\n-secret\n+written\n",
        "--- a/lib/out\n+++ b/lib/out\n@@ -1 +1 @@\n-secret\n+written\n",
        "diff --git a/lib/out/file b/lib/out/file\ndeleted file mode 100644\n"
        "--- a/lib/out/file\n+++ /dev/null\n@@ -1 +0,0 @@\n-secret\n",
        "diff --git a/lib/out/file b/lib/kept\nsimilarity index 100%\n"
        "copy from lib/out/file\ncopy to lib/kept\n",
    ],
)
@pytest.mark.parametrize("target", ["secret", "secret/file", "lib"])
def test_links_that_are_written_through(
    second: str, target: str, linux: Path, secret: Path, make_call: MakeCall
) -> None:
    """One patch makes a link, and the next one takes it for a folder or a file."""
    where = str(secret.parent / target) if target != "lib" else "../lib"
    folder = make_call("ctpatch", toml='patches = ["1.patch", "2.patch"]')
    (folder / "1.patch").write_text(f"{LINK}@@ -0,0 +1 @@\n+{where}\n{NO_END}")
    (folder / "2.patch").write_text(second)
    before = content(linux)
    for act in (library.load(folder).patch, library.load(folder).apply):
        with pytest.raises(SyscraftError, match=r"leaves the kernel tree|does not apply"):
            act(str(linux))
    assert content(linux) == before


@pytest.mark.parametrize("path", ["kernel/ctpatch.c", "kernel/sys_ni.c", "init"])
def test_links_where_the_call_goes(path: str, authored: Callable[..., Path], linux: Path) -> None:
    """What syscraft adds itself is not written through an author's link either."""

    def step(root: Path) -> None:
        target = root / path
        depth = path.count("/")
        if target.exists():
            target.rename(root / "elsewhere")
        target.symlink_to("../" * depth + "elsewhere")

    folder = authored(step)
    with pytest.raises(TreeError, match=r"a link stands in the way|a file is missing"):
        library.load(folder).patch(str(linux))


@pytest.mark.parametrize("path", ["../x", ".git/hooks/post-checkout", ".syscraft/other.json"])
def test_paths_that_are_no_files_of_a_kernel(path: str, make_call: MakeCall) -> None:
    folder = make_call("ctpatch", toml='patches = ["1.patch"]')
    (folder / "1.patch").write_text(f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n")
    with pytest.raises(DeclarationError, match="changes a file outside the kernel tree") as caught:
        library.load(folder).patch()
    assert path in str(caught.value)


def test_a_repository_in_the_tree(make_call: MakeCall) -> None:
    folder = make_call("ctpatch", toml='patches = ["1.patch"]')
    (folder / "1.patch").write_text(
        "diff --git a/lib/sub b/lib/sub\nnew file mode 160000\nindex 0000000..1234567\n"
        f"--- /dev/null\n+++ b/lib/sub\n@@ -0,0 +1 @@\n+Subproject commit {'12' * 20}\n"
    )
    with pytest.raises(DeclarationError, match="adds a repository"):
        library.load(folder).patch()


def test_the_users_settings_of_git_do_not_matter(
    authored: Callable[..., Path], linux: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(root: Path) -> None:
        (root / "lib/blanks").write_bytes(b"blanks at the end \t\nmore\n")
        (root / ".gitattributes").write_text("* text eol=crlf\n")

    folder = authored(step)
    settings = tmp_path / "gitconfig"
    settings.write_text(
        "[apply]\n\twhitespace = fix\n\tignoreWhitespace = change\n[core]\n\tautocrlf = true\n"
    )
    for name, value in {
        "GIT_CONFIG_GLOBAL": str(settings), "GIT_DIR": str(tmp_path / "none"),
        "GIT_INDEX_FILE": str(tmp_path / "no-index"),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    files = library.load(folder).patch(str(linux)).files
    assert files["lib/blanks"] == b"blanks at the end \t\nmore\n"
    diff = f"--- a/{GONE}\n+++ b/{GONE}\n@@ -1 +1 @@\n-int   gone;\n+int came;\n"
    with pytest.raises(TreeError, match="does not apply"):
        apply_patches([TextFile("1.patch", "1.patch", diff)], open_tree(str(linux)))
