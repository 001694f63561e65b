"""The matrix of verdicts for people, as JSON, and for CI systems."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from syscraft.lab.cells import Cell, GuestState, Matrix
from syscraft.lab.verdict import Verdict

HEAD = ("guest", "linux", "kernel", "abi", "call", "test", "seconds", "verdict")
GUEST_HEAD = ("guest", "linux", "kernel", "built in", "booted in", "runs by")


def rows(cells: Sequence[Cell]) -> list[tuple[str, ...]]:
    """A table with a row for each cell, the head first; the verdict is the last word."""
    return [
        HEAD,
        *(
            (*c.job, c.abi, c.call, c.shown_test, _seconds(c), c.verdict.name)
            for c in cells
        ),
    ]  # fmt: skip


def _seconds(cell: Cell) -> str:
    return "cached" if cell.cached else f"{cell.seconds:6.2f}"


def guest_rows(guests: Sequence[GuestState]) -> list[tuple[str, ...]]:
    """A table of what each guest cost."""
    return [GUEST_HEAD, *(_guest_row(guest) for guest in guests)]


def _guest_row(guest: GuestState) -> tuple[str, ...]:
    built = "-"
    if guest.build_seconds is not None:
        built = "cached" if guest.built_before else f"{guest.build_seconds:.0f} s"
    booted = "-" if guest.boot_seconds is None else f"{guest.boot_seconds:.2f} s"
    how = guest.how or "-"
    if guest.repaired:
        how += "; built with a fix, as the tree does not build for it otherwise"
    return (*guest.job, built, booted, how)


def problems(matrix: Matrix) -> list[tuple[str, tuple[Cell, ...]]]:
    """Every cell that is not good, those with one and the same cause together.

    A kernel that does not build is told once, and not once for each of its tests.
    """
    found: dict[tuple[str, Verdict], list[Cell]] = {}
    for cell in matrix.cells:
        if not cell.good:
            found.setdefault((cell.detail, cell.verdict), []).append(cell)
    return [(detail, tuple(cells)) for (detail, _), cells in found.items()]


def summary(matrix: Matrix) -> str:
    """One line: what passed where."""
    passed = [cell for cell in matrix.cells if cell.good]
    whole = {
        cell.job for cell in matrix.cells if all(c.good for c in matrix.cells if c.job == cell.job)
    }
    abis = {cell.abi for cell in passed}
    kept = sum(cell.cached for cell in matrix.cells)
    text = (
        f"{len(passed)} of {len(matrix.cells)} tests passed; "
        f"{len(whole)} of {len(matrix.guests)} guests, {len(abis)} ABIs"
    )
    return f"{text}; {kept} from the cache" if kept else text


def plain(matrix: Matrix) -> list[dict[str, object]]:
    """Cells as JSON takes them."""
    states = {state.job: state for state in matrix.guests}
    result = []
    for cell in matrix.cells:
        state = states[cell.job]
        result.append(
            {
                "call": cell.call,
                "test": cell.test,
                "level": cell.level,
                "guest": cell.guest,
                "abi": cell.abi,
                "linux": cell.linux,
                "kernel": cell.kernel,
                "verdict": cell.verdict.name,
                "seconds": round(cell.seconds, 3),
                "cached": cell.cached,
                "build_seconds": state.build_seconds and round(state.build_seconds, 3),
                "boot_seconds": state.boot_seconds and round(state.boot_seconds, 3),
                "runs_by": state.how,
                "detail": cell.detail,
            }
        )
    return result


def junit(matrix: Matrix) -> str:
    """The matrix as JUnit's XML: a suite for each guest, a case for each cell."""
    suites = ElementTree.Element("testsuites", name="syscraft")
    for state in matrix.guests:
        cells = [c for c in matrix.cells if c.job == state.job]
        suite = ElementTree.SubElement(
            suites,
            "testsuite",
            name=" ".join(state.job).removesuffix(" plain"),
            tests=str(len(cells)),
            failures=str(sum(c.verdict is Verdict.FAIL for c in cells)),
            errors=str(sum(not c.good and c.verdict is not Verdict.FAIL for c in cells)),
            skipped=str(sum(c.verdict is Verdict.SKIP for c in cells)),
            time=f"{sum(c.seconds for c in cells):.3f}",
        )
        for cell in cells:
            _case(suite, cell)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, cell: Cell) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=f"{cell.guest}.{cell.abi}.{cell.call}",
        name=cell.shown_test,
        time=f"{cell.seconds:.3f}",
    )
    if cell.verdict is Verdict.PASS:
        return
    kind = {Verdict.SKIP: "skipped", Verdict.FAIL: "failure"}.get(cell.verdict, "error")
    node = ElementTree.SubElement(case, kind, message=f"{cell.verdict.name}: {cell.verdict.value}")
    if kind != "skipped":
        node.set("type", cell.verdict.name)
        node.text = _printable(f"{cell.detail}\nrepeat it: {cell.repeat}")
    else:
        node.text = _printable(cell.detail)


def _printable(text: str) -> str:
    """Text as XML 1.0 can hold it: a guest may say anything."""
    return "".join(c if c in "\t\n" or " " <= c <= "\ud7ff" or c >= "\ue000" else "?" for c in text)
