"""test_NAME_cases.c: a test program made of the declared cases."""

from __future__ import annotations

from syscraft.abi.abi import Abi
from syscraft.emit.base import Emitter, Files, fill
from syscraft.emit.ctext_layout import argument_list
from syscraft.model.call import Call, Case


def _emit(call: Call, number: int, abis: tuple[Abi, ...]) -> Files:
    if not call.cases:
        return {}
    cases = [_case(case) for case in call.cases]
    return {f"test_{call.name}_cases.c": fill("cases.c.j2", call=call, cases=cases)}


def _case(case: Case) -> dict[str, object]:
    if case.errno:
        good = f"ret == -1 && error == {case.errno}"
        expected = f"-1 with {case.errno}"
    else:
        value = str(case.returns)
        good = f"ret == (long)({value})" if not value.lstrip("-").isdigit() else f"ret == {value}"
        expected = value
    return {
        "name": case.name,
        "setup": case.setup,
        "trap": argument_list(f"\tret = (long){case.wrapper}(", list(case.args), ");"),
        "good": good,
        "expected": expected.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%"),
        "check": case.check,
        "check_text": (case.check or "").replace("\\", "\\\\").replace('"', '\\"')
        .replace("%", "%%"),
        "line": case.where.line,
    }  # fmt: skip


EMITTER = Emitter("cases", "C test program made from the declared cases", _emit)
