"""Reads the C text of a declaration with a real C parser.

``__user`` is a macro that user space and compilers never see; it is replaced by
blanks of the same length before parsing, as the preprocessor does, and remembered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import tree_sitter
import tree_sitter_c

from syscraft.declaration.scalars import SCALARS, Scalar, normal_spelling
from syscraft.errors import Finding, Where

_LANGUAGE = tree_sitter.Language(tree_sitter_c.language())
_COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/|//[^\n]*', re.DOTALL)
_USER_MACRO = re.compile(rb"\b__user\b")

# One argument's value: a page of it is no expression any more, and trees of any depth are slow.
MAX_EXPRESSION = 4096

_SHORT_TYPEDEF = re.compile(r"\b[us]8\b")
_TYPEDEF = re.compile(
    rb"\b(?:%s)\b" % b"|".join(n.encode() for n in SCALARS if re.search(r"[_\d]|bool", n))
)

# Maps (line, column) of a C text, both from 0, to a place in the file that holds it.
Locate = Callable[[int, int], Where]


class CTextError(Exception):
    """The text is not the C that was asked for."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


@dataclass(frozen=True)
class CType:
    """A C type as declared.

    Args:
        base: the type without qualifiers and pointers, for example ``struct open_how``.
        pointers: how many ``*``.
        const: whether what is pointed to (or the value) is const.
        user: whether the pointer is a ``__user`` one.
        array: text between the brackets of a struct's field, or None.
    """

    base: str
    pointers: int = 0
    const: bool = False
    user: bool = False
    array: str | None = None

    @property
    def is_pointer(self) -> bool:
        return self.pointers > 0

    @property
    def is_written(self) -> bool:
        """Whether a call may write to what a value of this type points to."""
        return self.is_pointer and not self.const

    @property
    def scalar(self) -> Scalar | None:
        """What is known of the number that a value of this type is; None if it is none."""
        return None if self.is_pointer else SCALARS.get(self.base)

    @property
    def is_wide(self) -> bool:
        return self.scalar is not None and self.scalar.is_wide

    @property
    def is_long(self) -> bool:
        return self.scalar is not None and self.scalar.is_long

    def declare(self, name: str, *, kernel: bool, base: str | None = None) -> str:
        """Write a declaration of *name*: ``const char __user *path``."""
        words = ["const"] if self.const else []
        words.append(base or self.base)
        if kernel and self.user and self.is_pointer:
            words.append("__user")
        words.append("*" * self.pointers + name)
        array = f"[{self.array}]" if self.array is not None else ""
        return " ".join(word for word in words if word) + array

    def spell(self, *, kernel: bool, base: str | None = None) -> str:
        """Write the type alone: ``const char __user *``."""
        return self.declare("", kernel=kernel, base=base)


@dataclass(frozen=True)
class CDeclarator:
    """A parameter or a field: its name, its type, and where it stands."""

    name: str
    ctype: CType
    where: Where = field(compare=False)


@dataclass(frozen=True)
class CPrototype:
    """A function's name, result and parameters."""

    name: str
    returns: CType
    parameters: tuple[CDeclarator, ...]
    where: Where = field(compare=False)


@dataclass(frozen=True)
class CStruct:
    """A struct definition; ``text`` is as the author wrote it."""

    name: str
    fields: tuple[CDeclarator, ...]
    text: str
    where: Where = field(compare=False)


class CSource:
    """A C text and its syntax tree; nodes know their text and their place."""

    def __init__(
        self,
        text: str,
        locate: Locate,
        prefix: str = "",
        suffix: str = "",
        typedefs: bool = False,
    ) -> None:
        """Parse a text.

        Args:
            typedefs: show the parser ``int`` for each name of a scalar. Without, it takes
                ``(u64)+a`` for a sum and ``(u64)(a)`` for a call.
        """
        self._locate = locate
        self._shift = len(prefix.encode())
        raw = (prefix + text + suffix).encode()
        self.user_spans = tuple(m.span() for m in _USER_MACRO.finditer(raw))
        self.data = _USER_MACRO.sub(lambda m: b" " * len(m.group()), raw)
        spans = [m.span() for m in _TYPEDEF.finditer(self.data)] if typedefs else []
        self._ends = {start + len(b"int"): end for start, end in spans}
        shown = self.data
        for start, end in spans:
            shown = shown[:start] + b"int".ljust(end - start) + shown[end:]
        self.root = tree_sitter.Parser(_LANGUAGE).parse(shown).root_node

    def where(self, node: tree_sitter.Node) -> Where:
        row, column = node.start_point
        return self._locate(row, max(0, column - (self._shift if row == 0 else 0)))

    def text(self, node: tree_sitter.Node) -> str:
        end = self._ends.get(node.end_byte, node.end_byte)
        return self.data[node.start_byte : end].decode()

    def fail(self, message: str, node: tree_sitter.Node, expected: str | None = None) -> CTextError:
        found = " ".join(self.text(node).split())
        return CTextError(Finding(message, self.where(node), expected, found[:60] or None))

    def check_syntax(self, expected: str) -> None:
        for node in _walk(self.root):
            if node.is_error or node.is_missing:
                raise self.fail("C syntax error", node, expected)

    def marked_user(self, node: tree_sitter.Node) -> bool:
        return any(node.start_byte <= a and b <= node.end_byte for a, b in self.user_spans)


