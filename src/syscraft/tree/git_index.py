"""Applies patches with git's own machinery to a few files of a tree, in a place of its own.

Everything happens in a git index: there is no working tree, so a link that a patch makes is an
entry like others, and nothing can be read or written through it. What git refuses here, git am
refuses as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from syscraft import proc
from syscraft.errors import EnvironmentLacks
from syscraft.files import write_atomic

# What decides how git reads and writes must not be the user's, or the tree's, to set.
_ATTRIBUTES = b"* -text -ident -filter !eol !working-tree-encoding\n"

Entry = tuple[int, str]  # mode as git has it, name of the content


class GitIndex:
    """An index in *folder*, which is empty and goes away with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._git_dir = folder / "git"
        self._out = folder / "out"
        self._count = 0
        # The least that git takes for a repository. Source: gitrepository-layout(5)
        for name in ("objects", "refs"):
            (self._git_dir / name).mkdir(parents=True)
        write_atomic(self._git_dir / "HEAD", b"ref: refs/heads/main\n")
        write_atomic(self._git_dir / "info" / "attributes", _ATTRIBUTES)

    def add(self, files: Mapping[str, tuple[int, bytes]]) -> None:
        """Add files, as path -> (mode, content); a link's content is where it points to."""
        if not files:
            return
        paths = []
        for _, data in files.values():
            paths.append(self._folder / "in" / str(self._count))
            write_atomic(paths[-1], data)
            self._count += 1
        listed = "".join(f"{path}\n" for path in paths)
        hashed = self._git("hash-object", "-w", "--no-filters", "--stdin-paths", input=listed)
        names = hashed.split()
        self._git(
            "update-index", "-z", "--index-info",
            input="".join(
                f"{mode:06o} {name}\t{path}\0"
                for (path, (mode, _)), name in zip(files.items(), names, strict=True)
            ),
        )  # fmt: skip

    def paths_of(self, patch: str) -> proc.Result:
        """What *patch* is about, as ``git apply --numstat -z`` writes it."""
        return self._run("apply", "--numstat", "-z", "--whitespace=nowarn", "-", input=patch)

    def apply(self, patch: str, *options: str) -> proc.Result:
        """Apply *patch* as a whole, or not at all."""
        return self._run("apply", "--cached", "--whitespace=nowarn", *options, "-", input=patch)

    def entries(self) -> dict[str, Entry]:
        """Everything in the index, by path."""
        found = {}
        for line in self._git("ls-files", "--stage", "-z").split("\0")[:-1]:
            head, _, path = line.partition("\t")
            mode, name, _ = head.split()
            found[path] = (int(mode, 8), name)
        return found

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The content of entries; a link's is where it points to."""
        wanted = sorted(paths)
        self._git(
            # Links are written as files, and so followed by nobody.
            "-c", "core.symlinks=false", "checkout-index", "--force", "-z", "--stdin",
            f"--prefix={self._out}/",
            input="".join(f"{path}\0" for path in wanted),
        )  # fmt: skip
        return {path: (self._out / path).read_bytes() for path in wanted}

    def _git(self, *words: str, input: str = "") -> str:
        done = self._run(*words, input=input)
        if not done.ok:
            raise EnvironmentLacks.of(
                "git cannot work on a copy of the kernel's files", found=done.output.strip()[-300:]
            )
        return done.output

    def _run(self, *words: str, input: str) -> proc.Result:
        return proc.run(
            ["git", *words],
            cwd=self._folder,
            env={
                "GIT_DIR": str(self._git_dir),
                "GIT_WORK_TREE": str(self._folder),
                "GIT_INDEX_FILE": str(self._git_dir / "index"),
                "GIT_OBJECT_DIRECTORY": str(self._git_dir / "objects"),
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
                "GIT_CONFIG_GLOBAL": "/dev/null",
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_CONFIG_COUNT": "0",
                "GIT_CONFIG_PARAMETERS": "",
                "GIT_DEFAULT_HASH": "sha1",
                "LC_ALL": "C",
            },
            input=input.encode("utf-8", "surrogateescape"),
        )
