// SPDX-License-Identifier: MIT
/*
 * The same program on every ABI: every arity with each argument seen in its
 * place, errors, large results, 64-bit arguments, and the clone family.
 *
 * The wrappers under test are generated ones, with the numbers of calls that
 * every kernel has. NATIVE is defined where a kernel runs the program, and not
 * an emulator that has rules of its own for clone(2).
 */
#include <asm/errno.h>
#include <asm/fcntl.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <linux/wait.h>

#define __NR_proof_clone __NR_clone
#ifdef __NR_ftruncate64
#define __NR_proof_length __NR_ftruncate64
#else
#define __NR_proof_length __NR_ftruncate
#endif
#define __NR_proof_read __NR_pread64
#define __NR_proof_twice __NR_clone
#ifdef __NR_clone3
#define __NR_proof_clone3 __NR_clone3
#endif

#if __STDC_HOSTED__
#include "proof_clone.h"
#include "proof_clone3.h"
#include "proof_length.h"
#include "proof_read.h"
#include "proof_twice.h"
#endif
#include "proof_clone_raw.h"
#include "proof_clone3_raw.h"
#include "proof_length_raw.h"
#include "proof_read_raw.h"
#include "proof_twice_raw.h"
#include "probe.h"
#include "probe_defaults.h"
#include "report.h"
#include "plain_calls.h"

#define THREADS 8
#define STACK_BYTES 65536UL
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | \
		      CLONE_THREAD | CLONE_SYSVSEM)

static char stacks[THREADS][STACK_BYTES] __attribute__((__aligned__(64)));

/* Where a child starts: at the end of its memory that it grows away from. */
static void *start_of(int index)
{
	return stacks[index] + (PROBE_STACK_GROWS_UP ? 0 : STACK_BYTES);
}

/* A stack that no ABI would call aligned. */
static void *misaligned(int index, unsigned long by)
{
	char *start = (char *)start_of(index);

	return PROBE_STACK_GROWS_UP ? start + by : start - by;
}

/* Returns the child's exit status, or a number below 0 that says what went wrong. */
static long exit_of(long pid)
{
	siginfo_t info;
	long ret;

	if (pid <= 0)
		return -1000 + pid;
	info.si_signo = 0;
	ret = syscall5(__NR_waitid, P_PID, pid, (unsigned long)&info, WEXITED | __WALL, 0);
	if (ret)
		return -2000 + ret;
	return info.si_code == CLD_EXITED ? info.si_status : -3000 - info.si_code;
}

/* Runs in children: ends with its argument. */
static int give_back(void *arg)
{
	return (int)(long)arg;
}

static void test_exit_status(void)
{
	int status, bad = -1;

	for (status = 0; status < 256; status++) {
		long pid = proof_clone_call_raw(give_back, misaligned(0, (unsigned long)status % 64),
						SIGCHLD, (void *)(long)status, 0, (int *)0,
						(void *)0, (int *)0);

		if (exit_of(pid) != status) {
			bad = status;
			break;
		}
	}
	report(bad < 0, "256 children, one after the other, each with its exit status", bad);
}

/* Every bit of a pointer. */
#define PATTERN ((void *)(sizeof(void *) == 8 ? 0xfedcba9876543210ULL : 0xfedcba98UL))

struct seen {
	long tid;
	void *arg;
	unsigned long tls;
	long ctid;
	int aligned;
};

static struct seen seen[THREADS];
static volatile int started[THREADS];
static int ptids[THREADS], ctids[THREADS];
static PROBE_TLS_AREA tls_areas[THREADS];

/* Whether a variable that the compiler thinks aligned is aligned. */
static int is_aligned(void)
{
	long double local = 0;
	void *volatile address = &local;

	return (unsigned long)address % __alignof__(long double) == 0;
}

static int check_arg(void *arg)
{
	return arg == PATTERN && is_aligned() ? 42 : 1;
}

/* The emulator forgets the parent's copy if the child has its own memory. */
static int parent_told(long pid)
{
#ifdef NATIVE
	return ptids[0] == pid;
#else
	return pid > 0;
#endif
}

static int fork_child(void *arg)
{
	const long tid = syscall0(__NR_gettid);

	(void)arg;
	return ctids[0] == tid ? 43 : 2;
}

