// SPDX-License-Identifier: MIT
/*
 * What a spawned child does before it executes its program. It may run in the parent's memory while
 * other threads of the parent hold any lock: it calls nothing but the kernel, and writes to nothing
 * but its stack, the report, and the plan's moves. It is compiled with options of its own, so that a
 * compiler calls nothing either.
 */
#include <asm/errno.h>
#include <asm/fcntl.h>
#include <asm/signal.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/resource.h>

#include "generated/bare_syscalls.h"
#include "spawn.h"
#include "spawn_calls.h"

/* include/uapi/linux/resource.h has it only in newer headers' company. */
#ifndef PRIO_PROCESS
#define PRIO_PROCESS 0
#endif
#ifndef __NR_close_range
#define __NR_close_range SYSCALL_NUMBER(436)
#endif
#ifndef __NR_fcntl
#define __NR_fcntl __NR_fcntl64
#endif
/* Where IDs of 16 bits came first, the calls for IDs of 32 bits have names of their own. */
#ifdef __NR_setresuid32
#define NR_SETRESUID __NR_setresuid32
#define NR_SETRESGID __NR_setresgid32
#define NR_SETGROUPS __NR_setgroups32
#else
#define NR_SETRESUID __NR_setresuid
#define NR_SETRESGID __NR_setresgid
#define NR_SETGROUPS __NR_setgroups
#endif

/* The kernel's own limit, NR_OPEN's default: include/uapi/linux/fs.h knows it as nr_open. */
#define FDS_AT_MOST (1U << 20)

/* Larger than any table's struct. */
union any_sigaction {
	struct sigaction action;
	unsigned char room[160];
};

static int is_wanted_default(const struct spawn_plan *plan, long signal)
{
	const unsigned int bit = (unsigned int)signal - 1, bits = 8 * sizeof(unsigned long);

	return plan->default_signals[bit / bits] >> bit % bits & 1;
}

/* Whether a signal has to be set back: it has a handler, or is ignored and is not to be. */
static long has_to_change(const struct spawn_plan *plan, long signal)
{
	union any_sigaction old;
	long ret;

	if (is_wanted_default(plan, signal))
		return 1;
	if (plan->handlers_are_reset)
		return 0;
	ret = syscall4(__NR_rt_sigaction, signal, 0, (long)&old, (long)plan->sigmask_bytes);
	if (ret)
		return ret;
	return old.action.sa_handler != SIG_DFL && old.action.sa_handler != SIG_IGN;
}

