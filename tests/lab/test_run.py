"""Guests that come to nothing: every cell gets a verdict and its cause, and nothing hangs."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from syscraft import proc
from syscraft.abi.machine import Machine
from syscraft.api import load
from syscraft.build import kernel as built
from syscraft.build.flavour import find_flavour
from syscraft.build.kernel import BuiltKernel
from syscraft.files import write_if_changed
from syscraft.guest import acceleration, qemu
from syscraft.guest.host import host_abi
from syscraft.guest.qemu import QemuMachine
from syscraft.guest.sandbox import opened
from syscraft.guest.session import Wires
from syscraft.guest.workload import Workload
from syscraft.lab.cells import Cell, GuestState, Matrix
from syscraft.lab.plan import Job, Subject
from syscraft.lab.report import guest_rows, junit, plain, rows, summary
from syscraft.lab.run import run_jobs
from syscraft.lab.verdict import Verdict
from syscraft.model.call import Unit
from syscraft.model.tests import TestProgram
from syscraft.tree.source import open_tree

MakeCall = Callable[..., Path]

# An emulator that is a script: it finds its end of the line among its arguments.
HEAD = f"""#!{sys.executable}
import os, re, sys, time
line = int(re.search(r"socket,id=line,fd=(\\d+)", " ".join(sys.argv)).group(1))
def say(kind, data=b""):
    os.write(line, kind + len(data).to_bytes(4, "little") + data)
def hear():
    head = os.read(line, 5)
    return head[:1], os.read(line, int.from_bytes(head[1:], "little"))
"""
UP = HEAD + 'say(b"B")\n'
RUN = """
kind, data = hear()
while kind != b"C":
    say(b"R")
    kind, data = hear()
def end(how, value):
    say(b"Q", bytes([how, value]) + data)