def _walk(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    waiting = [node]  # a loop, not recursion: no input may exhaust Python's stack
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.children))


def _base_type(source: CSource, node: tree_sitter.Node) -> str:
    kind = node.child_by_field_name("type")
    if kind is None:
        raise source.fail("a type is missing", node)
    if kind.type in ("struct_specifier", "union_specifier", "enum_specifier"):
        if kind.child_by_field_name("body") is not None:
            raise source.fail("a type cannot be defined here", kind, "only its name")
        return " ".join(source.text(kind).split())
    return normal_spelling(source.text(kind).split())


def _declarator(source: CSource, node: tree_sitter.Node, *, named: bool) -> CDeclarator:
    """Read one ``type declarator`` pair: a parameter, a field, or a function's result."""
    base = _base_type(source, node)
    const = any(c.type == "type_qualifier" and source.text(c) == "const" for c in node.children)
    inner = node.child_by_field_name("declarator")
    pointers, array = 0, None
    while inner is not None and inner.type not in ("identifier", "field_identifier"):
        if inner.type in ("pointer_declarator", "abstract_pointer_declarator"):
            pointers += 1
        elif inner.type == "array_declarator":
            size = inner.child_by_field_name("size")
            array = source.text(size) if size is not None else ""
        elif inner.type == "function_declarator" and not named:
            break
        else:
            raise source.fail(
                "a system call cannot take a parameter of this kind",
                inner,
                "an integer, or a pointer to data",
            )
        inner = inner.child_by_field_name("declarator")
    if named and inner is None:
        raise source.fail("a parameter has no name", node, "a type and a name")
    name = source.text(inner) if inner is not None and named else ""
    if any(child.type == "bitfield_clause" for child in node.children):
        raise source.fail("a bit-field has no portable layout", node, "a fixed-width field")
    ctype = CType(base, pointers, const, source.marked_user(node), array)
    return CDeclarator(name, ctype, source.where(inner if inner is not None else node))


def _parameters(source: CSource, node: tree_sitter.Node) -> tuple[CDeclarator, ...]:
    found = []
    for child in node.named_children:
        if child.type == "variadic_parameter":
            raise source.fail("a system call cannot be variadic", child, "a parameter list")
        if child.type != "parameter_declaration":
            continue
        if source.text(child) == "void" and node.named_child_count == 1:
            return ()
        parameter = _declarator(source, child, named=True)
        if parameter.ctype.array is not None:
            raise source.fail("an array parameter is really a pointer", child, "a pointer")
        found.append(parameter)
    return tuple(found)


def _only(source: CSource, kind: str, expected: str) -> tree_sitter.Node:
    nodes = [node for node in source.root.named_children if node.type != "comment"]
    if len(nodes) != 1 or nodes[0].type != kind:
        raise source.fail("C syntax error", source.root, expected)
    return nodes[0]


def parse_parameters(text: str, locate: Locate) -> tuple[CDeclarator, ...]:
    """Read ``unsigned long arg1, void __user *arg2``.

    Raises:
        CTextError: the text is not a parameter list.
    """
    expected = 'a C parameter list such as "int fd, void __user *buf"'
    source = CSource(text, locate, "void f(", ");")
    source.check_syntax(expected)
    node = _only(source, "declaration", expected)
    function = node.child_by_field_name("declarator")
    listed = function.child_by_field_name("parameters") if function is not None else None
    if listed is None or node.end_byte != len(source.data) or listed.end_byte + 1 != node.end_byte:
        raise source.fail("C syntax error", source.root, expected)
    return _parameters(source, listed)