static void test_fork_like(void)
{
	long pid = proof_clone_call_raw(check_arg, misaligned(0, 3), SIGCHLD, PATTERN, 0, (int *)0,
					(void *)0, (int *)0);
	long found = exit_of(pid);

	report(found == 42, "arg is as wide as a pointer, and the stack is aligned", found);

	ptids[0] = ctids[0] = -1;
	pid = proof_clone_call_raw(fork_child, start_of(0),
				   SIGCHLD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID, (void *)0, 0,
				   &ptids[0], (void *)0, &ctids[0]);
	found = exit_of(pid);
	report(found == 43 && parent_told(pid) && ctids[0] == -1,
	       "ptid is the parent's, ctid the child's", found);

	pid = proof_clone_raw(SIGCHLD, (void *)0, (int *)0, (int *)0, 0, 0);
	if (pid == 0)
		syscall1(__NR_exit, 44);
	found = exit_of(pid);
	report(found == 44, "the raw call returns twice", found);

#ifdef __NR_fork
	pid = fork_syscall0(__NR_fork);
	if (pid == 0)
		syscall1(__NR_exit, 46);
	found = exit_of(pid);
	report(found == 46, "a call without arguments returns twice", found);
#endif

	ptids[0] = ctids[0] = -1;
	pid = proof_clone_raw(SIGCHLD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID, (void *)0, &ptids[0],
			      &ctids[0], 0, 0);
	if (pid == 0)
		syscall1(__NR_exit, ctids[0] == syscall0(__NR_gettid) ? 45 : 3);
	found = exit_of(pid);
	report(found == 45 && parent_told(pid) && ctids[0] == -1,
	       "the raw call knows the places of its arguments", found);
}

static volatile int shared;

static int store_shared(void *arg)
{
	shared = (int)(long)arg;
	return 46;
}

static void test_vfork_like(void)
{
	long pid, found;

	shared = 0;
	pid = proof_clone_call_raw(store_shared, start_of(0), CLONE_VM | CLONE_VFORK | SIGCHLD,
				   (void *)47, 0, (int *)0, (void *)0, (int *)0);
#ifdef NATIVE
	found = shared;
	report(pid > 0 && found == 47, "a vfork-like child runs first, in our memory", found);
#else
	report_skip("a vfork-like child runs first, in our memory", "the emulator forks");
#endif
	found = exit_of(pid);
	report(found == 46, "a vfork-like child ends", found);

	/* On our own stack, whose frames the child must not give back. */
	pid = proof_clone_raw(CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)0, (int *)0, (int *)0, 0, 0);
	if (pid == 0)
		syscall1(__NR_exit, 49);
	found = exit_of(pid);
	report(found == 49, "the raw call can be vfork-like", found);
}

/* Writes over what lies below the caller's frame. */
__attribute__((__noinline__)) static int overwrite(int depth)
{
	volatile char bytes[64];
	unsigned int index;

	for (index = 0; index < sizeof(bytes); index++)
		bytes[index] = 0x41;
	return depth ? overwrite(depth - 1) + bytes[3] : bytes[5];
}

#if __STDC_HOSTED__
#define TWICE proof_twice
#else
#define TWICE(first, second) proof_twice_raw(first, second, 0, 0, 0)
#endif

/* The child runs in our frame, and we go on in it. */
__attribute__((__noinline__)) static long child_on_our_stack(unsigned long flags)
{
	long pid = PROBE_CLONE_STACK_FIRST ? TWICE(0, flags) : TWICE(flags, 0);

	if (pid == 0)
		syscall1(__NR_exit, overwrite(8) ? 52 : 1);
	return pid;
}

static void test_on_our_stack(void)
{
	long found = exit_of(child_on_our_stack(CLONE_VM | CLONE_VFORK | SIGCHLD));

	report(found == 52, "a wrapper that returns twice, in our memory", found);
	found = exit_of(child_on_our_stack(SIGCHLD));
	report(found == 52, "a wrapper that returns twice, in a copy of it", found);
	found = child_on_our_stack(CLONE_THREAD | SIGCHLD);
#if __STDC_HOSTED__
	report(found == -1 && errno == EINVAL, "and its error", found);
#else
	report(found == -EINVAL, "and its error", found);
#endif
}

#include "clone3_calls.h"

static int thread(void *arg)
{
	const int index = (int)((struct seen *)arg - seen);
	struct seen *mine = &seen[index];
	int other;

	mine->arg = arg;
	mine->tid = syscall0(__NR_gettid);
	mine->tls = probe_thread_pointer();
	mine->ctid = ctids[index];
	mine->aligned = is_aligned();
	started[index] = 1;
	/* All of them are there at once. */
	for (other = 0; other < THREADS; other++)
		while (!started[other])
			syscall0(__NR_sched_yield);
	return 0;
}

