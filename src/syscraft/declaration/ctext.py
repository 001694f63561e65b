"""Reads the C text of a declaration with a real C parser.

``__user`` is a macro that user space and compilers never see; it is replaced by
blanks of the same length before parsing, as the preprocessor does, and remembered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import tree_sitter
import tree_sitter_c

from syscraft.declaration.ctype import CDeclarator, CPrototype, CType, Pointee, any_qualified
from syscraft.declaration.scalars import SCALARS, normal_spelling
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

    def fail(
        self,
        message: str,
        node: tree_sitter.Node,
        expected: str | None = None,
        hint: str | None = None,
    ) -> CTextError:
        found = " ".join(self.text(node).split())
        return CTextError(Finding(message, self.where(node), expected, found[:60] or None, hint))

    def check_syntax(self, expected: str) -> None:
        for node in _walk(self.root):
            if node.is_error or node.is_missing:
                raise self.fail("C syntax error", node, expected)

    def check_plain(self, *, comments: bool) -> None:
        """Refuse what would reach beyond the text where it is put: directives, or comments.

        Raises:
            CTextError: there is one, or a backslash that joins two lines.
        """
        for node in _walk(self.root):
            if node.type == "comment" and not comments:
                raise self.fail("comment in this C text", node, "the code alone")
            if node.type.startswith("preproc"):
                raise self.fail("preprocessor directive in this C text", node, "the code alone")
        if b"\\\n" in self.data:
            raise self.fail("a backslash joins lines of this C text", self.root, "one line")

    def has_user(self, start: int, end: int) -> bool:
        """Whether there is a __user between two places."""
        return any(start <= a and b <= end for a, b in self.user_spans)


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


_POINTER = ("pointer_declarator", "abstract_pointer_declarator")
_RESTRICT = frozenset(["restrict", "__restrict", "__restrict__"])


def read_declarators(
    source: CSource, node: tree_sitter.Node, *, what: str, strict: bool = True
) -> tuple[CDeclarator, ...]:
    """Read a type and what is declared with it: a parameter, a function's result, some fields.

    Args:
        what: "parameter" or "field", which have a name, or else "result".
        strict: refuse what has no place in a :class:`CType`, such as attributes. Without, it
            is passed over, as it may be in code that nobody generates anything from.

    Raises:
        CTextError: a part of it is not understood, or would be lost.
    """
    base = _base_type(source, node)
    known = [node.child_by_field_name("type"), *node.children_by_field_name("declarator")]
    const = False
    for child in node.children:
        const |= child.type == "type_qualifier" and source.text(child) == "const"
        if child.type == "bitfield_clause":
            raise source.fail("a bit-field has no portable layout", node, "a fixed-width field")
        if strict and child.is_named and child not in known and child.type != "comment":
            _check_beside(source, child, what)
    declarators: list[tree_sitter.Node | None] = [*node.children_by_field_name("declarator")]
    return tuple(
        _declarator(source, node, inner, (base, const), what, strict)
        for inner in declarators or [None]
    )


def _check_beside(source: CSource, node: tree_sitter.Node, what: str) -> None:
    """Refuse what stands beside a type and its declarator and says something of them."""
    text = source.text(node)
    if text == "const" or (what == "result" and text == "extern"):
        return
    raise source.fail(f"'{text[:40]}' is not supported in a {what}", node, f"the {what} without it")


def _declarator(
    source: CSource,
    node: tree_sitter.Node,
    inner: tree_sitter.Node | None,
    base: tuple[str, bool],
    what: str,
    strict: bool,
) -> CDeclarator:
    """Read one declarator of the declaration *node*; *base* is its type, and whether const."""
    stars: list[tree_sitter.Node] = []
    array, named = None, what != "result"
    while inner is not None and inner.type not in ("identifier", "field_identifier"):
        if inner.type in _POINTER:
            stars.append(inner)
        elif inner.type == "array_declarator" and array is None:
            size = inner.child_by_field_name("size")
            array = source.text(size) if size is not None else ""
        elif inner.type == "array_declarator":
            raise source.fail(
                f"the {what} has more than one dimension", inner, "one number: [6], not [2][3]"
            )
        elif inner.type == "function_declarator" and not named:
            break
        else:
            raise source.fail(
                f"a system call cannot take a {what} of this kind",
                inner,
                "an integer, or a pointer to data"
                if what == "parameter"
                else "a fixed-width integer",
                "void * for the address of a function" if "(" in source.text(inner) else None,
            )
        inner = inner.child_by_field_name("declarator")
    if named and inner is None:
        raise source.fail(f"a {what} has no name", node, "a type and a name")
    if strict:
        _check_stars(source, stars, what)
    pointees = _pointees(source, node, stars, inner, base[1], strict)
    further = pointees[1:] if any_qualified(pointees[1:]) else ()
    ctype = CType(
        base[0],
        len(stars),
        const=bool(stars) and pointees[0].const,
        user=bool(stars) and pointees[0].user,
        array=array,
        inner=further,
    )
    name = source.text(inner) if inner is not None and named else ""
    return CDeclarator(name, ctype, source.where(inner if inner is not None else node))


def _check_stars(source: CSource, stars: list[tree_sitter.Node], what: str) -> None:
    for star in stars:
        for child in star.named_children:
            # A pointer may be promised to be the only one to its memory, which changes nothing.
            if child.type == "type_qualifier" and not (
                star == stars[-1] and source.text(child) in _RESTRICT
            ):
                _check_beside(source, child, what)


def _pointees(
    source: CSource,
    node: tree_sitter.Node,
    stars: list[tree_sitter.Node],
    name: tree_sitter.Node | None,
    const: bool,
    strict: bool,
) -> tuple[Pointee, ...]:
    """What each of *stars* points to: qualifiers stand between it and the one before."""
    before, after = node.prev_sibling, node.next_sibling
    start = before.end_byte if before is not None else 0
    end = after.start_byte if after is not None else len(source.data)
    found = []
    for index, star in enumerate(stars):
        if index:
            const = any(source.text(child) == "const" for child in stars[index - 1].named_children)
        found.append(Pointee(const, source.has_user(start, star.start_byte)))
        start = star.start_byte
    # A result's parameters have marks of their own.
    if name is not None and name.type == "function_declarator":
        end = name.start_byte
    if strict and source.has_user(start, end):
        raise source.fail(
            "__user does not stand before a *", node, "char __user *text: it marks what is there"
        )
    return tuple(found)


def _parameters(
    source: CSource, node: tree_sitter.Node, strict: bool = True
) -> tuple[CDeclarator, ...]:
    found = []
    for child in node.named_children:
        if child.type == "variadic_parameter":
            raise source.fail("a system call cannot be variadic", child, "a parameter list")
        if child.type != "parameter_declaration":
            continue
        if source.text(child) == "void" and node.named_child_count == 1:
            return ()
        (parameter,) = read_declarators(source, child, what="parameter", strict=strict)
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


def read_function(
    source: CSource, node: tree_sitter.Node, expected: str, *, strict: bool = True
) -> CPrototype:
    """Read the head of a function, declared or defined; see :func:`read_declarators`.

    Raises:
        CTextError: it is no function's.
    """
    returns, *more = read_declarators(source, node, what="result", strict=strict)
    if more:
        raise source.fail("C syntax error", node, expected)
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
        source.text(name),
        returns.ctype,
        _parameters(source, parameters, strict),
        source.where(name),
    )


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
    source, _ = open_expression(text, locate)
    source.check_plain(comments=False)


def read_type(source: CSource, node: tree_sitter.Node) -> CType:
    """Read the type of a cast or of sizeof, which has no name.

    Raises:
        CTextError: no parameter can have such a type.
    """
    (found,) = read_declarators(source, node, what="result")
    return found.ctype


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
    source.check_plain(comments=True)


def without_comments(text: str) -> str:
    """Blank comments out; every line stays where it is."""

    def blank(match: re.Match[str]) -> str:
        found = match.group()
        return found if found[0] == '"' else re.sub(r"[^\n]", " ", found)

    return _COMMENT.sub(blank, text)