static long reset_handlers(const struct spawn_plan *plan)
{
	union any_sigaction fresh;
	volatile unsigned char *byte;
	long signal, ret;

	/* All zero is SIG_DFL without flags; volatile, or a compiler would call memset(). */
	for (byte = fresh.room; byte < fresh.room + sizeof(fresh.room); byte++)
		*byte = 0;
	for (signal = 1; signal <= (long)plan->sigmask_bytes * 8; signal++) {
		if (signal == SIGKILL || signal == SIGSTOP)
			continue;
		ret = has_to_change(plan, signal);
		if (ret > 0)
			ret = syscall4(__NR_rt_sigaction, signal, (long)&fresh, 0,
				       (long)plan->sigmask_bytes);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static long enter_cgroup(int folder)
{
	long fd = syscall4(__NR_openat, folder, (long)"cgroup.procs", O_WRONLY | O_CLOEXEC, 0);
	long ret;

	if (fd < 0)
		return fd;
	/* 0 is the process that writes. Documentation/admin-guide/cgroup-v2.rst */
	ret = syscall3(__NR_write, fd, (long)"0", 1);
	syscall1(__NR_close, fd);
	return ret < 0 ? ret : 0;
}

/* First out of each other's way, then each to its place: any permutation works. */
static long move_fds(struct spawn_plan *plan)
{
	unsigned int index;
	long ret;

	for (index = 0; index < plan->move_count; index++) {
		struct fd_move *move = &plan->moves[index];

		if (move->source == move->target || !is_target(plan, move->source))
			continue;
		ret = syscall3(__NR_fcntl, move->source, F_DUPFD_CLOEXEC, plan->above_targets);
		if (ret < 0)
			return ret;
		move->source = (int)ret;
	}
	for (index = 0; index < plan->move_count; index++) {
		struct fd_move *move = &plan->moves[index];

		/* The copy is not closed by exec; what stays in its place must not be either. */
		if (move->source == move->target)
			ret = syscall3(__NR_fcntl, move->target, F_SETFD, 0);
		else
			ret = syscall3(__NR_dup3, move->source, move->target, 0);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* Before Linux 5.9, one by one. */
static long close_each(const struct fd_range *range)
{
	struct {
		unsigned long long soft, hard;
	} limit;
	unsigned int fd;

	limit.hard = FDS_AT_MOST;
	syscall4(__NR_prlimit64, 0, RLIMIT_NOFILE, 0, (long)&limit);
	/* The limit may have been lowered behind descriptors that are open: take the hard one. */
	if (limit.hard > FDS_AT_MOST)
		limit.hard = FDS_AT_MOST;
	for (fd = range->first; fd <= range->last && fd < (unsigned int)limit.hard; fd++)
		syscall1(__NR_close, fd);
	return 0;
}

static long close_range(unsigned int first, unsigned int last)
{
	const struct fd_range range = { first, last };
	const long ret = syscall3(__NR_close_range, first, last, 0);

	return ret == -ENOSYS ? close_each(&range) : ret;
}

static long close_others(const struct spawn_plan *plan)
{
	const unsigned int kept = (unsigned int)plan->kept_fd;
	unsigned int index;
	long ret = 0;

	for (index = 0; index < plan->closed_count && !ret; index++) {
		const struct fd_range *range = &plan->closed[index];

		if (plan->kept_fd < 0 || kept < range->first || kept > range->last) {
			ret = close_range(range->first, range->last);
			continue;
		}
		if (kept > range->first)
			ret = close_range(range->first, kept - 1);
		if (kept < range->last && !ret)
			ret = close_range(kept + 1, range->last);
	}
	return ret;
}

static long set_ids(const struct spawn_plan *plan, enum spawn_step step)
{
	switch (step) {
	case STEP_GROUPS:
		return syscall2(NR_SETGROUPS, plan->group_count, (long)plan->groups);
	case STEP_GID:
		return syscall3(NR_SETRESGID, (long)plan->gid, (long)plan->gid, (long)plan->gid);
	default:
		return syscall3(NR_SETRESUID, (long)plan->uid, (long)plan->uid, (long)plan->uid);
	}
}

/* What exec says if the next candidate may be there all the same. */
static int try_next(long error)
{
	switch (-error) {
	case EACCES:
	case ENOENT:
	case ENOTDIR:
	case ESTALE:
	case ENODEV:
	case ETIMEDOUT:
		return 1;
	default:
		return 0;
	}
}

/* Comes back only if there is nothing to execute. */
static long execute(const struct spawn_plan *plan)
{
	const char *const *program;
	long denied = 0, ret = -ENOENT;

	for (program = plan->programs; *program; program++) {
		ret = syscall3(__NR_execve, (long)*program, (long)plan->argv, (long)plan->envp);
		if (!try_next(ret))
			return ret;
		/* A file that may not be executed says more than those that are not there. */
		if (ret == -EACCES)
			denied = ret;
	}
	return denied ? denied : ret;
}

/* What the parent writes comes before what the child writes itself. */
static long map_ids(const struct spawn_plan *plan)
{
	char byte;
	long ret;

	if (plan->go[0] >= 0) {
		/* Otherwise there would be no end for who has no parent any more. */
		syscall1(__NR_close, plan->go[1]);
		ret = syscall3(__NR_read, plan->go[0], (long)&byte, 1);
		syscall1(__NR_close, plan->go[0]);
		if (ret <= 0)
			return ret ? ret : -EPIPE;
	}
	return spawn_calls(plan, STEP_ID_MAPS);
}

static long take_step(struct spawn_plan *plan, enum spawn_step step)
{
	switch (step) {
	case STEP_SIGNALS:
		return reset_handlers(plan);
	case STEP_ID_MAPS:
		return map_ids(plan);
	case STEP_SETSID:
		return plan->setsid ? syscall0(__NR_setsid) : 0;
	case STEP_PROCESS_GROUP:
		return plan->process_group >= 0 ? syscall2(__NR_setpgid, 0, plan->process_group) : 0;
	case STEP_UMASK:
		return plan->umask >= 0 ? syscall1(__NR_umask, plan->umask) : 0;
	case STEP_NICE:
		return plan->set_nice ? syscall3(__NR_setpriority, PRIO_PROCESS, 0, plan->nice) : 0;
	case STEP_CGROUP:
		return plan->cgroup_fd >= 0 ? enter_cgroup(plan->cgroup_fd) : 0;
	case STEP_CWD:
		if (plan->cwd)
			return syscall1(__NR_chdir, (long)plan->cwd);
		return plan->cwd_fd >= 0 ? syscall1(__NR_fchdir, plan->cwd_fd) : 0;
	case STEP_FDS:
		return move_fds(plan);
	case STEP_GROUPS:
		return plan->set_groups ? set_ids(plan, step) : 0;
	case STEP_GID:
		return plan->gid >= 0 ? set_ids(plan, step) : 0;
	case STEP_UID:
		return plan->uid >= 0 ? set_ids(plan, step) : 0;
	case STEP_CLOSE:
		return close_others(plan);
	case STEP_SIGMASK:
		return syscall4(__NR_rt_sigprocmask, SIG_SETMASK, (long)plan->sigmask, 0,
				(long)plan->sigmask_bytes);
	case STEP_EXEC:
		return execute(plan);
	default:
		return spawn_calls(plan, step);
	}
}

int take_steps(struct spawn_plan *plan, int first, int last)
{
	int step;

	for (step = first; step <= last; step++) {
		const long ret = take_step(plan, (enum spawn_step)step);

		if (SYSCALL_FAILED(ret)) {
			plan->report->step = step;
			plan->report->error = (int)-ret;
			return 0;
		}
	}
	return 1;
}

int spawn_child(void *plan)
{
	take_steps((struct spawn_plan *)plan, STEP_SIGNALS, STEP_EXEC);
	return 127;
}