static void test_threads(void)
{
	long tids[THREADS];
	int index, bad = -1;

	for (index = 0; index < THREADS; index++) {
		void *tls = probe_tls(&tls_areas[index]);

		ptids[index] = ctids[index] = -1;
		tids[index] = proof_clone_call_raw(thread, misaligned(index, (unsigned long)index * 5),
						   THREAD_FLAGS | CLONE_SETTLS | CLONE_PARENT_SETTID |
						   CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID,
						   &seen[index], 0, &ptids[index], tls,
						   &ctids[index]);
		if (tids[index] <= 0) {
			report(0, "8 threads start", tids[index]);
			syscall1(__NR_exit_group, 1);
		}
		/* Cleared when the thread has gone; not before all have met. */
	}
	for (index = 0; index < THREADS; index++)
		while (*(volatile int *)&ctids[index] != 0)
			syscall0(__NR_sched_yield);

	for (index = 0; index < THREADS; index++)
		if (seen[index].arg != &seen[index] || seen[index].tid != tids[index])
			bad = index;
	report(bad < 0, "8 threads at once, each with its arg", bad);
	for (index = 0; index < THREADS; index++)
		if (ptids[index] != tids[index])
			bad = index;
	report(bad < 0, "ptid arrives", bad);
	for (index = 0; index < THREADS; index++)
		if (seen[index].ctid != tids[index])
			bad = index;
	report(bad < 0, "ctid arrives", bad);
	for (index = 0; index < THREADS; index++)
		if (seen[index].tls != probe_tls_value(&tls_areas[index]))
			bad = index;
	report(bad < 0, "tls arrives", bad);
	for (index = 0; index < THREADS; index++)
		if (!seen[index].aligned)
			bad = index;
	report(bad < 0, "every thread's stack is aligned", bad);
}

static void test_null(void)
{
	long by, ret = 0;

	report(proof_clone_call_raw((int (*)(void *))0, start_of(0), SIGCHLD, (void *)0, 0, (int *)0,
				    (void *)0, (int *)0) == -EINVAL, "a null function", 0);
	for (by = 0; by < PROBE_STACK_ALIGNMENT; by++) {
		void *stack = (void *)(PROBE_STACK_GROWS_UP ? -by : by);

		ret = proof_clone_call_raw(give_back, stack, SIGCHLD, (void *)0, 0, (int *)0,
					   (void *)0, (int *)0);
		if (ret != -EINVAL)
			break;
	}
	report(ret == -EINVAL, "a null stack, and one that alignment makes null", ret);
	ret = proof_clone_call_raw(give_back, start_of(0), CLONE_THREAD, (void *)0, 0, (int *)0,
				   (void *)0, (int *)0);
	report(ret == -EINVAL, "the kernel's own error comes back", ret);
}

#if __STDC_HOSTED__
/* From libgcc; <unwind.h> would bring headers that the kernel's disagree with. */
struct _Unwind_Context;
int _Unwind_Backtrace(int (*trace)(struct _Unwind_Context *, void *), void *data);

static int count_frame(struct _Unwind_Context *context, void *data)
{
	(void)context;
	return ++*(int *)data < 50 ? 0 : 9;
}

__attribute__((__noinline__)) static int count_frames(void *arg)
{
	int frames = 0;

	(void)arg;
	_Unwind_Backtrace(count_frame, &frames);
	return frames;
}

static void test_libc(void)
{
	long found;
	int ret;

	errno = 0;
	ret = proof_clone(give_back, start_of(0), CLONE_THREAD, (void *)0, 0, (int *)0, (void *)0,
			  (int *)0);
	report(ret == -1 && errno == EINVAL, "the parent's errno is set", errno);
	errno = 0;
	ret = proof_clone((int (*)(void *))0, start_of(0), SIGCHLD, (void *)0, 0, (int *)0, (void *)0,
			  (int *)0);
	report(ret == -1 && errno == EINVAL, "and for a null function", errno);
	ret = proof_clone(give_back, start_of(0), SIGCHLD, (void *)48, 0, (int *)0, (void *)0,
			  (int *)0);
	found = exit_of(ret);
	report(found == 48, "the wrapper over libc starts a child", found);

	/* Nothing lies behind this stack: who reads there dies. */
	found = exit_of(proof_clone(count_frames, start_of(PROBE_STACK_GROWS_UP ? 0 : THREADS - 1),
				    SIGCHLD, (void *)0, 0, (int *)0, (void *)0, (int *)0));
	report(found >= 0 && found < 5, "a backtrace ends in the child", found);
}
#endif

int main(void)
{
	put("KTAP version 1\n");
	test_arity();
	test_results();
	test_wide();
	test_null();
	test_fork_like();
	test_exit_status();
	test_vfork_like();
	test_on_our_stack();
	test_clone3();
	test_threads();
#if __STDC_HOSTED__
	test_libc();
#endif
	return report_end();
}
