// SPDX-License-Identifier: MIT
/* Who returns from a call that returns twice: with what, in which memory, and when. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fork_tell.h"
#include "ktap.h"
#include "twice_tell.h"
#include "vfork_tell.h"

/* gcc takes the registers of a trap for variables that the child might change. */
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wclobbered"
#endif

#define COOKIE (-0x12345678L)	/* which programs of 32 bits have to widen */
#define VFORK_LIKE (CLONE_VM | CLONE_VFORK)

static pid_t parent;
static __s64 told;
static volatile int shared;
static volatile pid_t own_id;
static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

/* Runs in the child, whose exit status is the first thing that is wrong, or 40. */
static int look(long returned)
{
	shared++;
	own_id = getpid();
	if (returned != 0)
		return 1;
	if (getpid() == parent || getppid() != parent)
		return 2;
	return told == COOKIE ? 40 : 3;
}

/* A parent that does not wait would look at what is shared too early. */
static int look_late(long returned)
{
	poll(NULL, 0, 200);
	return look(returned);
}

static int result_of(long pid)
{
	int status = -1;

	if (pid <= 0 || waitpid((pid_t)pid, &status, __WALL) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void reset(void)
{
	told = 0;
	shared = 0;
	own_id = -1;
	signals = 0;
}

static void test_copy(const char *name, long pid)
{
	int found = result_of(pid);

	ktap_test(found == 40 && pid != parent && shared == 0 && own_id == -1 && told == COOKIE,
		  name, "returned %ld, the child found %d, shared %d, told %lld", pid, found,
		  shared, (long long)told);
}

static void test_copies(void)
{
	long pid;

	reset();
	pid = fork_tell(SIGCHLD, COOKIE, &told);
	if (pid == 0 || getpid() != parent)
		_exit(look_late(pid));
	test_copy("fork: a child with a copy of our memory", pid);

	reset();
	pid = fork_tell_raw(SIGCHLD, COOKIE, &told);
	if (pid == 0 || getpid() != parent)
		_exit(look_late(pid));
	test_copy("fork: the raw call", pid);

	reset();
	pid = twice_tell(SIGCHLD, COOKIE, &told);
	if (pid == 0 || getpid() != parent)
		_exit(look_late(pid));
	test_copy("flags that share nothing", pid);
}

/* Goes on here only when the child is gone. */
static void test_waited(const char *name, long pid)
{
	int seen = shared;
	int found = result_of(pid);

	ktap_test(found == 40 && seen == 1 && own_id == pid && told == COOKIE, name,
		  "returned %ld, the child found %d as %d, shared %d, told %lld", pid, found,
		  own_id, seen, (long long)told);
}

static void test_vforks(void)
{
	long pid;

	reset();
	pid = vfork_tell(SIGCHLD, COOKIE, &told);
	if (pid == 0 || getpid() != parent)
		_exit(look_late(pid));
	test_waited("vfork: a child in our memory, for which we wait", pid);

	reset();
	pid = twice_tell(VFORK_LIKE | SIGCHLD, COOKIE, &told);
	if (pid == 0 || getpid() != parent)
		_exit(look_late(pid));
	test_waited("flags as of vfork", pid);
}

/* Without CLONE_VM we wait for a child with memory of its own, which tells by a pipe. */
static void test_waited_copy(void)
{
	ssize_t got = -1;
	int ends[2];
	char byte;
	long pid;

	if (pipe2(ends, O_NONBLOCK)) {
		ktap_test(0, "a child with a copy, for which we wait", "no pipe: errno %d", errno);
		return;
	}
	reset();
	pid = twice_tell(CLONE_VFORK | SIGCHLD, COOKIE, &told);
	if (pid == 0 || getpid() != parent) {
		int found = look_late(pid);

		_exit(write(ends[1], "x", 1) == 1 ? found : 4);
	}
	got = read(ends[0], &byte, 1);
	close(ends[0]);
	close(ends[1]);
	test_copy("a child with a copy", pid);
	ktap_test(got == 1, "for which we wait", "read gave %d", (int)got);
}

/* What the calls have over fork() and vfork(): a signal of the child's own at its end. */
static void test_signal(const char *name, long pid)
{
	int found = result_of(pid);
	int seen = signals;

	ktap_test(found == 40 && seen == 1, name, "the child found %d, %d signals", found, seen);
}

__attribute__((__noinline__))
static void test_signal_of_fork(void)
{
	long pid;

	reset();
	pid = fork_tell(SIGUSR1, COOKIE, &told);
	if (pid == 0)
		_exit(look(pid));
	test_signal("fork: the child's own signal", pid);
}

__attribute__((__noinline__))
static void test_signal_of_vfork(void)
{
	long pid;

	reset();
	pid = vfork_tell(SIGUSR1, COOKIE, &told);
	if (pid == 0)
		_exit(look(pid));
	test_signal("vfork: the child's own signal", pid);
}

static void test_signals(void)
{
	const struct sigaction act = { .sa_handler = count_signal, .sa_flags = SA_RESTART };

	sigaction(SIGUSR1, &act, NULL);
	test_signal_of_fork();
	test_signal_of_vfork();
}

/* Uses the stack where the callers of a caller have what they come back to. */
__attribute__((__noinline__))
static int overwrite(int depth)
{
	volatile char room[256];

	memset((char *)room, 0xa5, sizeof(room));
	if (depth > 0)
		return overwrite(depth - 1) + room[depth];
	return room[0];
}

/* Comes back with its sum only if its frame is as it was before the call. */
__attribute__((__noinline__))
static int sum_around_vfork(int first)
{
	volatile int values[8];
	int sum = 0;
	long pid;

	for (int i = 0; i < 8; i++)
		values[i] = first + i;
	pid = vfork_tell(SIGCHLD, COOKIE, &told);
	if (pid == 0) {
		overwrite(20);
		_exit(40);
	}
	if (result_of(pid) != 40)
		return -1;
	for (int i = 0; i < 8; i++)
		sum += values[i];
	return sum;
}

static void test_frames(void)
{
	int bad = -1, found = 0;

	for (int i = 0; i < 20 && bad < 0; i++) {
		found = sum_around_vfork(i);
		if (found != 8 * i + 28)
			bad = i;
	}
	ktap_test(bad < 0, "the child leaves our frames alone", "sum %d is %d", bad, found);
}

/* The compiler cannot know what comes out, and needs a register for it. */
static inline long opaque(long value)
{
	__asm__ volatile ("" : "+r" (value));
	return value;
}

/* Of these values there are more than any architecture has registers to keep them in. */
#define VALUES \
	long a = opaque(1), b = opaque(2), c = opaque(3), d = opaque(4), e = opaque(5), \
	     f = opaque(6), g = opaque(7), h = opaque(8), i = opaque(9), j = opaque(10), \
	     k = opaque(11), l = opaque(12), m = opaque(13), n = opaque(14), o = opaque(15), \
	     p = opaque(16)
#define VALUES_ARE_GOOD \
	(a == 1 && b == 2 && c == 3 && d == 4 && e == 5 && f == 6 && g == 7 && h == 8 && \
	 i == 9 && j == 10 && k == 11 && l == 12 && m == 13 && n == 14 && o == 15 && p == 16)

__attribute__((__noinline__))
static void test_registers_of_fork(void)
{
	VALUES;
	long pid = fork_tell(SIGCHLD, COOKIE, &told);
	int good = VALUES_ARE_GOOD;
	int found;

	if (pid == 0)
		_exit(good);
	found = result_of(pid);
	ktap_test(good && found == 1, "fork: registers are the same in the child",
		  "good in the parent: %d, in the child: %d", good, found);
}

/* None of the values changes after the call. */
__attribute__((__noinline__))
static void test_registers_of_vfork(void)
{
	VALUES;
	long pid = vfork_tell(SIGCHLD, COOKIE, &told);
	int good, found;

	if (pid == 0)
		_exit(VALUES_ARE_GOOD);
	good = VALUES_ARE_GOOD;
	found = result_of(pid);
	ktap_test(good && found == 1, "vfork: registers are the same in the child",
		  "good in the parent: %d, in the child: %d", good, found);
}

/* The parent goes on when the child's program starts, and the pipe's end is gone by then. */
static void test_execve(char *program)
{
	char *const argv[] = { program, (char *)"41", NULL };
	char *const envp[] = { NULL };
	int found, ends[2];
	ssize_t got;
	char byte;
	long pid;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK)) {
		ktap_test(0, "vfork and execve", "no pipe: errno %d", errno);
		return;
	}
	pid = vfork_tell(SIGCHLD, COOKIE, &told);
	if (pid == 0) {
		close(ends[0]);
		execve(program, argv, envp);
		_exit(1);
	}
	close(ends[1]);
	got = read(ends[0], &byte, 1);
	close(ends[0]);
	found = result_of(pid);
	ktap_test(found == 41 && got == 0, "vfork and execve", "status %d, read gave %d", found,
		  (int)got);
}

