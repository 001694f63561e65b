"""A failed build is told against the author's own file, or as the machine's fault."""

from __future__ import annotations

from pathlib import Path

from syscraft.build.messages import failure, warnings
from syscraft.build.objects import Objects
from syscraft.errors import BuildError, EnvironmentLacks, Where
from syscraft.hints import silent
from syscraft.proc import Result
from syscraft.tree.adding import BodyLineMap

SOURCE = Path("/cache/work/x/src")
BODY = BodyLineMap("kernel/sample.c", "my/sample.c", 10)


def failed(output: str) -> BuildError | EnvironmentLacks:
    error = failure(Result(("make", "linux"), "/cache/work/x", 2, output), SOURCE, (BODY,))
    assert isinstance(error, (BuildError, EnvironmentLacks))
    return error


def test_message_about_the_body() -> None:
    error = failed(
        "  CC      kernel/sample.o\n"
        "../src/kernel/sample.c: In function 'do_sample':\n"
        "../src/kernel/sample.c:14:9: error: 'vlaue' undeclared (first use in this function)\n"
        "   14 |  return vlaue;\n      |         ^~~~~\n"
        "make[3]: *** [scripts/Makefile.build:229: kernel/sample.o] Error 1\n"
    )
    (finding,) = error.findings
    assert finding.where == Where("my/sample.c", 4, 9)
    assert finding.message.startswith("'vlaue' undeclared")
    # The excerpt has the number of the author's line, too.
    assert finding.found == "    4 |  return vlaue;\n      |         ^~~~~"
    assert finding.hint is not None and "make linux" in finding.hint


def test_message_about_another_file() -> None:
    error = failed("/cache/work/x/src/kernel/fork.c:7:1: fatal error: fork.h: No such file\n")
    assert error.findings[0].where == Where("kernel/fork.c", 7, 1)


def test_message_about_generated_lines_stays_there() -> None:
    """Lines that syscraft wrote above the body are not the author's."""
    error = failed("../src/kernel/sample.c:5:1: error: expected ';'\n")
    assert error.findings[0].where == Where("kernel/sample.c", 5, 1)


def test_linker_says_something_else() -> None:
    error = failed("ld: kernel/sample.o: undefined reference to `frobnicate'\nmake: *** Error 1\n")
    assert "frobnicate" in (error.findings[0].found or "")


def test_full_disk_is_the_machines_fault() -> None:
    error = failed("cc1: error: error writing to /tmp/x.s: No space left on device\n")
    assert isinstance(error, EnvironmentLacks)
    assert error.exit_status == 3
    assert "SYSCRAFT_CACHE" in (error.findings[0].hint or "")


MACRO = """\
  CC      kernel/sample.o
In file included from <command-line>:
../src/kernel/sample.c: In function 'do_sample':
../src/include/linux/compiler_types.h:517:38: error: call to '__compiletime_assert_278' declared \
with attribute error: BUILD_BUG_ON failed: sizeof(info.comm) != TASK_COMM_LEN
  517 |         _compiletime_assert(condition, msg, __compiletime_assert_, __COUNTER__)
      |                                      ^
../src/include/linux/compiler_types.h:498:25: note: in definition of macro '__compiletime_assert'
  498 |                         prefix ## suffix();
      |                         ^~~~~~
../src/include/linux/sched.h:1961:9: note: in expansion of macro 'BUILD_BUG_ON'
 1961 |         BUILD_BUG_ON(sizeof(buf) != TASK_COMM_LEN);
      |         ^~~~~~~~~~~~
../src/kernel/sample.c:28:9: note: in expansion of macro 'get_task_comm'
   28 |         get_task_comm(info.comm, current);
      |         ^~~~~~~~~~~~~
"""


def test_error_in_a_macro_of_the_kernel() -> None:
    (finding,) = failed(MACRO).findings
    assert finding.where == Where("my/sample.c", 18, 9)
    assert "BUILD_BUG_ON failed" in finding.message
    assert finding.found is not None
    assert "get_task_comm(info.comm, current);" in finding.found
    assert "by a macro in include/linux/compiler_types.h:517:38" in finding.found
    assert "prefix ## suffix" not in finding.found


def test_error_in_a_header_that_every_file_includes() -> None:
    """Makefiles name it in a way of their own."""
    (finding,) = failed(MACRO.replace("../src/include", "./../src/include")).findings
    assert finding.found is not None
    assert "by a macro in include/linux/compiler_types.h:517:38" in finding.found


def test_a_macro_that_uses_its_argument_twice() -> None:
    (finding,) = failed(MACRO + MACRO.replace(":517:", ":519:")).findings
    assert finding.where == Where("my/sample.c", 18, 9)


