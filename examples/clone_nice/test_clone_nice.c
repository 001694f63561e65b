// SPDX-License-Identifier: MIT
/* What clone_nice() adds to clone(): the nice value, before the child runs. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clone_nice.h"
#include "ktap.h"

static char stack[65536];

static char *stack_top(void)
{
	return stack + sizeof(stack);
}

/* Runs in the child: its nice value, moved to 0..39, as its exit status. */
static int tell_nice(void *arg)
{
	(void)arg;
	return getpriority(PRIO_PROCESS, 0) + 20;
}

static int store_nice(void *arg)
{
	*(int *)arg = getpriority(PRIO_PROCESS, 0);
	return 0;
}

static int result_of(long pid)
{
	int status = -1;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void test_wrapper(int nice, const char *name)
{
	int found = result_of(clone_nice(tell_nice, stack_top(), SIGCHLD, NULL,
					 nice, NULL, NULL, NULL));

	ktap_test(found == nice + 20, name, "the child told %d", found - 20);
}

static void test_raw(void)
{
	long pid = clone_nice_raw(SIGCHLD, NULL, NULL, NULL, 0, 9);
	int found;

	if (pid == 0)
		_exit(tell_nice(NULL));
	found = result_of(pid);
	ktap_test(found == 29, "the raw call returns twice",
		  "returned %ld, the child told %d", pid, found - 20);

	pid = clone_nice_call_raw(tell_nice, stack_top(), SIGCHLD, NULL, 11,
				  NULL, NULL, NULL);
	found = result_of(pid);
	ktap_test(found == 31, "the raw call starts on a new stack",
		  "returned %ld, the child told %d", pid, found - 20);
}

/* The compiler cannot know what comes out, and needs a register for it. */
static inline long opaque(long value)
{
	__asm__ volatile ("" : "+r" (value));
	return value;
}

/*
 * A child without a stack of its own goes on with its parent's registers, also
 * with those that an ordinary call does not save. There are more values here
 * than any architecture has such registers.
 */
static void test_registers(void)
{
	long a = opaque(1), b = opaque(2), c = opaque(3), d = opaque(4);
	long e = opaque(5), f = opaque(6), g = opaque(7), h = opaque(8);
	long i = opaque(9), j = opaque(10), k = opaque(11), l = opaque(12);
	long m = opaque(13), n = opaque(14), o = opaque(15), p = opaque(16);
	long pid = clone_nice_raw(SIGCHLD, NULL, NULL, NULL, 0, 0);
	int good = a == 1 && b == 2 && c == 3 && d == 4 && e == 5 && f == 6 &&
		   g == 7 && h == 8 && i == 9 && j == 10 && k == 11 && l == 12 &&
		   m == 13 && n == 14 && o == 15 && p == 16;
	int found;

	if (pid == 0)
		_exit(good);
	found = result_of(pid);
	ktap_test(good && found == 1, "registers are the same in the child",
		  "good in the parent: %d, in the child: %d", good, found);
}

static void test_error(int nice, int error, const char *name)
{
	int pid, found;

	errno = 0;
	pid = clone_nice(tell_nice, stack_top(), SIGCHLD, NULL, nice, NULL,
			 NULL, NULL);
	found = errno;
	ktap_test(pid == -1 && found == error &&
		  waitpid(-1, NULL, 0) == -1 && errno == ECHILD,
		  name, "returned %d with errno %d", pid, found);
}

static void test_null(void)
{
	errno = 0;
	ktap_test(clone_nice(NULL, stack_top(), SIGCHLD, NULL, 0, NULL, NULL,
			     NULL) == -1 && errno == EINVAL,
		  "a null function is refused", "errno %d", errno);
	errno = 0;
	ktap_test(clone_nice(tell_nice, NULL, SIGCHLD, NULL, 0, NULL, NULL,
			     NULL) == -1 && errno == EINVAL,
		  "a null stack is refused", "errno %d", errno);
}

/* The nice value belongs to the child alone, and to a thread as to a process. */
static void test_whose(void)
{
	static char thread_stack[16384];	/* in use until the thread is gone */
	static int told;
	long ret;

	test_wrapper(13, "nice 13");
	ktap_test(getpriority(PRIO_PROCESS, 0) == 0, "the parent keeps its own",
		  "it has %d", getpriority(PRIO_PROCESS, 0));

	told = -1;
	ret = clone_nice(store_nice, stack_top(), CLONE_VM | CLONE_VFORK | SIGCHLD,
			 &told, 14, NULL, NULL, NULL);
	ktap_test(result_of(ret) == 0 && told == 14, "a child as of vfork",
		  "returned %ld, the child told %d", ret, told);

	told = -1;
	ret = clone_nice(store_nice, thread_stack + sizeof(thread_stack),
			 CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, &told, 15, NULL,
			 NULL, NULL);
	while (ret > 0 && *(volatile int *)&told == -1)
		sched_yield();
	ktap_test(told == 15 && getpriority(PRIO_PROCESS, 0) == 0,
		  "a thread, and only this one",
		  "returned %ld, the thread told %d", ret, told);
}

/*
 * SCHED_RESET_ON_FORK gives a child of a process with a nice value below 0 the
 * value 0: what lies between needs the right, what clone() gives does not.
 */
static int reset_on_fork(void *arg)
{
	const struct sched_param none = { 0 };
	int found;

	(void)arg;
	if (setpriority(PRIO_PROCESS, 0, -5) ||
	    sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none) ||
	    setuid(65534))
		return 1;
	if (result_of(clone_nice(tell_nice, stack_top() - 32768, SIGCHLD, NULL, 0,
				 NULL, NULL, NULL)) != 20)
		return 2;
	found = clone_nice(tell_nice, stack_top() - 32768, SIGCHLD, NULL, -1,
			   NULL, NULL, NULL);
	return found == -1 && errno == EACCES ? 0 : 3;
}

static void test_reset_on_fork(void)
{
	int found = result_of(clone_nice(reset_on_fork, stack_top(), SIGCHLD, NULL,
					 0, NULL, NULL, NULL));

	ktap_test(found == 0, "with SCHED_RESET_ON_FORK, 0 is what clone gives",
		  "failed at step %d", found);
}

static void test_without_right(void)
{
	/* RLIMIT_NICE 20 - n lets everybody go down to nice n. */
	const struct rlimit down_to_3 = { 17, 17 };

	if (setpriority(PRIO_PROCESS, 0, 5) || setrlimit(RLIMIT_NICE, &down_to_3) ||
	    setuid(65534)) {
		ktap_test(0, "gives its rights up", "errno %d", errno);
		return;
	}
	test_wrapper(3, "RLIMIT_NICE allows a better nice value");
	test_error(2, EACCES, "and no better one than it says");
	test_wrapper(15, "everybody may have a worse one");
}

int main(void)
{
	ktap_header(19);
	test_wrapper(0, "nice 0");
	test_wrapper(5, "nice 5");
	test_wrapper(19, "nice 19");
	test_wrapper(-20, "nice -20");
	test_raw();
	test_registers();
	test_error(20, EINVAL, "20 is out of range and makes no child");
	test_error(-21, EINVAL, "-21 is out of range and makes no child");
	test_whose();
	test_null();
	test_reset_on_fork();
	test_without_right();
	return ktap_finish();
}