"""


@pytest.fixture
def run(
    tmp_path: Path, make_call: MakeCall, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Matrix]:
    """Test a call with one test on a machine whose emulator is the given script."""
    kernel = tmp_path / "vmlinux"
    kernel.write_bytes(b"no kernel")
    tree = open_tree("deb:6.12")  # before the cache is another one
    monkeypatch.setenv("SYSCRAFT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        built, "build_kernel", lambda *_: BuiltKernel(kernel, f"key {time.time_ns()}", True)
    )
    declaration = load(make_call("ctrun"))
    test = TestProgram("test_a.c", ("test_a.c",), levels=("-O2",))
    (declaration.folder / "test_a.c").write_text("int main(void) { return 0; }\n")
    shared = replace(declaration.unit.shared, tests=(test,))
    unit = Unit(shared, (replace(declaration.call, cases=(), shared=shared),))
    subject = Subject(unit, declaration.folder, "ctrun")
    work = Workload((unit,), tree)

    def go(script: str = "", *, jobs: int = 1, again: bool = False, **changes: object) -> Matrix:
        emulator = tmp_path / "emulator"
        write_if_changed(emulator, script.encode(), mode=0o755)
        guest = machine(emulator, **changes)
        job = Job(guest, "deb:6.12", find_flavour("plain"), work)
        return run_jobs(
            [job] * jobs, [subject], deadline_s=1.0, again=again, progress=lambda text: None
        )

    return go


def machine(emulator: Path, **changes: object) -> QemuMachine:
    """This host's own machine with another emulator, and without the host's files."""
    host = host_abi()
    real = next(m for m in host.machines if os.uname().machine in m.native_on)
    fake: Machine = replace(
        real,
        command=(str(emulator), "-m", "256"),
        programs={host.key: "gcc"},
        **{"native_on": (), **changes},  # type: ignore[arg-type]
    )
    guest = QemuMachine(host, fake)
    guest.boot_deadline_s = 1.0
    return guest


def only(matrix: Matrix) -> Cell:
    (cell,) = matrix.cells
    return cell


def test_good_guest(run: Callable[..., Matrix]) -> None:
    said = b"KTAP version 1\n1..1\nok 1 a\n"
    script = UP + RUN + f'say(b"O", {said!r})\nend(0, 0)\nhear()\n'
    cell = only(run(script))
    assert (cell.verdict, cell.detail) == (Verdict.PASS, "1 results")


@pytest.mark.parametrize(
    ("script", "verdict", "words"),
    [
        (HEAD + "time.sleep(600)", Verdict.TIMEOUT, "did not boot in time"),
        (HEAD + 'print("unsupported machine type"); sys.exit(1)', Verdict.INFRA, "unsupported"),
        (HEAD + "sys.exit(0)", Verdict.INFRA, "ended before it was up"),
        (
            HEAD + 'print("Kernel panic - not syncing: no init", flush=True); sys.exit(0)',
            Verdict.CRASH,
            "no init",
        ),
        (HEAD + 'os.write(line, b"garbage" * 99); time.sleep(600)', Verdict.INFRA, "garbage"),
        (HEAD + 'say(b"F", b"no line: ENODEV"); time.sleep(600)', Verdict.INFRA, "ENODEV"),
        (HEAD + 'os.write(line, b"B"); time.sleep(600)', Verdict.TIMEOUT, "did not boot in time"),
        (UP + 'os.write(line, b"garbage" * 99); time.sleep(600)', Verdict.INFRA, "garbage"),
        (UP + RUN + "time.sleep(600)", Verdict.TIMEOUT, "no end after 1 s"),
        (UP + RUN + "sys.exit(0)", Verdict.CRASH, "the kernel died"),
        (UP + RUN + 'end(0, 0); hear()', Verdict.FAIL, "no KTAP"),
        (UP + RUN + 'end(1, 11); hear()', Verdict.FAIL, "killed by signal 11"),
        (UP + RUN + 'end(2, 8); hear()', Verdict.INFRA, "cannot be started"),
        (UP + RUN + 'end(9, 0); time.sleep(600)', Verdict.INFRA, "protocol error"),
        (UP + RUN + 'say(b"Q", bytes(18)); hear()', Verdict.INFRA, "a command pretends"),
        (UP + RUN + 'say(b"Q", bytes(2)); hear()', Verdict.INFRA, "protocol error"),
        (UP + RUN + 'say(b"B"); time.sleep(600)', Verdict.CRASH, "the guest restarted"),
        (UP + RUN + 'say(b"O", b"1..1\\nok 1 a\\n" ); print("BUG: x", flush=True);'
         'end(0, 0); hear()', Verdict.CRASH, "BUG: x"),
    ],
)  # fmt: skip
def test_troubled_guest(
    run: Callable[..., Matrix], script: str, verdict: Verdict, words: str
) -> None:
    cell = only(run(script))
    assert cell.verdict is verdict, cell.detail
    assert words in cell.detail


def test_emulator_that_is_not_there(
    run: Callable[..., Matrix], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proc.shutil, "which", lambda name: None)
    cell = only(run(UP, packages=("gcc-xyz", "qemu-xyz")))
    assert cell.verdict is Verdict.INFRA
    assert "apt-get install" in cell.detail


def test_good_verdicts_are_kept_and_bad_ones_are_not(
    run: Callable[..., Matrix], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kernel = BuiltKernel(tmp_path / "vmlinux", "always the same", True)
    monkeypatch.setattr(built, "build_kernel", lambda *_: kernel)
    said = b"1..1\nok 1 a\n"
    good = UP + RUN + f'say(b"O", {said!r})\nend(0, 0)\nhear()\n'
    assert [only(run(good)).cached for _ in range(2)] == [False, True]
    assert not only(run(good, again=True)).cached
    bad = UP + RUN + "end(0, 3)\nhear()\n"  # another emulator, another cell
    assert [only(run(bad)).cached for _ in range(2)] == [False, False]


def test_kvm_is_tried_by_booting_and_the_answer_is_kept(
    run: Callable[..., Matrix], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(acceleration, "_KVM", tmp_path / "kvm")
    monkeypatch.setattr(acceleration, "_KVM_DEADLINE_S", 0.5)
    monkeypatch.setattr(acceleration.platform, "machine", lambda: "this")
    dies = (
        HEAD
        + f"""
if "kvm" in sys.argv:
    open({str(tmp_path / "probes")!r}, "a").write("x")
    print("KVM internal error"); sys.exit(1)
