"""The rules over a whole kernel: what history is known for is found."""

from __future__ import annotations

from collections import defaultdict

import pytest

from syscraft.rules.base import RuleFinding, Severity
from syscraft.rules.discover import all_rules, judge
from syscraft.rules.kernel_calls import read_kernel
from syscraft.tree.source import KernelTree, open_tree

# Calls and the rule meant for them; the places are in the rules.
KNOWN = {
    "L1": "open openat clone",
    "L2": "renameat faccessat fchmodat dup2 pipe eventfd inotify_init epoll_create signalfd accept "
    "mlock preadv pwritev",
    "L3": "pselect6 sync_file_range",
    "L4": "sched_setattr perf_event_open statmount",
    "L5": "statmount listmount",
    "L8": "epoll_ctl epoll_wait",
    "L10": "perf_event_open landlock_add_rule kexec_load readv",
    "L11": "process_madvise readv kexec_load",
    "L12": "sync_file_range fadvise64_64 readahead pread64",
    "L14": "fanotify_mark",
    "L15": "clone rt_sigaction sync_file_range",
    "L18": "getpriority times shmat fcntl",
    "L19": "bpf",
    "L20": "open_tree memfd_secret pidfd_open",
    "L21": "kill timer_settime shmctl",
    "L22": "quotactl",
    "L23": "fadvise64 lseek",
    "L24": "swapon sethostname",
    "L25": "setpriority sched_setaffinity",
    "L27": "readv ioctl",
    "L28": "sched_getaffinity",
    "L30": "socketcall ipc prctl fcntl quotactl keyctl bpf",
    "L32": "memfd_secret clone3",
}

# What is found in the calls that are the model of today, each judged.
MODELS = {
    "openat2": {},
    "landlock_create_ruleset": {},
    "cachestat": {},
    "futex_waitv": {},
    "clone3": {
        "L16": "real: sh, m68k and others enter through a wrapper that saves registers",
        "L24": "real: a chosen pid and new namespaces ask for CAP_SYS_ADMIN as an alternative",
        "L32": "real: sh and sparc only reserve the number",
    },
    "mount_setattr": {"L24": "real: all of mounting asks for CAP_SYS_ADMIN in the namespace"},
    "statmount": {
        "L4": "real: the struct tells its own size, so the kernel reads it twice",
        "L5": "real: only the newest size is compared at build time",
        "L24": "real: mounts of another namespace ask for CAP_SYS_ADMIN",
    },
}

Found = dict[str, dict[str, list[RuleFinding]]]


@pytest.fixture(scope="session")
def tree() -> KernelTree:
    return open_tree("deb:6.12")


@pytest.fixture(scope="session")
def found(tree: KernelTree) -> Found:
    """Call -> rule -> findings."""
    result: Found = defaultdict(lambda: defaultdict(list))
    for subject in read_kernel(tree, lambda text: None).subjects:
        for finding in judge(subject):
            result[subject.name][finding.rule.id].append(finding)
    return result


@pytest.mark.parametrize(
    ("rule", "call"), [(rule, call) for rule, calls in KNOWN.items() for call in calls.split()]
)
def test_known_mistake_is_found(found: Found, rule: str, call: str) -> None:
    assert found[call][rule]


def test_there_are_enough_known_mistakes() -> None:
    assert len({call for calls in KNOWN.values() for call in calls.split()}) >= 25


@pytest.mark.parametrize("call", MODELS)
def test_model_calls_are_judged(found: Found, call: str) -> None:
    assert set(found[call]) == set(MODELS[call])
    severities = {f.rule.severity for hits in found[call].values() for f in hits}
    assert Severity.ERROR not in severities


def test_findings_stand_where_they_say(found: Found, tree: KernelTree) -> None:
    """A place is a line of a file of the tree, and for a definition it names the call."""
    for call in ("openat", "getpriority", "memfd_secret", "bpf"):
        for hits in found[call].values():
            for finding in hits:
                path, line = finding.hit.where.path, finding.hit.where.line
                text = tree.read(path.removeprefix("deb:6.12/"))
                assert text is not None and line is not None
                assert text.splitlines()[line - 1].strip(), finding
    (hit,) = found["bpf"]["L19"][:1]
    text = tree.read("kernel/bpf/syscall.c") or ""
    assert "ENOTSUPP" in text.splitlines()[(hit.hit.where.line or 0) - 1]


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_history_stands_in_the_kernel(rule, tree: KernelTree) -> None:  # type: ignore[no-untyped-def]
    assert rule.places
    for place in rule.places:
        text = tree.read(place.path)
        assert text is not None, place.path
        assert place.text in text, place
