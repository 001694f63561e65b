"""The kernel's own checks of locks, contexts and lists: mistakes that go well most of the time."""

from __future__ import annotations

from syscraft.build.flavour import Flavour
from syscraft.build.kconfig import Need, read_options

FLAVOUR = Flavour(
    "debug",
    "lock order, sleeping in atomic context, corrupted lists, races on two CPUs",
    options=read_options("""\
CONFIG_DEBUG_KERNEL=y
# Two locks taken in both orders are told at the first time, not when they meet.
CONFIG_PROVE_LOCKING=y
# Sleeping under a spinlock, in an interrupt, or with preemption off.
CONFIG_DEBUG_ATOMIC_SLEEP=y
# Another task may come between any two instructions outside of locks.
CONFIG_PREEMPT=y
CONFIG_DEBUG_PREEMPT=y
# A timer, a work item or an RCU head that is freed, or initialized, while it is in use.
CONFIG_DEBUG_OBJECTS=y
CONFIG_DEBUG_OBJECTS_FREE=y
CONFIG_DEBUG_OBJECTS_TIMERS=y
CONFIG_DEBUG_OBJECTS_WORK=y
CONFIG_DEBUG_OBJECTS_RCU_HEAD=y
# A list that two have changed at once; a list entry that is removed twice.
CONFIG_DEBUG_LIST=y
CONFIG_DEBUG_PLIST=y
# Assertions of the memory management, of notifiers, and of scatterlists.
CONFIG_DEBUG_VM=y
CONFIG_DEBUG_NOTIFIERS=y
CONFIG_DEBUG_SG=y
# A stack that ran over.
CONFIG_SCHED_STACK_END_CHECK=y
# Poison and red zones: what reads freed memory, or writes behind its own, is seen.
# CONFIG_SLUB_TINY is not set
CONFIG_SLUB_DEBUG=y
CONFIG_SLUB_DEBUG_ON=y
# A task that hangs is reported with its stack.
CONFIG_DETECT_HUNG_TASK=y
"""),
    needs=(Need("LOCK_DEBUGGING_SUPPORT", "lock order checker (lockdep)"),),
    cpus=2,
    memory_mib=384,
    slower=3.0,
)