def parse_prototype(text: str, locate: Locate) -> CPrototype:
    """Read ``int splork(void *arg2, unsigned long arg1)``.

    Raises:
        CTextError: the text is not one function prototype.
    """
    expected = 'a C prototype such as "int splork(void *arg2, unsigned long arg1)"'
    source = CSource(text, locate, "", "" if text.rstrip().endswith(";") else ";")
    source.check_syntax(expected)
    node = _only(source, "declaration", expected)
    return read_function(source, node, expected)


def read_function(source: CSource, node: tree_sitter.Node, expected: str) -> CPrototype:
    """Read the head of a function, declared or defined.

    Raises:
        CTextError: it is no function's.
    """
    returns = _declarator(source, node, named=False)
    inner = node.child_by_field_name("declarator")
    while inner is not None and inner.type == "pointer_declarator":
        inner = inner.child_by_field_name("declarator")
    if inner is None or inner.type != "function_declarator":
        raise source.fail("C syntax error", node, expected)
    name = inner.child_by_field_name("declarator")
    parameters = inner.child_by_field_name("parameters")
    if name is None or name.type != "identifier" or parameters is None:
        raise source.fail("C syntax error", node, expected)
    return CPrototype(
        source.text(name), returns.ctype, _parameters(source, parameters), source.where(name)
    )


def parse_structs(text: str, locate: Locate) -> tuple[CStruct, ...]:
    """Read struct definitions.

    Raises:
        CTextError: the text has anything but struct definitions.
    """
    expected = "struct definitions such as struct splork_args { __u32 flags; };"
    source = CSource(text, locate)
    source.check_syntax(expected)
    found = []
    for node in source.root.named_children:
        if node.type == "comment":
            continue
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if node.type != "struct_specifier" or name is None or body is None:
            raise source.fail("only struct definitions are allowed here", node, expected)
        fields = tuple(
            _declarator(source, child, named=True)
            for child in body.named_children
            if child.type == "field_declaration"
        )
        found.append(
            CStruct(source.text(name), fields, source.text(node) + ";", source.where(name))
        )
    return tuple(found)


def open_expression(text: str, locate: Locate) -> tuple[CSource, tree_sitter.Node]:
    """Check that *text* is one C expression, and hand its syntax tree out.

    Raises:
        CTextError: it is not, or it is longer than anybody writes.
    """
    expected = "one C expression"
    if len(text) > MAX_EXPRESSION:
        raise CTextError(
            Finding(
                "this C expression is too long",
                locate(0, 0),
                f"at most {MAX_EXPRESSION} characters",
                f"{len(text)} characters",
            )
        )
    head = "void f(void) { g("
    # No type that the parser knows is as short as u8.
    text = _SHORT_TYPEDEF.sub(r"__\g<0>", text)
    source = CSource(text, locate, head, "); }", typedefs=True)
    source.check_syntax(expected)
    calls = [node for node in _walk(source.root) if node.type == "call_expression"]
    body = source.root.named_children[0].child_by_field_name("body") if calls else None
    if body is None or body.named_child_count != 1 or source.root.named_child_count != 1:
        raise source.fail("C syntax error", source.root, expected)
    arguments = calls[0].child_by_field_name("arguments")
    # "a) + (b" would close the brackets around it and open others.
    whole = (len(head) - 1, len(source.data) - len("; }"))
    if arguments is None or (arguments.start_byte, arguments.end_byte) != whole:
        raise source.fail("C syntax error", source.root, expected)
    if arguments.named_child_count != 1:
        raise source.fail("not a single C expression", source.root, expected)
    return source, arguments.named_children[0]


def parse_expression(text: str, locate: Locate) -> None:
    """Check that *text* is one C expression.

    Raises:
        CTextError: it is not.
    """
    open_expression(text, locate)


def read_type(source: CSource, node: tree_sitter.Node) -> CType:
    """Read the type of a cast or of sizeof, which has no name.

    Raises:
        CTextError: no parameter can have such a type.
    """
    return _declarator(source, node, named=False).ctype


def parse_statements(text: str, locate: Locate) -> None:
    """Check that *text* can stand in a C function.

    Raises:
        CTextError: it cannot.
    """
    expected = "C declarations and statements"
    source = CSource(text, locate, "void f(void) {", "\n}")
    source.check_syntax(expected)
    if source.root.named_child_count != 1:
        raise source.fail("C syntax error", source.root, expected)


def without_comments(text: str) -> str:
    """Blank comments out; every line stays where it is."""

    def blank(match: re.Match[str]) -> str:
        found = match.group()
        return found if found[0] == '"' else re.sub(r"[^\n]", " ", found)

    return _COMMENT.sub(blank, text)
