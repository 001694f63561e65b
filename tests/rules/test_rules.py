"""Every rule finds its mistake, and lets the nearest thing that is right pass."""

from __future__ import annotations

from typing import Any

import pytest

from syscraft.declaration import ctext
from syscraft.declaration.cstructs import parse_structs
from syscraft.declaration.ctype import CType
from syscraft.errors import Where
from syscraft.model.call import Silence
from syscraft.rules.base import Item, Severity, StructView, Subject, Text, Variant
from syscraft.rules.discover import all_rules, judge

HERE = Where("toy.c", 1)


def items(text: str) -> tuple[Item, ...]:
    parsed = ctext.parse_parameters(text, lambda row, column: HERE)
    return tuple(Item(p.name, p.ctype, p.where) for p in parsed)


def call(
    kernel: str = "int fd, unsigned int flags",
    *,
    structs: str = "",
    sizes: tuple[str, ...] = (),
    code: str = "",
    path: str = "toy.c",
    variants: tuple[str, ...] = (),
    constants: dict[str, str] | None = None,
    **fields: Any,
) -> Subject:
    """A call called toy; *code* is both its body and all that it uses."""
    text = Text(code, path) if code else None
    parsed = parse_structs(structs, lambda row, column: HERE) if structs else ()
    return Subject(
        name="toy",
        where=HERE,
        parameters=items(kernel),
        variants=tuple(Variant(items(v), HERE) for v in (kernel, *variants)),
        structs=tuple(
            (
                f"struct {s.name}",
                StructView(
                    s.name,
                    tuple(Item(f.name, f.ctype, f.where) for f in s.fields),
                    s.where,
                    sizes=sizes,
                ),
            )
            for s in parsed
        ),
        body=text,
        code=text,
        constants=tuple((k, v, HERE) for k, v in (constants or {}).items()),
        **fields,
    )


def function(*lines: str) -> str:
    inner = "".join(f"\t{line}\n" for line in lines)
    return f"long do_toy(int fd, unsigned int flags)\n{{\n{inner}}}\n"


POINTER = "struct toy __user *arg, size_t size, unsigned int flags"
VERSIONS = ("TOY_SIZE_VER0", "TOY_SIZE_VER1")
COPY = "err = copy_struct_from_user(&args, sizeof(args), arg, size);"
SMALL = "if (size < TOY_SIZE_VER0)\n\t\treturn -EINVAL;"
X86 = "arch/x86/entry/syscalls/syscall_64.tbl"


def struct(fields: str) -> str:
    return f"struct toy {{ {fields} }};"


