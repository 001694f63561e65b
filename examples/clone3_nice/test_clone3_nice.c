// SPDX-License-Identifier: MIT
/* What clone3_nice() adds to clone3(), and the forms of its wrapper. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clone3_nice.h"
#include "ktap.h"

/* From <linux/sched.h>, which the header includes. */
#define VFORK_LIKE (CLONE_VM | CLONE_VFORK)

static char stack[65536];
static int told;
static volatile int told_nice;
static int on_stack;

/* Runs in the child: its nice value, moved to 0..39, as its exit status. */
static int tell_nice(void *arg)
{
	told = *(int *)arg;
	return getpriority(PRIO_PROCESS, 0) + 20;
}

static int result_of(long pid)
{
	int status = -1;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* A child on a stack that is aligned at neither end. */
static int run_child(unsigned long long flags, size_t size, int nice)
{
	int value = 5;
	struct clone_args args = {
		.flags = flags,
		.exit_signal = SIGCHLD,
		.stack = (unsigned long)stack + 1,
		.stack_size = sizeof(stack) - 6,
	};

	told = 0;
	return clone3_nice(&args, size, tell_nice, &value, nice);
}

static void test_children(void)
{
	int found = result_of(run_child(0, sizeof(struct clone_args), 7));

	ktap_test(found == 27 && told == 0, "a child with memory of its own",
		  "it told %d, told is %d", found - 20, told);
	found = result_of(run_child(VFORK_LIKE, sizeof(struct clone_args), 8));
	ktap_test(found == 28 && told == 5, "a child in our memory",
		  "it told %d, told is %d", found - 20, told);
	found = result_of(run_child(0, 64, 9));
	ktap_test(found == 29, "the first version of the struct",
		  "it told %d", found - 20);
	found = result_of(run_child(0, sizeof(struct clone_args), -3));
	ktap_test(found == 17, "a better nice value", "it told %d", found - 20);
	ktap_test(getpriority(PRIO_PROCESS, 0) == 0, "the parent keeps its own",
		  "it has %d", getpriority(PRIO_PROCESS, 0));
}

static int look_at_stack(void *arg)
{
	char *here = __builtin_frame_address(0);

	on_stack = here >= stack && here < stack + sizeof(stack);
	sched_yield();	/* a parent that does not wait would look too early */
	told = *(int *)arg;
	return 3;
}

static int store_nice(void *arg)
{
	told_nice = getpriority(PRIO_PROCESS, 0);
	*(volatile int *)&told = *(int *)arg;	/* the last thing */
	return 0;
}

/* A child in our memory, on the struct's stack and with an ID that we get. */
static void test_shared(void)
{
	int value = 6, found, seen;
	pid_t parent_tid = -1;
	struct clone_args args = {
		.flags = VFORK_LIKE | CLONE_PARENT_SETTID,
		.parent_tid = (unsigned long)&parent_tid,
		.exit_signal = SIGCHLD,
		.stack = (unsigned long)stack,
		.stack_size = sizeof(stack),
	};
	const struct clone_args before = args;
	long pid;

	told = on_stack = -1;
	pid = clone3_nice(&args, sizeof(args), look_at_stack, &value, 0);
	seen = told;
	found = result_of(pid);
	ktap_test(found == 3 && seen == 6 && on_stack == 1 && parent_tid == pid,
		  "we wait for a child on the stack that it got",
		  "status %d, told %d, on the stack %d, returned %ld, tid %d", found,
		  seen, on_stack, pid, (int)parent_tid);
	ktap_test(!memcmp(&args, &before, sizeof(args)), "the struct stays as it is",
		  "stack %llx, size %llx", (unsigned long long)args.stack,
		  (unsigned long long)args.stack_size);

	told = -1;
	told_nice = -30;
	args.flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
	args.exit_signal = 0;
	pid = clone3_nice(&args, sizeof(args), store_nice, &value, 12);
	while (pid > 0 && *(volatile int *)&told == -1)
		sched_yield();
	ktap_test(*(volatile int *)&told == 6 && told_nice == 12 && getpriority(PRIO_PROCESS, 0) == 0,
		  "a thread, and only this one", "returned %ld, it told %d", pid,
		  told_nice);
	/* The stack is in use until the thread is gone. */
	while (pid > 0 && syscall(SYS_tgkill, getpid(), (pid_t)pid, 0) == 0)
		sched_yield();
}

/* Without a stack, the child goes on with a copy of ours. */
static void test_raw(void)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	int value = 5, found;
	long pid = clone3_nice_raw(&args, sizeof(args), 11);

	if (pid == 0)
		_exit(tell_nice(&value));
	found = result_of(pid);
	ktap_test(found == 31, "the raw call returns twice",
		  "returned %ld, the child told %d", pid, found - 20);
	pid = clone3_nice_raw(&args, 8, 0);
	ktap_test(pid == -EINVAL, "a struct that ends too early",
		  "returned %ld", pid);
}

static void test_error(int nice, int error, const char *name)
{
	int pid, found;

	errno = 0;
	pid = run_child(0, sizeof(struct clone_args), nice);
	found = errno;
	ktap_test(pid == -1 && found == error &&
		  waitpid(-1, NULL, 0) == -1 && errno == ECHILD,
		  name, "returned %d with errno %d", pid, found);
}

int main(void)
{
	ktap_header(13);
	test_children();
	test_shared();
	test_raw();
	test_error(20, EINVAL, "20 is out of range and makes no child");
	test_error(-21, EINVAL, "-21 is out of range and makes no child");
	if (setuid(65534))
		ktap_test(0, "gives its rights up", "errno %d", errno);
	else
		test_error(-1, EACCES, "who has no right makes no child");
	return ktap_finish();
}
