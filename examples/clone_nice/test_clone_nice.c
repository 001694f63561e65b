// SPDX-License-Identifier: MIT
/* What clone_nice() adds to clone(): the nice value, before the child runs. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
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

static void test_without_right(void)
{
	if (setpriority(PRIO_PROCESS, 0, 5) || setuid(65534)) {
		ktap_test(0, "gives its rights up", "errno %d", errno);
		return;
	}
	test_error(0, EACCES, "without the right there is no better nice value");
	test_wrapper(15, "everybody may have a worse one");
}

int main(void)
{
	ktap_header(12);
	test_wrapper(0, "nice 0");
	test_wrapper(5, "nice 5");
	test_wrapper(19, "nice 19");
	test_wrapper(-20, "nice -20");
	test_raw();
	test_error(20, EINVAL, "20 is out of range and makes no child");
	test_error(-21, EINVAL, "-21 is out of range and makes no child");
	test_null();
	test_without_right();
	return ktap_finish();
}