# Rule -> calls that break it, and calls that nearly do.
CASES: dict[str, tuple[list[Subject], list[Subject]]] = {
    "L1": (
        [call(code=function("return go(fd);")),
         call(code=function("flags &= TOY_ALL;", "return go(fd, flags);"))],
        [call(code=function("if (flags & ~TOY_ALL)", "\treturn -EINVAL;", "return go(fd);")),
         call(code=function("return elsewhere(fd, flags);")), call()],
    ),
    "L2": (
        [call("int fd", declared=True), call("int fd", siblings=(("toy2", ("fd", "flags")),))],
        [call(declared=True), call("int fd", declared=True, packed=True),
         call("int nice", declared=True, like="clone"),
         call("int fd", siblings=(("toy2", ("fd", "other")),)),
         call(POINTER.replace(", unsigned int flags", ""), structs=struct("__u32 flags;"))],
    ),
    "L3": (
        [call("long a, long b, long c, long d, long e, long f"),
         call("int a, u64 b, int c, u64 d")],
        [call("long a, long b, long c, long d, long e"), call("u64 b, u64 d, int a"),
         call("long a, long b, long c, long d, long e, long f", packed=True)],
    ),
    "L4": (
        [call("struct toy __user *arg", structs=struct("__u32 a;"), declared=True),
         call("struct toy __user *arg", structs=struct("__u32 size; __u32 a;")),
         call(POINTER, structs=struct("__u32 a;"), sizes=VERSIONS,
              code=function("if (size < TOY_SIZE_VER0)\n\t\treturn -E2BIG;", COPY)),
         call(POINTER, structs=struct("__u32 a;"), sizes=VERSIONS, code=function(COPY))],
        [call(POINTER, structs=struct("__u32 a;"), sizes=VERSIONS, code=function(SMALL, COPY)),
         call("struct toy __user *arg, size_t size", structs=struct("__u32 a;"), declared=True),
         call("int a", structs=struct("__u32 a;"), declared=True, packed=True)],
    ),
    "L5": (
        [call(POINTER, structs=struct("__u32 a; __u32 b;"), sizes=VERSIONS,
              code=function("BUILD_BUG_ON(sizeof(args) != TOY_SIZE_VER1);", SMALL, COPY))],
        [call(POINTER, structs=struct("__u32 a; __u32 b;"), sizes=VERSIONS,
              code=function("BUILD_BUG_ON(offsetofend(struct toy, a) != TOY_SIZE_VER0);",
                            "BUILD_BUG_ON(sizeof(args) != TOY_SIZE_VER1);", SMALL, COPY))],
    ),
    "L6": (
        [call(POINTER, structs=struct("__u32 flags; __u32 b;"), sizes=VERSIONS,
              code=function(SMALL, COPY))],
        [call(POINTER, structs=struct("__u32 flags; __u32 b;"), sizes=VERSIONS,
              code=function(SMALL, COPY, "if ((args.flags & B) && size < TOY_SIZE_VER1)")),
         call(POINTER, structs=struct("__u32 flags;"), sizes=VERSIONS[:1],
              code=function(SMALL, COPY))],
    ),
    "L7": (
        [call(versions=(("a", "b"), ("b", "a", "c"))), call(versions=(("a", "b"), ("a", "c")))],
        [call(versions=(("a",), ("a", "b"))), call(versions=(("a", "b"),))],
    ),
    "L8": (
        [call(POINTER, structs=struct("__u32 a; __aligned_u64 b;")),
         call(POINTER, structs=struct("__aligned_u64 b; __u8 c[3];"))],
        [call(POINTER, structs=struct("__u32 a; __u32 pad; __aligned_u64 b;"))],
    ),
    "L9": (
        [call(POINTER, structs=struct("__u32 a; __u64 b;"))],
        [call(POINTER, structs=struct("__u32 a; __u32 pad; __u64 b;")),
         call(POINTER, structs=struct("__u32 a; __aligned_u64 b;"))],
    ),
    "L10": (
        [call(POINTER, structs=struct("long a;")), call(POINTER, structs=struct("size_t a;")),
         call("enum toy_kind kind"), call(POINTER, structs=struct("void *p;"))],
        [call(POINTER, structs=struct("__s64 a; __aligned_u64 p;")), call("int kind")],
    ),
    "L11": (
        [call(POINTER, structs=struct("__u32 a; void *p;"))],
        [call(POINTER, structs=struct("__aligned_u64 p;"))],
    ),
    "L12": (
        [call("int fd, loff_t pos"), call("u64 a, u32 b, u64 c")],
        [call("loff_t pos, int fd"), call("u64 a, u64 b, u64 c"), call("int a, int b, u64 c"),
         call("int fd, loff_t pos", packed=True)],
    ),
    "L13": (
        [call("loff_t pos", compat=False)],
        [call("loff_t pos", compat=True), call("loff_t pos"), call("int pos", compat=False)],
    ),
    "L14": (
        [call("u64 a", code="SYSCALL32_DEFINE2(toy, SC_ARG64(a))\n"),
         call("u64 a", code="#ifdef CONFIG_ARCH_SPLIT_ARG64\n")],
        [call("u64 a", code="SYSCALL_DEFINE1(toy, u64, a)\n")],
    ),
    "L15": (
        [call("int a, long b", variants=("long b, int a",)),
         call("int a, long b", variants=("int a, long b, int c",)),
         call("int a, long b", siblings=(("toy2", ("b", "a")),))],
        [call("int a, long b", variants=("int a, long b",)),
         call("int a, long b", siblings=(("toy2", ("a", "b")), ("other", ("b", "a"))))],
    ),
    "L16": (
        [call(rows=(("a.tbl", "common", 450, "sys_toy"), ("b.tbl", "common", 451, "sys_toy"))),
         call(rows=(("a.tbl", "common", 450, "sys_toy_wrapper"),))],
        [call(rows=(("a.tbl", "common", 450, "sys_toy"), ("alpha.tbl", "common", 560, "sys_toy"))),
         call(rows=(("a.tbl", "common", 3, "sys_toy"), ("b.tbl", "common", 4, "sys_toy")))],
    ),
    "L17": ([call("struct toy arg")], [call("struct toy __user *arg"), call("u64 a")]),
    "L18": (
        [call(returns=CType("unsigned long")), call(returns=CType("void", 1)),
         call(code=function("force_successful_syscall_return();"))],
        [call(returns=CType("int")), call(code=function("return 0;"))],
    ),
    "L19": (
        [call(code=function("return -ENOTSUPP;")), call(errnos=(("ENOTSUPP", HERE),))],
        [call(code=function("return -EOPNOTSUPP;")), call(errnos=(("EOPNOTSUPP", HERE),))],
    ),
    "L20": (
        [call(constants={"TOY_CLOEXEC": "O_CLOEXEC"}),
         call(code=function("fd = get_unused_fd_flags(0);"))],
        [call(constants={"TOY_CLOEXEC": "1"}),
         call(code=function("fd = get_unused_fd_flags(O_CLOEXEC);"))],
    ),
    "L21": ([call("pid_t pid, int sig"), call("int shmid")], [call("int pidfd, int sig")]),
    "L22": (
        [call("const char __user *path, int mode")],
        [call("int dfd, const char __user *path"), call("char __user *path"),
         call("const char __user *text")],
    ),
    "L23": (
        [call("int fd, off_t offset"), call("int fd, loff_t offset, size_t len")],
        [call("int fd, loff_t offset"), call("off_t offset"),
         call("int fd, char __user *buf, size_t len, loff_t pos")],
    ),
    "L24": (
        [call(code=function("if (!capable(CAP_SYS_ADMIN))")),
         call(code=function("if (!ns_capable(ns, CAP_SYS_ADMIN))"))],
        [call(code=function("if (!capable(CAP_SYS_NICE))"))],
    ),
    "L25": (
        [call(code=function("task = find_task_by_vpid(pid);"), declared=True),
         call(code=function("task = find_task_by_vpid(pid);", "if (uid_eq(a, b))"))],
        [call(code=function("task = find_task_by_vpid(pid);", "if (!ptrace_may_access(task, M))"),
              declared=True),
         call(code=function("return 0;"), declared=True)],
    ),
    "L26": (
        [call("unsigned long __user *set", compat=False),
         call("unsigned long __user *set", declared=True),
         call("char __user *__user *argv", compat=False),
         call(POINTER, structs=struct("long a;"), compat=False)],
        [call("u32 __user *set", compat=False), call("unsigned long __user *set", compat=True),
         call("u64 value", declared=True),
         call("unsigned long __user *set", compat=False,
              code=function("if (in_compat_syscall())"))],
    ),
    "L27": (
        [call(rows=((X86, "64", 20, "sys_toy"), (X86, "x32", 520, "compat_sys_toy")))],
        [call(rows=((X86, "common", 450, "sys_toy"),))],
    ),
    "L28": (
        [call("unsigned long __user *mask")],
        [call("u64 __user *mask"), call("unsigned long __user *values"),
         call("unsigned long mask")],
    ),
    "L29": (
        [call(code=function("struct toy out;", "out.a = 1;",
                            "return copy_to_user(arg, &out, sizeof(out));"))],
        [call(code=function("struct toy out = {};", "out.a = 1;",
                            "return copy_to_user(arg, &out, sizeof(out));")),
         call(code=function("struct toy out;", "memset(&out, 0, sizeof(out));",
                            "return copy_to_user(arg, &out, sizeof(out));")),
         call(code=function("u32 out;", "return copy_to_user(arg, &out, sizeof(out));"))],
    ),
    "L30": (
        [call("int cmd, long arg", code=function("switch (cmd) {", "case A: case_a();", "case B:",
                                                 "case C:", "case D:", "}"))],
        [call("int cmd, long arg", code=function("switch (cmd) {", "case A:", "case B:", "}")),
         call("int whence, long arg", code=function("switch (whence) {", "case A:", "case B:",
                                                    "case C:", "case D:", "}"))],
    ),
    "L31": (
        [call(code=function("return sys_close(fd);"))],
        [call(code=function("return ksys_close(fd);")), call(code=function("ops.sys_close(fd);")),
         call(code=function("return sys_close(fd);"), path="linux/arch/mips/kernel/toy.c")],
    ),
    "L32": (
        [call(rows=(("a.tbl", "common", 450, "sys_toy"),), tables=("a.tbl", "b.tbl")),
         call(rows=(("a.tbl", "common", 450, "sys_toy"),), tables=("a.tbl", "b.tbl"),
              reserved=("b.tbl",))],
        [call(rows=(("a.tbl", "common", 450, "sys_toy"), ("b.tbl", "common", 450, "sys_toy")),
              tables=("a.tbl", "b.tbl")),
         call(rows=(("a.tbl", "common", 20, "sys_toy"),), tables=("a.tbl", "b.tbl"))],
    ),
    "L33": (
        [call(declared=True, functions=(("statx", HERE),)),
         call(declared=True, functions=(("openat2", HERE),)),  # the C library has no such one
         call(declared=True, functions=(("getaddrinfo", HERE),))],
        [call(declared=True, functions=(("toy_statx", HERE),)),
         call(functions=(("statx", HERE),))],
    ),
}  # fmt: skip