static void test_error(const char *name, long ret, int error)
{
	int found = errno;

	ktap_test(ret == -1 && found == error && waitpid(-1, NULL, __WALL) == -1 && errno == ECHILD,
		  name, "returned %ld with errno %d", ret, found);
}

static void test_errors(void)
{
	long ret;

	ret = fork_tell(1000, COOKIE, &told);
	test_error("fork: no signal, and no child", ret, EINVAL);
	ret = vfork_tell(1000, COOKIE, &told);
	test_error("vfork: no signal, and no child", ret, EINVAL);
	ret = vfork_tell(SIGCHLD, COOKIE, (__s64 *)16);
	test_error("vfork: a bad pointer, and no child", ret, EFAULT);
	ret = twice_tell(0x200, COOKIE, &told);
	test_error("a bad flag, and no child", ret, EINVAL);
	ktap_test(vfork_tell_raw(1000, COOKIE, &told) == -EINVAL, "an error of the raw call",
		  "no EINVAL");
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return atoi(argv[1]);
	parent = getpid();
	ktap_header(18);
	test_copies();
	test_vforks();
	test_waited_copy();
	test_signals();
	test_frames();
	test_registers_of_fork();
	test_registers_of_vfork();
	test_execve(argv[0]);
	test_errors();
	return ktap_finish();
}