"""
    )
    script = dies + UP[len(HEAD) :] + RUN + "end(0, 3); hear()"

    def how() -> str:
        emulator = tmp_path / "emulator"
        write_if_changed(emulator, script.encode(), mode=0o755)
        with opened(unsafe=True):  # it counts its starts in a file
            return machine(emulator, native_on=("this",)).how(tmp_path, find_flavour("plain"))

    assert how() == f"emulation: {tmp_path / 'kvm'} does not exist"
    (tmp_path / "kvm").touch(mode=0o666)
    assert how() == "emulation: KVM died at boot: KVM internal error"
    assert how() == "emulation: KVM died at boot: KVM internal error"
    assert (tmp_path / "probes").read_text() == "x"
    script = HEAD + "time.sleep(600)"
    assert how() == "emulation: KVM did not boot within 0.5 s"
    script = UP + "hear()"
    assert how() == "KVM"
    monkeypatch.setattr(acceleration.platform, "machine", lambda: "another")
    assert how() == "emulation"


def test_a_machine_with_kvm_gets_it_and_its_device(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(qemu, "Booted", lambda command, **words: (command, words))
    for how in (acceleration._ACCELERATED, acceleration.EMULATION):
        monkeypatch.setattr(qemu, "acceleration", lambda *_, how=how: how)
        guest = machine(Path("/bin/true"))
        command, words = guest.boot(tmp_path, find_flavour("plain"), {})
        line = list(command(Wires(3, 4, "/scratch")))
        is_kvm = how is acceleration._ACCELERATED
        assert line[line.index("-accel") + 1] == ("kvm" if is_kvm else "tcg")
        assert words["devices"] == (("/dev/kvm",) if is_kvm else ())


def test_one_guest_fails_and_the_others_go_on(
    run: Callable[..., Matrix], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(run(HEAD + "sys.exit(1)", jobs=3).cells) == 3


def cells() -> Matrix:
    cell = Cell(
        "m1", "deb:6.12", "plain", "abi1", "call", "test_a.c", "-O2", "my/call",
        verdict=Verdict.PASS, seconds=0.5,
    )  # fmt: skip
    return Matrix(
        guests=(
            GuestState("m1", "deb:6.12", "plain", 60.0, False, 0.7, "emulation"),
            GuestState("m2", "deb:6.12"),
        ),
        cells=(
            cell,
            replace(cell, test="test_b.c", cached=True),
            replace(cell, guest="m2", verdict=Verdict.FAIL, detail="not ok <1> \x00 & \x1b[0m"),
            replace(cell, guest="m2", test="test_b.c", verdict=Verdict.CRASH, detail="BUG: x"),
            replace(cell, guest="m2", test="test_c.c", verdict=Verdict.SKIP, detail="no reason"),
        ),
    )


def test_report_for_people() -> None:
    matrix = cells()
    assert rows(matrix.cells)[2][5:] == ("test_b.c -O2", "cached", "PASS")
    assert guest_rows(matrix.guests)[1:] == [
        ("m1", "deb:6.12", "plain", "60 s", "0.70 s", "emulation"),
        ("m2", "deb:6.12", "plain", "-", "-", "-"),
    ]
    assert summary(matrix) == (
        "3 of 5 tests passed; 1 of 2 guests, 1 ABIs; 1 from the cache"
    )  # fmt: skip


def test_report_as_json() -> None:
    first, second, *_ = plain(cells())
    assert first["verdict"] == "PASS"
    assert (first["cached"], second["cached"]) == (False, True)
    assert (first["build_seconds"], first["boot_seconds"]) == (60.0, 0.7)


def test_report_for_ci_systems() -> None:
    suites = ElementTree.fromstring(junit(cells()))
    told = [
        (suite.get("name"), suite.get("tests"), suite.get("failures"), suite.get("errors"),
         suite.get("skipped"))
        for suite in suites
    ]  # fmt: skip
    assert told == [("m1 deb:6.12", "2", "0", "0", "0"), ("m2 deb:6.12", "3", "1", "1", "1")]
    failure = suites.find(".//failure")
    assert failure is not None and failure.text is not None
    assert "not ok <1> ? & ?[0m" in failure.text
    assert "syscraft test my/call --on m2 --linux deb:6.12 --again" in failure.text
    assert {case.get("classname") for case in suites.iter("testcase")} == {
        "m1.abi1.call", "m2.abi1.call",
    }  # fmt: skip
