"""The kernel's own test of calls, under tools/testing/selftests, as text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from syscraft.abi.abi import Abi
from syscraft.abi.discover import all_abis
from syscraft.abi.layout import places
from syscraft.emit import user_c
from syscraft.emit.base import fill
from syscraft.emit.ctext_layout import WIDTH, argument_list, comment
from syscraft.emit.expression_c import c_text
from syscraft.emit.kernel.wording import the_calls
from syscraft.model.call import Argument, Call, Case, Parameter, Unit, Wrapper
from syscraft.model.expression import Name
from syscraft.model.reserved import table
from syscraft.model.types import declare_user, spell_user

# Source: tools/testing/selftests/kselftest_harness.h, Linux 6.12
_HARNESS = re.compile(r"wrapper_|ksft_|test_harness_|is_signed_type\Z")
_CHILD = "returns_in_parent_and_child"
_NOT_A_WORD = re.compile(r"\W+", re.ASCII)


def selftest_files(unit: Unit) -> dict[str, str]:
    """Make the files of a folder of tools/testing/selftests: name -> text."""
    programs = _programs(unit)
    ignored = "".join(f"{program}\n" for program in programs)
    return {
        **{f"{program}.c": text for program, text in programs.items()},
        "Makefile": fill("selftest.mk.j2", programs=list(programs)),
        ".gitignore": f"# SPDX-License-Identifier: GPL-2.0-only\n{ignored}",
        "config": f"CONFIG_{unit.shared.kconfig.symbol}=y\n",
    }


def _programs(unit: Unit) -> dict[str, str]:
    """A program for each call that returns twice, and one for all the others."""
    programs = {
        f"{call.name}_test": _clone_program(call) for call in unit.calls if call.starts_function
    }
    plain = tuple(call for call in unit.calls if not call.starts_function)
    if plain:
        name = f"{unit.name}_test"
        programs[f"{unit.name}_calls_test" if name in programs else name] = _program(unit, plain)
    return programs


def _clone_program(call: Call) -> str:
    included = ("linux/types.h", *(["linux/sched.h"] if call.is_clone3 else []))
    return fill(
        "selftest_clone.c.j2",
        call=call,
        prototype=argument_list(
            f"static long {call.name}(",
            ["unsigned long flags", *user_c.declared(call.added)],
            ")",
        ),
        clone3=_clone3_call(call) if call.is_clone3 else "",
        orders=_clone_orders(call),
        libc_headers=user_c.libc_type_headers(call),
        uapi_headers=[h for h in user_c.headers(call) if h not in included],
        extras=[(extra.name, user_c.field_value(extra)) for extra in call.added],
        zeros=_zeros(call.added),
        child={
            "name": _CHILD,
            "shares_memory": False,
            "trap": argument_list(f"\tpid = {call.name}(", ["SIGCHLD", *_zeros(call.added)], ");"),
        },
    )


def _zeros(parameters: Sequence[Parameter]) -> list[str]:
    return ["NULL" if p.ctype.is_pointer else "0" for p in parameters]


def _clone3_call(call: Call) -> str:
    passed = [_as_vararg(Argument(p, Name(p.name), is_plain=True)) for p in call.added]
    return argument_list(
        "\treturn syscall(", [f"__NR_{call.name}", "&args", "sizeof(args)", *passed], ");"
    )


def _program(unit: Unit, calls: Sequence[Call]) -> str:
    uapi = [f"linux/{unit.name}.h"] if unit.shared.has_uapi else []
    # A static function that no test uses is one that compilers warn of.
    words = {word for call in calls for case in call.cases for word in case.words}
    words |= {call.wrappers[0].name for call in calls if call.returns_twice}
    title = f"{unit.name}()" if len(unit.calls) == 1 else the_calls(unit)
    intro = f"Test {title}: {unit.shared.summary}."
    children = _children(calls)
    libc = {h for call in calls for h in user_c.libc_type_headers(call)}
    libc |= {"sys/wait.h"} if children else set()
    libc |= {"alloca.h"} if any(child["shares_memory"] for child in children) else set()
    return fill(
        "selftest.c.j2",
        intro=f"/* {intro} */" if len(intro) <= WIDTH - 6 else comment([intro]),
        libc_headers=sorted(libc),
        uapi_headers=sorted({*uapi, *(h for call in calls for h in user_c.headers(call))}),
        wide=any(call.has_wide_arguments for call in calls),
        wrappers=[
            _wrapper(call, wrapper)
            for call in calls
            for wrapper in call.wrappers
            if wrapper.name in words
        ],
        children=children,
        cases=_cases(calls, {str(child["name"]) for child in children}),
        names=[call.name for call in calls],
    )


def _children(calls: Sequence[Call]) -> list[dict[str, object]]:
    """A test of each call that returns twice, with its first wrapper."""
    twice = [call for call in calls if call.returns_twice]
    return [
        {
            "name": _CHILD if len(twice) == 1 else f"{call.name}_{_CHILD}",
            "shares_memory": call.may_share_memory,
            "trap": argument_list(
                f"\tpid = {'(long)' if call.wrappers[0].returns.is_pointer else ''}"
                f"{call.wrappers[0].name}(",
                _zeros(call.wrappers[0].parameters),
                ");",
            ),
        }
        for call in twice
    ]


def _wrapper(call: Call, wrapper: Wrapper) -> dict[str, object]:
    head = declare_user(wrapper.returns, wrapper.name)
    prototype = argument_list(
        f"static {'__always_inline ' if call.may_share_memory else ''}{head}(",
        user_c.declared(wrapper.parameters) or ["void"],
        ")",
    )
    cast = f"({head.removesuffix(wrapper.name)})" if wrapper.returns.is_pointer else ""
    statements: dict[str, list[str]] = {}
    for abi in all_abis():
        passed = [f"__NR_{call.name}", *_passed(call, wrapper, abi)]
        text = argument_list(f"\treturn {cast}syscall(", passed, ");")
        statements.setdefault(text, []).append(abi.macro)
    return {
        "struct": call.packed.name if call.packed else None,
        "args": user_c.free_name("args", wrapper),
        "prototype": prototype,
        "is_inlined": call.may_share_memory,
        "fields": [(a.parameter.name, user_c.as_field(a)) for a in wrapper.arguments],
        "traps": user_c.choices(statements),
    }


def _passed(call: Call, wrapper: Wrapper, abi: Abi) -> list[str]:
    """What syscall(2) gets, which takes each argument as a register of its own."""
    if call.packed:
        assert wrapper.struct_version is not None
        return [
            f"&{user_c.free_name('args', wrapper)}",
            f"(size_t){call.packed.size_constant(wrapper.struct_version)}",
        ]
    arguments = wrapper.arguments
    laid_out = places(abi.pairs, [argument.parameter.is_wide for argument in arguments])
    return [
        user_c.in_register(place.part, c_text(argument.expression), _as_vararg(argument))
        for place in laid_out
        for argument in [arguments[place.argument]]
    ]


def _as_vararg(argument: Argument) -> str:
    """Make a value as wide as the kernel reads it, for no prototype does.

    What has 32 bits or fewer the kernel widens itself. A signed ``long`` of x32 is narrower than
    the kernel's. Source: __SC_CAST in include/linux/syscalls.h, Linux 6.12
    """
    ctype = argument.parameter.ctype
    if ctype.is_long and ctype.scalar and ctype.scalar.signed:
        return user_c.cast(argument, "__kernel_long_t")
    is_narrow = ctype.scalar is not None and not ctype.is_long and not ctype.is_wide
    text = c_text(argument.expression)
    if argument.is_plain or (is_narrow and text.isdigit()):
        return text
    return user_c.cast(argument, spell_user(ctype))


def _cases(calls: Sequence[Call], taken: set[str]) -> list[dict[str, object]]:
    names = taken | {wrapper.name for call in calls for wrapper in call.wrappers}
    return [_case(case, names) for call in calls for case in call.cases]


def _case(case: Case, names: set[str]) -> dict[str, object]:
    name = _NOT_A_WORD.sub("_", case.name.lower()).strip("_")
    # One word may be a function of the C library, and no name begins with a digit.
    if not name[:1].isalpha() or "_" not in name or _is_taken(name):
        name = f"case_{name}"
    while name in names:
        name += "_"
    names.add(name)
    return {
        "name": name,
        "line": case.where.line,
        "setup": case.setup,
        "trap": argument_list(f"\tret = (long){case.wrapper}(", list(case.args), ");"),
        "errno": case.errno,
        "returns": case.returns and _macro_argument(case.returns),
        "check": case.check and _macro_argument(case.check),
    }


def _is_taken(name: str) -> bool:
    """Whether the C library or the kernel's harness may have a function of this name."""
    listed = ("c_functions", "libc_functions", "c_macros")
    return bool(_HARNESS.match(name)) or any(name in table(key) for key in listed)


def _macro_argument(expression: str) -> str:
    """A comma in braces would end a macro's argument."""
    return f"({expression})" if "," in expression else expression


def _clone_orders(call: Call) -> list[tuple[str | None, str]]:
    """Where the flags and the extras stand, by ABI; all else is zero. The default comes last."""
    if call.packed or call.is_clone3:
        return []
    given = {
        extra.name: _as_vararg(Argument(extra, Name(extra.name), is_plain=True))
        for extra in call.clone_extras
    }
    texts: dict[str, list[str]] = {}
    for abi in all_abis():
        order = abi.clone_order.parameters(tuple(given))
        # 0 for what the test does not use, which is why most orders look the same here.
        passed = [given.get(name, name if name == "flags" else "0UL") for name in order]
        text = argument_list("\treturn syscall(", [f"__NR_{call.name}", *passed], ");")
        texts.setdefault(text, []).append(abi.macro)
    return [
        (condition if index < len(texts) - 1 else None, text)
        for index, (condition, text) in enumerate(user_c.choices(texts))
    ]
