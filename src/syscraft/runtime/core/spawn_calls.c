// SPDX-License-Identifier: MIT
/* The steps of a spawned child that consist of prepared calls. The rules of spawn_child.c hold. */
#include "spawn_calls.h"

#include <asm/errno.h>
#include <asm/fcntl.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>

#include "generated/bare_syscalls.h"

static long write_file(const long *arguments)
{
	const long fd = syscall4(__NR_openat, AT_FDCWD, arguments[0], O_WRONLY | O_CLOEXEC, 0);
	long ret;

	if (fd < 0)
		return fd;
	ret = syscall3(__NR_write, fd, arguments[1], arguments[2]);
	syscall1(__NR_close, fd);
	return ret;
}

static long number_of(int kind)
{
	switch (kind) {
	case CALL_PRLIMIT:
		return __NR_prlimit64;
	case CALL_PRCTL:
		return __NR_prctl;
	case CALL_IOCTL:
		return __NR_ioctl;
	case CALL_CAPSET:
		return __NR_capset;
	case CALL_SETAFFINITY:
		return __NR_sched_setaffinity;
	case CALL_SETSCHEDULER:
		return __NR_sched_setscheduler;
	case CALL_SETNS:
		return __NR_setns;
	case CALL_CHROOT:
		return __NR_chroot;
	default:
		return __NR_chdir;
	}
}

static long make_call(const struct spawn_call *call)
{
	const long *arguments = call->arguments;

	if (call->kind == CALL_WRITE_FILE)
		return write_file(arguments);
	if (call->kind == CALL_CHECK_PARENT)
		return syscall0(__NR_getppid) == arguments[0] ? 0 : -ESRCH;
	return syscall5(number_of(call->kind), arguments[0], arguments[1], arguments[2],
			arguments[3], arguments[4]);
}

long spawn_calls(const struct spawn_plan *plan, int step)
{
	unsigned int index;

	for (index = 0; index < plan->call_count; index++) {
		long ret;

		if (plan->calls[index].step != step)
			continue;
		ret = make_call(&plan->calls[index]);
		if (SYSCALL_FAILED(ret))
			return ret;
	}
	return 0;
}
