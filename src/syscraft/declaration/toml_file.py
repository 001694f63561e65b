"""A TOML file with the place of every key, for messages that point at it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import tree_sitter
import tree_sitter_toml

from syscraft.declaration.ctext import Locate
from syscraft.errors import DeclarationError, Where
from syscraft.files import KIB, read_limited

_LANGUAGE = tree_sitter.Language(tree_sitter_toml.language())
_DECODE_ERROR = re.compile(
    r"^(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|.*)\)$"
)

# More than anybody writes; what is made of a file grows faster than the file.
MAX_BYTES = 256 * KIB
_MAX_DEPTH = 32

KeyPath = tuple[str | int, ...]


class TomlFile:
    """Values by ``tomllib``, places by a parser that keeps them."""

    def __init__(self, path: Path, shown_path: str) -> None:
        self.shown_path = shown_path
        try:
            raw = read_limited(path, MAX_BYTES)
            text = raw.decode("utf-8")
        except OSError as error:
            raise DeclarationError.of(
                f"cannot read the declaration: {error.strerror}", Where(shown_path)
            ) from error
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            raise DeclarationError.of(
                "the declaration is not UTF-8 text", Where(shown_path, line)
            ) from error
        # tomllib normalises line ends; so must the text that places are counted in.
        root = tree_sitter.Parser(_LANGUAGE).parse(raw.replace(b"\r\n", b"\n")).root_node
        self._check_size(root)
        try:
            self.data: dict[str, Any] = tomllib.loads(text)
        except ValueError as error:  # TOMLDecodeError, or an integer of thousands of digits
            raise self._syntax_error(str(error), text) from error
        self._keys: dict[KeyPath, tree_sitter.Node] = {}
        self._values: dict[KeyPath, tree_sitter.Node] = {}
        self._index(root)

    def _check_size(self, root: tree_sitter.Node) -> None:
        """Refuse depths and numbers that nobody means, before anything that chokes on them."""
        waiting = [(root, 0)]
        while waiting:
            node, depth = waiting.pop()
            if depth > _MAX_DEPTH:
                raise DeclarationError.of(
                    "this is nested too deeply",
                    self._place(node),
                    expected=f"at most {_MAX_DEPTH} levels",
                )
            waiting += [(child, depth + 1) for child in node.named_children]
            if node.type == "integer" and not _fits(node):
                raise DeclarationError.of(
                    "this integer is too large", self._place(node), expected="at most 64 bits"
                )

    def _syntax_error(self, message: str, text: str) -> DeclarationError:
        match = _DECODE_ERROR.match(message)
        line = text.count("\n") + 1
        column = None
        if match and match["line"]:
            line, column = int(match["line"]), int(match["column"])
        what = match["what"] if match else message
        return DeclarationError.of(
            f"invalid TOML: {what[:1].lower()}{what[1:]}",
            Where(self.shown_path, line, column),
        )

    def _index(self, root: tree_sitter.Node) -> None:
        arrays: dict[KeyPath, int] = {}
        for node in root.named_children:
            if node.type == "pair":
                self._index_pair((), node)
            elif node.type in ("table", "table_array_element"):
                head, *pairs = node.named_children
                prefix: KeyPath = ()
                for part in _key_parts(head):
                    prefix = (*prefix, part)
                    if prefix in arrays and prefix != tuple(_key_parts(head)):
                        prefix = (*prefix, arrays[prefix])
                if node.type == "table_array_element":
                    arrays[prefix] = arrays.get(prefix, -1) + 1
                    self._keys.setdefault(prefix, head)
                    prefix = (*prefix, arrays[prefix])
                self._keys.setdefault(prefix, head)
                for pair in pairs:
                    if pair.type == "pair":
                        self._index_pair(prefix, pair)

    def _index_pair(self, prefix: KeyPath, pair: tree_sitter.Node) -> None:
        key, value = pair.named_children[0], pair.named_children[-1]
        path = (*prefix, *_key_parts(key))
        self._keys[path] = key
        self._index_value(path, value)

    def _index_value(self, path: KeyPath, value: tree_sitter.Node) -> None:
        self._values[path] = value
        if value.type == "array":
            items = [node for node in value.named_children if node.type != "comment"]
            for index, item in enumerate(items):
                self._index_value((*path, index), item)
        elif value.type == "inline_table":
            for pair in value.named_children:
                if pair.type == "pair":
                    self._index_pair(path, pair)

    def _place(self, node: tree_sitter.Node) -> Where:
        row, column = node.start_point
        return Where(self.shown_path, row + 1, column + 1)

    def where(self, path: KeyPath) -> Where:
        """The place of a key, or of its nearest parent that has one."""
        while path:
            node = self._keys.get(path) or self._values.get(path)
            if node is not None:
                return self._place(node)
            path = path[:-1]
        return Where(self.shown_path, 1)

    def locate(self, path: KeyPath) -> Locate:
        """Make the map from places inside a string value to places in the file."""
        node = self._values.get(path)
        if node is None:
            fallback = self.where(path)
            return lambda line, column: fallback
        row, column = node.start_point
        text = (node.text or b"").decode(errors="replace")
        quotes = 3 if text.startswith(('"""', "'''")) else 1
        # TOML drops a newline right behind opening triple quotes.
        skipped = quotes == 3 and text[3:4] == "\n"

        def locate(line: int, inner_column: int) -> Where:
            if skipped:
                return Where(self.shown_path, row + line + 2, inner_column + 1)
            start = column + quotes if line == 0 else 0
            return Where(self.shown_path, row + line + 1, start + inner_column + 1)

        return locate


def _fits(integer: tree_sitter.Node) -> bool:
    """Whether an integer has at most 64 bits; what is no integer after all, tomllib says."""
    text = (integer.text or b"").decode(errors="replace").replace("_", "")
    if len(text) > len("0b") + 64:
        return False
    try:
        return -(1 << 63) <= int(text, 0) < 1 << 64
    except ValueError:
        return True


def _key_parts(node: tree_sitter.Node) -> list[str]:
    if node.type == "dotted_key":
        return [part for child in node.named_children for part in _key_parts(child)]
    text = (node.text or b"").decode(errors="replace")
    return [text[1:-1] if node.type == "quoted_key" else text]
