"""Addresses in a kernel's last words get the names of functions."""

from __future__ import annotations

import subprocess
from pathlib import Path

from syscraft.guest.symbols import name_addresses


def test_function_behind_an_address(tmp_path: Path) -> None:
    source = tmp_path / "x.c"
    source.write_text("int first(void) { return 1; }\nint main(void) { return first(); }\n")
    image = tmp_path / "x"
    subprocess.run(["gcc", "-O0", "-no-pie", "-o", image, source], check=True)
    listed = subprocess.run(["nm", image], capture_output=True, text=True, check=True).stdout
    (line,) = (line for line in listed.splitlines() if line.endswith(" T first"))
    address = int(line.split()[0], 16)
    text = f"Kernel panic - not syncing: fault at addr 0x0, ip {address + 4:#x}\nend"
    assert name_addresses(text, image) == text.replace("\nend", " (first+0x4)\nend")


def test_what_cannot_be_named_stays(tmp_path: Path) -> None:
    assert name_addresses("fault, ip 0x1234", tmp_path / "nothing") == "fault, ip 0x1234"
    assert name_addresses("all good", tmp_path / "nothing") == "all good"