CLANG = """\
../src/kernel/sample.c:16:2: error: static_assert failed due to requirement \
'!(sizeof (name) != 16)' "BUILD_BUG_ON failed: sizeof(name) != 16"
        get_comm(name);
        ^~~~~~~~~~~~~~
./../src/include/linux/a.h:2:28: note: expanded from macro 'get_comm'
#define get_comm(buf) do { BUILD_BUG_ON(sizeof(buf) != 16); } while (0)
                           ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
../src/kernel/sample.c:17:9: error: use of undeclared identifier 'vlaue'
        return vlaue;
               ^
2 errors generated.
"""


def test_messages_of_clang() -> None:
    """They begin where the macro is used; before version 17, lines have no numbers."""
    first, second = failed(CLANG).findings
    assert first.where == Where("my/sample.c", 6, 2)
    assert "BUILD_BUG_ON failed" in first.message
    assert first.found == "        get_comm(name);\n        ^~~~~~~~~~~~~~"
    assert second.where == Where("my/sample.c", 7, 9)
    assert second.found == "        return vlaue;\n               ^"


def test_error_in_a_macro_that_the_author_does_not_use() -> None:
    text = MACRO.replace("../src/kernel/sample.c:28", "../src/kernel/other.c:28")
    assert failed(text).findings[0].where == Where("include/linux/compiler_types.h", 517, 38)


def test_notes_of_another_message_lead_nowhere() -> None:
    text = (
        "../src/include/linux/a.h:7:1: error: first\n"
        "../src/include/linux/b.h:8:1: error: second\n"
        "../src/kernel/sample.c:28:9: note: in expansion of macro 'b'\n"
    )
    first, second = failed(text).findings
    assert first.where == Where("include/linux/a.h", 7, 1)
    assert second.where == Where("my/sample.c", 18, 9)


def test_each_error_once_and_the_hint_once() -> None:
    error = failed(MACRO + MACRO + "../src/kernel/sample.c:14:9: error: expected ';'\n")
    assert len(error.findings) == 2
    assert str(error).count("repeat it:") == 1


def test_paths_are_not_the_caches() -> None:
    error = failed(f"ld: {SOURCE}/kernel/sample.o: undefined reference\nmake: *** Error 1\n")
    assert "/cache/" not in (error.findings[0].found or "")


WARNING = """\
  CC      kernel/sample.o
../src/kernel/sample.c: In function 'do_sample':
../src/kernel/sample.c:18:19: warning: initialization of 'char *' from 'int' makes pointer from \
integer without a cast [-Wint-conversion]
   18 |         char *p = a;
      |                   ^
../src/include/linux/kern_levels.h:5:25: warning: format '%s' expects argument of type 'char *'
    5 | #define KERN_SOH        "\\001"
      |                         ^~~~~~
../src/include/linux/printk.h:501:26: note: in expansion of macro 'printk_index_wrap'
  501 | #define printk(fmt, ...) printk_index_wrap(_printk, fmt, ##__VA_ARGS__)
      |                          ^~~~~~~~~~~~~~~~~
../src/kernel/sample.c:24:9: note: in expansion of macro 'printk'
   24 |         printk("%s %d\\n", current->pid, a);
      |         ^~~~~~
  CC      kernel/fork.o
../src/kernel/fork.c:9:1: warning: of the kernel's own
"""


def test_warnings_about_the_authors_lines() -> None:
    found = warnings(WARNING, SOURCE, (BODY,))
    first, second = found["kernel/sample.c"]
    assert first.startswith("my/sample.c:8:19: warning: initialization of 'char *'")
    assert "    8 |         char *p = a;\n" in first
    assert second.startswith("my/sample.c:14:9: warning: format '%s'")
    assert "of the kernel's own" not in str(found)


def test_warnings_are_those_of_the_last_compilation(tmp_path: Path) -> None:
    """What is not compiled again is not warned of again, and still in the kernel."""
    objects = Objects(tmp_path, "key", "linux", silent)
    objects.prepare()
    objects.keep_warnings(warnings(WARNING, SOURCE, (BODY,)))
    objects.keep_warnings(warnings("  LD      vmlinux\n", SOURCE, (BODY,)))
    assert len(objects.warnings(["kernel/sample.c"])) == 2
    assert objects.warnings(["kernel/other.c"]) == ()
    objects.keep_warnings(warnings("  CC      kernel/sample.o\n", SOURCE, (BODY,)))
    assert objects.warnings(["kernel/sample.c"]) == ()
