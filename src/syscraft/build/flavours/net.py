"""The internet's protocols: a fifth of a kernel's build, and few calls speak of them."""

from __future__ import annotations

from syscraft.build.flavour import Flavour
from syscraft.build.kconfig import read_options

FLAVOUR = Flavour(
    "net",
    "TCP and UDP over IPv4, which a plain kernel lacks",
    options=read_options("""\
# Sockets of AF_INET; the loopback device comes with it.
CONFIG_INET=y
"""),
)