def broken(subject: Subject) -> set[str]:
    return {finding.rule.id for finding in judge(subject)}


def test_every_rule_has_both() -> None:
    assert set(CASES) == {rule.id for rule in all_rules()} == {f"L{n}" for n in range(1, 34)}
    assert all(bad and good for bad, good in CASES.values())


@pytest.mark.parametrize(
    ("rule", "subject"),
    [(rule, subject) for rule, (bad, _) in CASES.items() for subject in bad],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_mistake_is_found(rule: str, subject: Subject) -> None:
    assert rule in broken(subject)


@pytest.mark.parametrize(
    ("rule", "subject"),
    [(rule, subject) for rule, (_, good) in CASES.items() for subject in good],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_right_passes(rule: str, subject: Subject) -> None:
    assert rule not in broken(subject)


def test_rules_are_told_in_full() -> None:
    for rule in all_rules():
        assert rule.title and rule.cost and rule.fix and rule.history and rule.source, rule.id
        assert "Linux 6.12" in rule.source or "include/" in rule.source, rule.id


def test_a_silence() -> None:
    subject = call("int fd", declared=True)
    (finding,) = judge(subject, [Silence("L2", "it is an example", HERE)])
    assert finding.rule.id == "L2"
    assert finding.silenced == "it is an example"


@pytest.mark.parametrize(
    ("rule", "reason", "message"),
    [
        ("L99", "why", "unknown rule 'L99'"),
        ("L2", " ", "[silence] gives no reason for L2"),
        ("L7", "why", "L7 finds nothing here: this [silence] is unused"),
    ],
)
def test_a_silence_that_silences_nothing(rule: str, reason: str, message: str) -> None:
    place = Where("toy.toml", 9)
    findings = judge(call("int fd", declared=True), [Silence(rule, reason, place)])
    (bad,) = [finding for finding in findings if finding.rule.id == "S1"]
    assert bad.hit.message == message
    assert bad.hit.where == place
    assert bad.rule.severity is Severity.ERROR
    assert any(f.rule.id == "L2" and f.silenced is None for f in findings)
