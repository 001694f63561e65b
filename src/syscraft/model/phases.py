"""The phases of :mod:`syscraft.model.compile`; each fills in a part of the draft."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from syscraft.declaration import ctext
from syscraft.declaration.ctext import CDeclarator, CPrototype, CTextError, CType
from syscraft.declaration.toml_file import KeyPath, TomlFile
from syscraft.errors import Finding, Where
from syscraft.model import clone, names, types
from syscraft.model.call import (
    PRIVATE_NUMBERS,
    Argument,
    Call,
    Case,
    Constant,
    ErrorDoc,
    Kconfig,
    KernelSignature,
    NumberChoice,
    NumberPolicy,
    PackedStruct,
    Parameter,
    TextFile,
    Wrapper,
)
from syscraft.model.packing import pack

MAX_ARGUMENTS = 6  # registers; source: SYSCALL_DEFINE_MAXARGS, include/linux/syscalls.h, 6.12

# Common numbers start at 424; 512 to 547 are x32's own.
# Source: arch/x86/entry/syscalls/syscall_64.tbl, Linux 6.12
FIRST_COMMON_NUMBER = 424
X32_NUMBERS = range(512, 548)
LAST_NUMBER = PRIVATE_NUMBERS[-1]


class Draft:
    """A call that is being compiled; attributes appear phase by phase."""

    def __init__(self, file: TomlFile, folder: Path) -> None:
        self.file = file
        self.folder = folder
        self.data: dict[str, Any] = file.data
        self.name: str = self.data["name"]
        self.extras: tuple[Parameter, ...] = ()
        self.kernel: tuple[CDeclarator, ...] = ()
        self.prototypes: tuple[CPrototype, ...] = ()
        self.derive: dict[str, tuple[str, frozenset[str]]] = {}
        self.structs: tuple[TextFile, ...] = ()
        self.known_types: frozenset[str] = frozenset()
        self.parameters: tuple[Parameter, ...] = ()
        self.signatures: tuple[KernelSignature, ...] = ()
        self.packed: PackedStruct | None = None
        self.wrappers: tuple[Wrapper, ...] = ()
        self.cases: tuple[Case, ...] = ()
        self.body: TextFile
        self.patches: tuple[TextFile, ...] = ()
        self.tests: tuple[TextFile, ...] = ()

    @property
    def is_clone(self) -> bool:
        return self.data.get("like") == "clone"

    def where(self, *path: str | int) -> Where:
        return self.file.where(path)

    def number(self) -> NumberChoice:
        value = self.data.get("number", "private")
        if isinstance(value, int):
            return NumberChoice(NumberPolicy.FIXED, value, self.where("number"))
        return NumberChoice(NumberPolicy(value), None, self.where("number"))

    def finish(self) -> Call:
        data = self.data
        description = " ".join(data.get("description", "").split())
        kconfig = data.get("kconfig", {})
        return Call(
            name=self.name,
            summary=data["summary"].strip().rstrip("."),
            description=description,
            author=data["author"],
            source_name=Path(self.file.shown_path).name,
            like=data.get("like"),
            parameters=self.parameters,
            signatures=self.signatures,
            clone_extras=self.extras,
            packed=self.packed,
            wrappers=self.wrappers,
            structs=self.structs,
            includes=tuple(data.get("includes", ())),
            flags=tuple(
                Constant(f["name"], f["value"], f.get("summary")) for f in data.get("flags", ())
            ),
            errors=tuple(ErrorDoc(e["errno"], e["when"]) for e in data.get("errors", ())),
            missing=data.get("missing", "ENOSYS"),
            number=self.number(),
            returns_twice=data.get("returns_twice", self.is_clone),
            kconfig=Kconfig(
                kconfig.get("symbol", f"{self.name.upper()}_SYSCALL"),
                kconfig.get("help", description or data["summary"]),
            ),
            body=self.body,
            patches=self.patches,
            cases=self.cases,
            tests=self.tests,
        )


# -- 2. words -----------------------------------------------------------------------------


def check_words(draft: Draft) -> list[Finding]:
    data = draft.data
    findings = _check_name(draft.name, draft.where("name"))
    if not names.AUTHOR.match(data["author"]):
        findings.append(
            Finding(
                "the author cannot sign a patch off",
                draft.where("author"),
                "Name <mail@example.org>",
                data["author"][:60],
            )
        )
    for key in ("summary", "author"):
        if not data[key].strip() or len(data[key].splitlines()) > 1:
            findings.append(Finding(f"'{key}' must be one line of text", draft.where(key)))
    if data.get("like", "clone") != "clone":
        findings.append(
            Finding(
                f"cannot start from '{data['like']}'", draft.where("like"), "clone", data["like"]
            )
        )
    findings += _check_combinations(draft)
    findings += _check_number(data.get("number", "private"), draft.where("number"))
    for where, errno in _errno_names(draft):
        if errno not in names.ERRNOS:
            near = difflib.get_close_matches(errno, sorted(names.ERRNOS), n=1)
            hint = f"did you mean '{near[0]}'?" if near else None
            findings.append(
                Finding("Linux has no such error", where, "a name from errno(3)", errno, hint)
            )
    for index, flag in enumerate(data.get("flags", ())):
        if not names.CONSTANT_NAME.match(flag["name"]):
            findings.append(
                Finding(
                    "a constant needs a name in capitals",
                    draft.where("flags", index, "name"),
                    "letters A-Z, digits and _",
                    flag["name"],
                )
            )
    symbol = data.get("kconfig", {}).get("symbol", "X")
    if not names.CONFIG_SYMBOL.match(symbol):
        findings.append(
            Finding(
                "this is no Kconfig symbol",
                draft.where("kconfig", "symbol"),
                "letters A-Z, digits and _, without CONFIG_",
                symbol,
            )
        )
    return findings


def _check_name(name: str, where: Where) -> list[Finding]:
    expected = "a C identifier in lower case: letters a-z, digits and _"
    shown = name if len(name) <= 40 else f"{name[:37]}..."
    if len(name) > names.MAX_CALL_NAME:
        found = f"{len(name)} characters"
        return [
            Finding(
                f"the name is longer than {names.MAX_CALL_NAME} characters", where, expected, found
            )
        ]
    if name in names.KEYWORDS:
        return [Finding(f"'{name}' is a word of the C or C++ language", where, expected, name)]
    if not names.CALL_NAME.match(name):
        return [Finding("the name is no identifier", where, expected, shown)]
    return []


def _check_combinations(draft: Draft) -> list[Finding]:
    data = draft.data
    findings = []
    if draft.is_clone:
        for key in ("kernel", "user", "derive", "pack", "versions"):
            if key in data:
                findings.append(
                    Finding(
                        f"'{key}' and like = \"clone\" exclude each other",
                        draft.where(key),
                        "only 'add': clone gives the other parameters and the wrappers' shape",
                    )
                )
        if not data.get("add"):
            findings.append(
                Finding(
                    'like = "clone" adds nothing',
                    draft.where("like"),
                    'the parameters to add, for example add = ["int nice"]',
                )
            )
        return findings
    for key, meaning in (("kernel", "the kernel's parameters"), ("user", "the user's prototype")):
        if key not in data:
            findings.append(Finding(f"the key '{key}' is missing", draft.where(), meaning))
    if "add" in data:
        findings.append(
            Finding("'add' adds to nothing", draft.where("add"), 'like = "clone" beside it')
        )
    if "versions" in data and not data.get("pack"):
        findings.append(
            Finding(
                "'versions' without a struct that could have them",
                draft.where("versions"),
                "pack = true",
            )
        )
    return findings


def _check_number(value: str | int, where: Where) -> list[Finding]:
    if isinstance(value, str):
        if value in [p.value for p in (NumberPolicy.PRIVATE, NumberPolicy.NEXT)]:
            return []
        return [
            Finding("this is no way to choose a number", where, "private, next or a number", value)
        ]
    expected = (
        f"{FIRST_COMMON_NUMBER} to {LAST_NUMBER}, and not "
        f"{X32_NUMBERS[0]} to {X32_NUMBERS[-1]}, which are x32's"
    )
    if value in X32_NUMBERS or not FIRST_COMMON_NUMBER <= value <= LAST_NUMBER:
        return [Finding("the number is out of range", where, expected, str(value))]
    return []


def _errno_names(draft: Draft) -> list[tuple[Where, str]]:
    data = draft.data
    found = []
    if "missing" in data:
        found.append((draft.where("missing"), data["missing"]))
    for table in ("errors", "cases"):
        for index, entry in enumerate(data.get(table, ())):
            if "errno" in entry:
                found.append((draft.where(table, index, "errno"), entry["errno"]))
    return found


# -- 3. C text ----------------------------------------------------------------------------


def read_c_text(draft: Draft) -> list[Finding]:
    findings: list[Finding] = []
    data = draft.data

    def attempt(parse: Any, key: KeyPath, text: str) -> Any:
        try:
            return parse(text, draft.file.locate(key))
        except CTextError as error:
            findings.append(error.finding)
            return None

    sizes: dict[str, int] = {}
    if "structs" in data:
        structs = attempt(ctext.parse_structs, ("structs",), data["structs"]) or ()
        for struct in structs:
            findings += types.check_struct(struct, sizes)
        draft.structs = tuple(TextFile(s.name, draft.file.shown_path, s.text) for s in structs)
    draft.known_types = frozenset(sizes) | frozenset(data.get("types", ()))
    if draft.is_clone:
        added: list[CDeclarator] = []
        for index, text in enumerate(data["add"]):
            added += attempt(ctext.parse_parameters, ("add", index), text) or ()
        draft.kernel = tuple(added)
    else:
        draft.kernel = attempt(ctext.parse_parameters, ("kernel",), data["kernel"]) or ()
        user = data["user"]
        draft.prototypes = tuple(
            prototype
            for key, text in (
                [(("user",), user)]
                if isinstance(user, str)
                else [(("user", i), text) for i, text in enumerate(user)]
            )
            if (prototype := attempt(ctext.parse_prototype, key, text))
        )
    for parameter in draft.kernel:
        findings += _judge(parameter, draft, kernel=True)
    for prototype in draft.prototypes:
        findings += _judge_result(prototype, draft)
        for parameter in prototype.parameters:
            findings += _judge(parameter, draft, kernel=False)
    for name, text in data.get("derive", {}).items():
        used = attempt(ctext.parse_expression, ("derive", name), text)
        if used is not None:
            draft.derive[name] = (text, used)
    for index, flag in enumerate(data.get("flags", ())):
        attempt(ctext.parse_expression, ("flags", index, "value"), flag["value"])
    return findings


def _judge(declared: CDeclarator, draft: Draft, *, kernel: bool) -> list[Finding]:
    findings = _check_identifier(declared.name, declared.where)
    finding = types.check_value_type(
        declared.ctype, declared.where, draft.known_types, kernel=kernel
    )
    return findings + ([finding] if finding else [])


def _judge_result(prototype: CPrototype, draft: Draft) -> list[Finding]:
    finding = types.check_value_type(
        prototype.returns, prototype.where, draft.known_types, kernel=False
    )
    return _check_identifier(prototype.name, prototype.where) + ([finding] if finding else [])


def _check_identifier(name: str, where: Where) -> list[Finding]:
    if name in names.KEYWORDS:
        return [
            Finding(f"'{name}' is a word of the C or C++ language", where, "another name", name)
        ]
    return []


# -- 4. the kernel's side -----------------------------------------------------------------


def shape_kernel_side(draft: Draft) -> list[Finding]:
    declared = tuple(Parameter(p.name, p.ctype) for p in draft.kernel)
    findings = _check_unique(draft.kernel)
    if draft.is_clone:
        return findings + _shape_clone(draft, declared)
    draft.parameters = declared
    if draft.data.get("pack"):
        return findings + _shape_packed(draft, declared)
    if len(declared) > MAX_ARGUMENTS:
        findings.append(
            Finding(
                f"a system call has at most {MAX_ARGUMENTS} arguments",
                draft.where("kernel"),
                f"{MAX_ARGUMENTS} parameters or fewer",
                f"{len(declared)} parameters",
                "pack = true passes them in a struct that can grow",
            )
        )
    draft.signatures = (KernelSignature(None, declared),)
    return findings


def _check_unique(parameters: tuple[CDeclarator, ...]) -> list[Finding]:
    seen: set[str] = set()
    findings = []
    for parameter in parameters:
        if parameter.name in seen:
            findings.append(
                Finding(f"the parameter '{parameter.name}' is there twice", parameter.where)
            )
        seen.add(parameter.name)
    return findings


def _shape_clone(draft: Draft, extras: tuple[Parameter, ...]) -> list[Finding]:
    findings = []
    taken = {p.name for p in clone.PARAMETERS.values()} | {"fn", "stack", "flags", "arg", "args"}
    taken |= {"ptid", "ctid", "sp", "ret"}
    for declared in draft.kernel:
        if declared.name in taken:
            findings.append(
                Finding(
                    f"clone has a parameter '{declared.name}' already",
                    declared.where,
                    "another name",
                    declared.name,
                )
            )
    room = MAX_ARGUMENTS - 5
    if len(extras) > room:
        findings.append(
            Finding(
                f"clone has 5 parameters, so there is room for {room} more",
                draft.where("add"),
                f"{room} parameter",
                f"{len(extras)} parameters",
                "add one pointer to a struct of fixed-width fields that you declare in 'structs'",
            )
        )
        return findings
    draft.extras = extras
    draft.parameters = (clone.BODY_ARGUMENTS, *extras)
    draft.signatures = clone.signatures(extras)
    return findings


def _shape_packed(draft: Draft, declared: tuple[Parameter, ...]) -> list[Finding]:
    order = tuple(p.name for p in declared)
    versions = tuple(tuple(v) for v in draft.data.get("versions", (order,)))
    findings = []
    if not declared:
        return [Finding("there is nothing to pack", draft.where("kernel"), "parameters")]
    if not versions or not versions[0]:
        return [Finding("a struct needs a first version", draft.where("versions"), "field names")]
    for index, version in enumerate(versions):
        where = draft.where("versions", index)
        for name in version:
            if name not in order:
                findings.append(
                    Finding(
                        f"version {index} has an unknown field",
                        where,
                        "a parameter of 'kernel': " + ", ".join(order),
                        name,
                    )
                )
        if len(set(version)) != len(version):
            findings.append(Finding(f"version {index} has a field twice", where))
        before = versions[index - 1] if index else ()
        if index and (version[: len(before)] != before or len(version) == len(before)):
            findings.append(
                Finding(
                    f"version {index} does not just append to version {index - 1}",
                    where,
                    ", ".join(before) + ", and then the new fields",
                    ", ".join(version),
                    "programs built for the older version would pass their values in wrong places",
                )
            )
    left_out = [name for name in order if name not in versions[-1]]
    if left_out:
        findings.append(
            Finding(
                "the last version does not have every parameter",
                draft.where("versions"),
                "all of " + ", ".join(order),
                "without " + ", ".join(left_out),
            )
        )
    if not findings:
        draft.packed = pack(draft.name, declared, versions)
        draft.signatures = (
            KernelSignature(
                None,
                (
                    Parameter("uargs", CType(f"struct {draft.packed.name}", 1, user=True)),
                    Parameter("usize", CType("size_t")),
                ),
            ),
        )
    return findings


# -- 5. the user's side -------------------------------------------------------------------


def shape_user_side(draft: Draft) -> list[Finding]:
    findings = []
    kernel_names = {p.name for p in draft.parameters}
    for name in draft.derive:
        if name not in kernel_names:
            findings.append(
                Finding(
                    f"'{name}' is no kernel parameter, so nothing can be derived for it",
                    draft.where("derive", name),
                    "one of " + ", ".join(sorted(kernel_names)),
                    name,
                )
            )
    seen: set[str] = set()
    wrappers = []
    for prototype in draft.prototypes:
        findings += _check_unique(prototype.parameters)
        if prototype.name in seen:
            findings.append(
                Finding(f"the wrapper '{prototype.name}' is there twice", prototype.where)
            )
        seen.add(prototype.name)
        wrapper, problems = _shape_wrapper(draft, prototype)
        findings += problems
        wrappers.append(wrapper)
    draft.wrappers = tuple(wrappers)
    return findings


def _shape_wrapper(draft: Draft, prototype: CPrototype) -> tuple[Wrapper, list[Finding]]:
    findings = []
    given = {p.name: p for p in prototype.parameters}
    used: set[str] = set()
    arguments = []
    version = 0
    for parameter in draft.parameters:
        introduced = draft.packed.version_of(parameter.name) if draft.packed else 0
        if parameter.name in draft.derive:
            expression, identifiers = draft.derive[parameter.name]
            used |= identifiers
            arguments.append(Argument(parameter, expression, False))
        elif parameter.name in given:
            used.add(parameter.name)
            mine = given[parameter.name].ctype
            same = types.spell_user(mine) == types.spell_user(parameter.ctype)
            arguments.append(Argument(parameter, parameter.name, same))
        elif introduced > 0:
            continue  # a newer field that this wrapper does not know: zero, as ever
        else:
            findings.append(
                Finding(
                    f"nothing gives the kernel parameter '{parameter.name}' a value",
                    prototype.where,
                    f"a user's argument '{parameter.name}', or derive.{parameter.name}",
                    hint=f'[derive] {parameter.name} = "0" makes it a constant',
                )
            )
            continue
        version = max(version, introduced)
    for name, declared in given.items():
        if name not in used:
            findings.append(
                Finding(
                    f"the argument '{name}' goes nowhere",
                    declared.where,
                    "the name of a kernel parameter, or a use in [derive]",
                    name,
                    "the kernel has " + ", ".join(p.name for p in draft.parameters),
                )
            )
    return (
        Wrapper(
            prototype.name,
            prototype.returns,
            tuple(Parameter(p.name, p.ctype) for p in prototype.parameters),
            tuple(arguments),
            version if draft.packed else None,
        ),
        findings,
    )


# -- 6. cases -----------------------------------------------------------------------------


def read_cases(draft: Draft) -> list[Finding]:
    findings: list[Finding] = []
    arity = {wrapper.name: len(wrapper.parameters) for wrapper in draft.wrappers}
    if draft.is_clone:
        arity[draft.name] = 7 + len(draft.extras)
    cases = []
    for index, entry in enumerate(draft.data.get("cases", ())):
        where = draft.where("cases", index, "name")
        wrapper = entry.get("call", next(iter(arity)))
        if wrapper not in arity:
            findings.append(
                Finding(
                    f"there is no wrapper '{wrapper}'",
                    draft.where("cases", index, "call"),
                    "one of " + ", ".join(arity),
                    wrapper,
                )
            )
        elif len(entry["args"]) != arity[wrapper]:
            findings.append(
                Finding(
                    f"{wrapper}() takes {arity[wrapper]} arguments",
                    draft.where("cases", index, "args"),
                    f"{arity[wrapper]} C expressions",
                    f"{len(entry['args'])}",
                )
            )
        if ("returns" in entry) == ("errno" in entry):
            findings.append(Finding("a case needs either 'returns' or 'errno'", where))
        findings += _check_case_text(draft, index, entry)
        returns = entry.get("returns")
        cases.append(
            Case(
                entry["name"],
                wrapper,
                entry.get("setup", "").strip("\n"),
                tuple(entry["args"]),
                None if returns is None else str(returns),
                entry.get("errno"),
                entry.get("check"),
                where,
            )
        )
    draft.cases = tuple(cases)
    return findings


def _check_case_text(draft: Draft, index: int, entry: dict[str, Any]) -> list[Finding]:
    texts: list[tuple[KeyPath, str]] = [
        (("cases", index, "args", i), text) for i, text in enumerate(entry["args"])
    ]
    texts += [
        (("cases", index, key), entry[key])
        for key in ("returns", "check")
        if isinstance(entry.get(key), str)
    ]
    findings = []
    for path, text in texts:
        try:
            ctext.parse_expression(text, draft.file.locate(path))
        except CTextError as error:
            findings.append(error.finding)
    try:
        ctext.parse_statements(
            entry.get("setup", ""), draft.file.locate(("cases", index, "setup"))
        )
    except CTextError as error:
        findings.append(error.finding)
    if any(not 32 <= ord(c) < 127 for c in entry["name"]) or '"' in entry["name"]:
        findings.append(
            Finding(
                "a case's name must be plain text, for it is printed as a test's name",
                draft.where("cases", index, "name"),
                "printable ASCII without quotes",
            )
        )
    return findings


# -- 7. files -----------------------------------------------------------------------------


def read_files(draft: Draft) -> list[Finding]:
    findings = []
    body_name = draft.data.get("body", f"{draft.name}.c")
    body, problem = _read_text(draft, body_name, draft.where("body"), "the body")
    if problem:
        findings.append(problem)
    elif body:
        draft.body = body
        findings += _check_body(draft, body)
    patches = []
    for index, name in enumerate(draft.data.get("patches", ())):
        patch, problem = _read_text(draft, name, draft.where("patches", index), "the patch")
        if problem:
            findings.append(problem)
        elif patch:
            patches.append(patch)
    draft.patches = tuple(patches)
    tests = []
    for pattern in ("test_*.c", "test_*.py"):
        for path in sorted(draft.folder.glob(pattern)):
            test, problem = _read_text(draft, path.name, draft.where(), "the test")
            if problem:
                findings.append(problem)
            elif test:
                tests.append(test)
    draft.tests = tuple(tests)
    return findings


def _read_text(
    draft: Draft, name: str, where: Where, what: str
) -> tuple[TextFile | None, Finding | None]:
    folder = draft.folder.resolve()
    path = (folder / name).resolve()
    if not path.is_relative_to(folder):
        return None, Finding(
            f"{what} lies outside the declaration's folder",
            where,
            "a file beside the declaration",
            name,
            "a declaration is one folder, so that it can be given to others",
        )
    shown = str(Path(draft.file.shown_path).parent / name)
    try:
        return TextFile(name, shown, path.read_text(encoding="utf-8")), None
    except UnicodeDecodeError:
        return None, Finding(f"{what} is not UTF-8 text", Where(shown))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return None, Finding(f"{what} cannot be read: {reason}", where, "a file", shown)


def _check_body(draft: Draft, body: TextFile) -> list[Finding]:
    wanted = ", ".join(p.ctype.declare(p.name, kernel=True) for p in draft.parameters) or "void"
    expected = f"static long do_{draft.name}({wanted})"
    functions = ctext.find_functions(
        body.text, lambda line, column: Where(body.shown_path, line + 1, column + 1)
    )
    mine = [f for f in functions if f.name == f"do_{draft.name}"]
    if not mine:
        return [
            Finding(
                f"the body does not define do_{draft.name}()",
                Where(body.shown_path),
                expected,
                ", ".join(f"{f.name}()" for f in functions) or "no function",
            )
        ]
    types_found = [p.ctype for p in mine[0].parameters]
    if types_found != [p.ctype for p in draft.parameters] or mine[0].returns.base != "long":
        listed = ", ".join(p.ctype.declare(p.name, kernel=True) for p in mine[0].parameters)
        found = f"{mine[0].returns.base} do_{draft.name}({listed or 'void'})"
        return [
            Finding(
                f"do_{draft.name}() does not have the declared parameters",
                mine[0].where,
                expected,
                found,
            )
        ]
    return []
