// SPDX-License-Identifier: MIT
/*
 * Everything that clone() does, clone_nice() does. Each row of the table at the
 * end is run with both; the outcomes must be equal, and must be what clone(2)
 * promises.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clone_nice.h"
#include "ktap.h"

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

#define STACK_SIZE 65536
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | \
		      CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | \
		      CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

typedef int create_fn(int (*fn)(void *), void *stack, int flags, void *arg,
		      int *ptid, void *tls, int *ctid);

static int by_clone(int (*fn)(void *), void *stack, int flags, void *arg,
		    int *ptid, void *tls, int *ctid)
{
	return clone(fn, stack, flags, arg, ptid, tls, ctid);
}

static int by_clone_nice(int (*fn)(void *), void *stack, int flags, void *arg,
			 int *ptid, void *tls, int *ctid)
{
	return clone_nice(fn, stack, flags, arg, 0, ptid, tls, ctid);
}

/* What can be compared between two runs: no process IDs, no addresses. */
struct outcome {
	int error;	/* errno of the call, 0 if there is a child */
	int status;	/* as waitpid() gives it; -1 if there is nothing to wait for */
	int seen;	/* what the case looks at */
};

struct row {
	const char *name;
	struct outcome (*run)(create_fn *create, const struct row *row);
	int flags;
	int value;	/* an argument for the case */
	struct outcome expected;
};

static char stacks[8][STACK_SIZE] __attribute__((__aligned__(16)));

/* One TLS block per thread; its first word is its own address, as libc has it. */
struct thread_block {
	void *self;
	char room[1016];
};

static struct thread_block blocks[8];

static int shared;
static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

static char *top(int which)
{
	return stacks[which] + STACK_SIZE;
}

static void nap(int milliseconds)
{
	poll(NULL, 0, milliseconds);
}

static struct outcome nothing(int error)
{
	int left = waitpid(-1, NULL, __WALL | WNOHANG);

	/* A failed call leaves no child behind. */
	return (struct outcome){ error, -1, left == -1 && errno == ECHILD ? 0 : -1 };
}

static struct outcome finished(int pid, int seen)
{
	struct outcome outcome = { 0, -1, seen };

	if (waitpid(pid, &outcome.status, __WALL) != pid)
		outcome.status = -1;
	return outcome;
}

/* -- children ------------------------------------------------------------- */

static int return_value(void *arg)
{
	return *(int *)arg;
}

static int die_by_signal(void *arg)
{
	kill(getpid(), *(int *)arg);
	return 0;
}

static int write_memory(void *arg)
{
	nap(20);	/* a parent that does not wait would look too early */
	shared = *(int *)arg;
	return 0;
}

static int write_pipe(void *arg)
{
	nap(200);	/* an emulated parent takes its time to look */
	return write(*(int *)arg, "x", 1) != 1;
}

static int close_descriptor(void *arg)
{
	return close(*(int *)arg);
}

static int change_folder(void *arg)
{
	return chdir(arg);
}

static int compare_ids(void *arg)
{
	return getpid() == *(int *)arg ? 7 : 8;
}

static int tell_pid_is_one(void *arg)
{
	(void)arg;
	return getpid() == 1;
}

static int rename_host(void *arg)
{
	return sethostname(arg, strlen(arg));
}

#ifdef __x86_64__
#define PUSHED	8	/* x32 too */
#else
#define PUSHED	sizeof(void *)
#endif

static int tell_alignment(void *arg)
{
#if defined(__x86_64__) || defined(__i386__)
	/* The return address and the old frame's lie above the frame address. */
	uintptr_t top = (uintptr_t)__builtin_frame_address(0) + 2 * PUSHED;

	*(int *)arg = top & 15;
#else
	*(int *)arg = (uintptr_t)__builtin_frame_address(0) & (sizeof(void *) - 1);
#endif
	return 0;
}

static int tell_parent(void *arg)
{
	return getppid() == *(int *)arg;
}

static int tell_nice(void *arg)
{
	(void)arg;
	return getpriority(PRIO_PROCESS, 0) + 20;
}

struct thread_report {
	int pid;
	int tid;
	void *tls;
};

/* Where the kernel has put what clone() was given as tls. */
static void *own_tls(void)
{
#if defined(__powerpc64__)
	register void *tp __asm__ ("r13");

	__asm__ ("" : "=r" (tp));
	return tp;
#elif defined(__powerpc__)
	register void *tp __asm__ ("r2");

	__asm__ ("" : "=r" (tp));
	return tp;
#elif defined(__sparc__)
	register void *tp __asm__ ("g7");

	__asm__ ("" : "=r" (tp));
	return tp;
#elif defined(__m68k__)
	return (void *)syscall0(__NR_get_thread_area);
#else
	return __builtin_thread_pointer();
#endif
}

/* Runs without a libc of its own: neither errno nor locks. */
static int report_thread(void *arg)
{
	struct thread_report *report = arg;

	report->pid = (int)syscall0(__NR_getpid);
	report->tid = (int)syscall0(__NR_gettid);
	report->tls = own_tls();
	return 0;
}

/* -- cases ---------------------------------------------------------------- */

static struct outcome plain(create_fn *create, const struct row *row)
{
	int value = row->value;
	int pid = create(return_value, top(0), row->flags, &value, NULL, NULL, NULL);

	return pid < 0 ? nothing(errno) : finished(pid, 0);
}

static struct outcome without_function(create_fn *create, const struct row *row)
{
	int pid = create(NULL, top(0), row->flags, NULL, NULL, NULL, NULL);

	return pid < 0 ? nothing(errno) : finished(pid, 0);
}

static struct outcome without_stack(create_fn *create, const struct row *row)
{
	int pid = create(return_value, NULL, row->flags, NULL, NULL, NULL, NULL);

	return pid < 0 ? nothing(errno) : finished(pid, 0);
}

static struct outcome killed(create_fn *create, const struct row *row)
{
	int value = row->value;

	return finished(create(die_by_signal, top(0), row->flags, &value, NULL,
			       NULL, NULL), 0);
}

static struct outcome exit_signal(create_fn *create, const struct row *row)
{
	struct outcome outcome;
	int zero = 0;

	signals = 0;
	signal(row->value, count_signal);
	outcome = finished(create(return_value, top(0), row->flags, &zero, NULL,
				  NULL, NULL), 0);
	outcome.seen = signals;
	signal(row->value, SIG_DFL);
	return outcome;
}

/* Without an exit signal of SIGCHLD an ordinary wait does not see the child. */
static struct outcome plain_wait(create_fn *create, const struct row *row)
{
	int zero = 0;
	int pid = create(return_value, top(0), row->flags, &zero, NULL, NULL, NULL);
	int seen = waitpid(pid, NULL, 0) == pid ? 0 : errno;

	return seen ? finished(pid, seen) : (struct outcome){ 0, -1, 0 };
}

static struct outcome memory(create_fn *create, const struct row *row)
{
	int value = row->value;
	struct outcome outcome;
	int pid;

	shared = 0;
	pid = create(write_memory, top(0), row->flags, &value, NULL, NULL, NULL);
	if (row->flags & CLONE_VFORK)
		return finished(pid, shared);
	outcome = finished(pid, 0);
	outcome.seen = shared;
	return outcome;
}

/* A vfork-like parent goes on only when the child is gone. */
static struct outcome suspended(create_fn *create, const struct row *row)
{
	int ends[2];
	int pid, seen;
	char c;

	if (pipe2(ends, O_NONBLOCK))
		return nothing(errno);
	pid = create(write_pipe, top(0), row->flags, &ends[1], NULL, NULL, NULL);
	seen = read(ends[0], &c, 1) == 1;
	close(ends[0]);
	close(ends[1]);
	return finished(pid, seen);
}

static struct outcome descriptors(create_fn *create, const struct row *row)
{
	int fd = dup(0);
	struct outcome outcome = finished(create(close_descriptor, top(0), row->flags,
						 &fd, NULL, NULL, NULL), 0);

	outcome.seen = fcntl(fd, F_GETFD) >= 0;
	close(fd);
	return outcome;
}

static struct outcome folders(create_fn *create, const struct row *row)
{
	char before[PATH_MAX], after[PATH_MAX];
	struct outcome outcome;
	char folder[] = "/proc";

	if (!getcwd(before, sizeof(before)))
		return nothing(errno);
	outcome = finished(create(change_folder, top(0), row->flags, folder,
				  NULL, NULL, NULL), 0);
	outcome.seen = getcwd(after, sizeof(after)) && !strcmp(after, folder);
	if (chdir(before))
		outcome.seen = -1;
	return outcome;
}

static struct outcome parent_tid(create_fn *create, const struct row *row)
{
	int ptid = 0, zero = 0;
	int pid = create(return_value, top(0), row->flags, &zero, &ptid, NULL, NULL);

	return pid < 0 ? nothing(errno) : finished(pid, ptid == pid);
}

static struct outcome parent_tid_nowhere(create_fn *create, const struct row *row)
{
	int zero = 0;
	int pid = create(return_value, top(0), row->flags, &zero, (int *)1, NULL, NULL);

	return pid < 0 ? nothing(errno) : finished(pid, 0);
}

/* The child, which has memory of its own, finds its ID at ctid. */
static struct outcome child_tid(create_fn *create, const struct row *row)
{
	static int ctid;
	int pid;

	ctid = 0;
	pid = create(compare_ids, top(0), row->flags, &ctid, NULL, NULL, &ctid);
	return finished(pid, ctid == pid);
}

static struct outcome child_tid_cleared(create_fn *create, const struct row *row)
{
	static int ctid;
	struct outcome outcome;
	int zero = 0;

	ctid = 99;
	outcome = finished(create(return_value, top(0), row->flags, &zero, NULL,
				  NULL, &ctid), 0);
	outcome.seen = ctid;
	return outcome;
}

static struct outcome pidfd(create_fn *create, const struct row *row)
{
	struct outcome outcome = { 0, -1, 0 };
	int fd = -1, value = row->value;
	int pid = create(return_value, top(0), row->flags, &value, &fd, NULL, NULL);
	struct pollfd ready = { fd, POLLIN, 0 };
	siginfo_t info;

	if (pid < 0)
		return nothing(errno);
	memset(&info, 0, sizeof(info));
	if (poll(&ready, 1, 5000) == 1 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) &&
	    !waitid((idtype_t)P_PIDFD, fd, &info, WEXITED) && info.si_pid == pid)
		outcome.seen = info.si_status;
	close(fd);
	return outcome;
}

__attribute__((__unused__))
static struct outcome thread_pointer(create_fn *create, const struct row *row)
{
	static struct thread_report report;
	struct outcome outcome;

	blocks[0].self = &blocks[0];
	memset(&report, 0, sizeof(report));
	outcome = finished(create(report_thread, top(0), row->flags, &report, NULL,
				  &blocks[0], NULL), 0);
	outcome.seen = report.tls == &blocks[0];
	return outcome;
}

/* As pthread_create() does it, row->value threads at once. */
__attribute__((__unused__))
static struct outcome threads(create_fn *create, const struct row *row)
{
	static struct thread_report reports[8];
	static int ptids[8];
	static volatile int ctids[8];
	int tids[8], i, good = 0;

	memset(reports, 0, sizeof(reports));
	for (i = 0; i < row->value; i++) {
		blocks[i].self = &blocks[i];
		ctids[i] = 1;
		tids[i] = create(report_thread, top(i), row->flags, &reports[i],
				 &ptids[i], &blocks[i], (int *)&ctids[i]);
		if (tids[i] < 0)
			return nothing(errno);
	}
	for (i = 0; i < row->value; i++) {
		while (ctids[i])
			nap(1);
		good += reports[i].pid == getpid() && reports[i].tid == tids[i] &&
			ptids[i] == tids[i] && reports[i].tls == &blocks[i];
	}
	/* Threads are nobody's children. */
	return (struct outcome){ 0, nothing(0).seen, good };
}

/* CLONE_PARENT makes a sibling: our own parent's child, and not ours. */
static struct outcome sibling(create_fn *create, const struct row *row)
{
	struct outcome outcome = { 0, -1, -1 };
	int report[2], seen = -1, me = getpid();
	pid_t middle;
	int ends[2];

	if (pipe(ends))
		return nothing(errno);
	middle = fork();
	if (middle == 0) {
		report[0] = create(tell_parent, top(0), row->flags, &me, NULL, NULL, NULL);
		report[1] = waitpid(report[0], NULL, __WALL) == -1 ? errno : 0;
		_exit(write(ends[1], report, sizeof(report)) != sizeof(report));
	}
	if (read(ends[0], report, sizeof(report)) == sizeof(report)) {
		outcome = finished(report[0], 0);
		seen = report[1];
	}
	outcome.seen = seen;
	waitpid(middle, NULL, 0);
	close(ends[0]);
	close(ends[1]);
	return outcome;
}

static struct outcome first_process(create_fn *create, const struct row *row)
{
	int pid = create(tell_pid_is_one, top(0), row->flags, NULL, NULL, NULL, NULL);

	return pid < 0 ? nothing(errno) : finished(pid, 0);
}

static struct outcome host_name(create_fn *create, const struct row *row)
{
	char name[] = "somewhere-else", before[HOST_NAME_MAX + 1], after[HOST_NAME_MAX + 1];
	struct outcome outcome;

	gethostname(before, sizeof(before));
	outcome = finished(create(rename_host, top(0), row->flags, name, NULL, NULL,
				  NULL), 0);
	gethostname(after, sizeof(after));
	outcome.seen = !strcmp(before, after);
	return outcome;
}

/* row->value bytes off: the wrapper has to align, or the child's code may trap. */
__attribute__((__unused__))
static struct outcome misaligned(create_fn *create, const struct row *row)
{
	static int alignment;
	struct outcome outcome;

	alignment = -1;
	outcome = finished(create(tell_alignment, top(0) - row->value, row->flags,
				  &alignment, NULL, NULL, NULL), 0);
	outcome.seen = alignment;
	return outcome;
}

/* Without rights and with no process left to the user, as a child of our own. */
static struct outcome no_process_left(create_fn *create, const struct row *row)
{
	struct rlimit none = { 0, 0 };
	int status = -1, zero = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (setrlimit(RLIMIT_NPROC, &none) || setuid(65534))
			_exit(255);
		if (create(return_value, top(0), row->flags, &zero, NULL, NULL, NULL) >= 0)
			_exit(0);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	return (struct outcome){ 0, 0, WEXITSTATUS(status) };
}

/* Without rights, as a child of our own. */
static struct outcome unprivileged(create_fn *create, const struct row *row)
{
	int status = -1, zero = 0, child;
	pid_t pid = fork();

	if (pid == 0) {
		if (setuid(65534))
			_exit(255);
		child = create(return_value, top(0), row->flags, &zero, NULL, NULL, NULL);
		if (child < 0)
			_exit(errno);
		_exit(waitpid(child, NULL, __WALL) == child ? 0 : 254);
	}
	waitpid(pid, &status, 0);
	return (struct outcome){ 0, 0, WEXITSTATUS(status) };
}

static struct outcome nice_value(create_fn *create, const struct row *row)
{
	return finished(create(tell_nice, top(0), row->flags, NULL, NULL, NULL, NULL), 0);
}

static struct outcome one_after_the_other(create_fn *create, const struct row *row)
{
	struct outcome outcome = { 0, 0, 0 };
	int i;

	for (i = 0; i < row->value; i++) {
		int pid = create(return_value, top(0), row->flags, &i, NULL, NULL, NULL);
		struct outcome one = finished(pid, 0);

		outcome.seen += WIFEXITED(one.status) && WEXITSTATUS(one.status) == i;
	}
	return outcome;
}

#define EXITED(code) ((code) << 8)

static const struct row rows[] = {
	{ "exit status 0", plain, SIGCHLD, 0, { 0, EXITED(0), 0 } },
	{ "exit status 42", plain, SIGCHLD, 42, { 0, EXITED(42), 0 } },
	{ "exit status 255", plain, SIGCHLD, 255, { 0, EXITED(255), 0 } },
	{ "only eight bits of a result count", plain, SIGCHLD, 259, { 0, EXITED(3), 0 } },
	{ "a negative result", plain, SIGCHLD, -1, { 0, EXITED(255), 0 } },
	{ "death by SIGKILL", killed, SIGCHLD, SIGKILL, { 0, SIGKILL, 0 } },
	{ "death by SIGTERM", killed, SIGCHLD, SIGTERM, { 0, SIGTERM, 0 } },
	{ "SIGCHLD at the child's end", exit_signal, SIGCHLD, SIGCHLD, { 0, 0, 1 } },
	{ "SIGUSR1 at the child's end", exit_signal, SIGUSR1, SIGUSR1, { 0, 0, 1 } },
	{ "no signal at the child's end", exit_signal, 0, SIGCHLD, { 0, 0, 0 } },
	{ "wait() sees a child with SIGCHLD", plain_wait, SIGCHLD, 0, { 0, -1, 0 } },
	{ "wait() does not see one without", plain_wait, 0, 0, { 0, 0, ECHILD } },
	{ "memory is copied", memory, SIGCHLD, 5, { 0, 0, 0 } },
	{ "CLONE_VM shares memory", memory, CLONE_VM | SIGCHLD, 5, { 0, 0, 5 } },
	{ "CLONE_VM | CLONE_VFORK, as vfork", memory, CLONE_VM | CLONE_VFORK | SIGCHLD, 5,
	  { 0, 0, 5 } },
	{ "CLONE_VFORK suspends the parent", suspended, CLONE_VFORK | SIGCHLD, 0, { 0, 0, 1 } },
	{ "without it the parent goes on", suspended, SIGCHLD, 0, { 0, 0, 0 } },
	{ "descriptors are copied", descriptors, SIGCHLD, 0, { 0, 0, 1 } },
	{ "CLONE_FILES shares descriptors", descriptors, CLONE_FILES | SIGCHLD, 0, { 0, 0, 0 } },
	{ "the working folder is copied", folders, SIGCHLD, 0, { 0, 0, 0 } },
	{ "CLONE_FS shares the working folder", folders, CLONE_FS | SIGCHLD, 0, { 0, 0, 1 } },
	{ "CLONE_PARENT_SETTID", parent_tid, CLONE_PARENT_SETTID | SIGCHLD, 0, { 0, 0, 1 } },
	{ "ptid is left alone without it", parent_tid, SIGCHLD, 0, { 0, 0, 0 } },
	{ "a bad ptid does not prevent the child", parent_tid_nowhere,
	  CLONE_PARENT_SETTID | SIGCHLD, 0, { 0, 0, 0 } },
	{ "CLONE_CHILD_SETTID", child_tid, CLONE_CHILD_SETTID | SIGCHLD, 0, { 0, EXITED(7), 0 } },
	{ "ctid is left alone without it", child_tid, SIGCHLD, 0, { 0, EXITED(8), 0 } },
	{ "CLONE_CHILD_CLEARTID", child_tid_cleared, CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, 0,
	  { 0, 0, 0 } },
	{ "ctid stays without it", child_tid_cleared, CLONE_VM | SIGCHLD, 0, { 0, 0, 99 } },
	{ "CLONE_PIDFD", pidfd, CLONE_PIDFD | SIGCHLD, 33, { 0, -1, 33 } },
	{ "CLONE_PIDFD without a place for it", parent_tid_nowhere, CLONE_PIDFD | SIGCHLD, 0,
	  { EFAULT, -1, 0 } },
	{ "CLONE_PIDFD and CLONE_PARENT_SETTID", parent_tid,
	  CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, { EINVAL, -1, 0 } },
	{ "CLONE_PIDFD and CLONE_DETACHED", parent_tid, CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, 0,
	  { EINVAL, -1, 0 } },
#ifndef __i386__	/* there tls is not an address but describes a segment */
	{ "CLONE_SETTLS", thread_pointer, CLONE_VM | CLONE_VFORK | CLONE_SETTLS | SIGCHLD, 0,
	  { 0, 0, 1 } },
	{ "one thread", threads, THREAD_FLAGS, 1, { 0, 0, 1 } },
	{ "eight threads at once", threads, THREAD_FLAGS, 8, { 0, 0, 8 } },
#endif
	{ "CLONE_PARENT", sibling, CLONE_PARENT | SIGCHLD, 0, { 0, EXITED(1), ECHILD } },
	{ "CLONE_NEWPID", first_process, CLONE_NEWPID | SIGCHLD, 0, { 0, EXITED(1), 0 } },
	{ "CLONE_NEWUTS", host_name, CLONE_NEWUTS | SIGCHLD, 0, { 0, 0, 1 } },
	{ "the highest flag, CLONE_IO", plain, (int)CLONE_IO | SIGCHLD, 4, { 0, EXITED(4), 0 } },
	{ "CLONE_UNTRACED", plain, CLONE_UNTRACED | SIGCHLD, 4, { 0, EXITED(4), 0 } },
	{ "CLONE_SIGHAND without CLONE_VM", plain, CLONE_SIGHAND | SIGCHLD, 0,
	  { EINVAL, -1, 0 } },
	{ "CLONE_THREAD without CLONE_SIGHAND", plain, CLONE_THREAD | CLONE_VM, 0,
	  { EINVAL, -1, 0 } },
	{ "CLONE_NEWNS and CLONE_FS", plain, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0,
	  { EINVAL, -1, 0 } },
	{ "CLONE_NEWPID and CLONE_THREAD", plain,
	  CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, 0, { EINVAL, -1, 0 } },
	{ "a namespace without the right to it", unprivileged, CLONE_NEWUTS | SIGCHLD, 0,
	  { 0, 0, EPERM } },
	{ "an ordinary child without any right", unprivileged, SIGCHLD, 0, { 0, 0, 0 } },
	{ "no process left to the user", no_process_left, SIGCHLD, 0, { 0, 0, EAGAIN } },
	{ "no function", without_function, SIGCHLD, 0, { EINVAL, -1, 0 } },
	{ "no stack", without_stack, SIGCHLD, 0, { EINVAL, -1, 0 } },
#if !defined(__alpha__) && !defined(__m68k__)	/* where glibc's clone() does not align */
	{ "a stack that is 1 byte off", misaligned, CLONE_VM | CLONE_VFORK | SIGCHLD, 1,
	  { 0, 0, 0 } },
	{ "a stack that is 8 bytes off", misaligned, CLONE_VM | CLONE_VFORK | SIGCHLD, 8,
	  { 0, 0, 0 } },
#endif
	{ "the parent's nice value, if that is asked for", nice_value, SIGCHLD, 0,
	  { 0, EXITED(20), 0 } },
	{ "a hundred children, one after the other", one_after_the_other, SIGCHLD, 100,
	  { 0, 0, 100 } },
};

static int equal(struct outcome a, struct outcome b)
{
	return a.error == b.error && a.status == b.status && a.seen == b.seen;
}

int main(void)
{
	unsigned int count = sizeof(rows) / sizeof(rows[0]);
	unsigned int i;

	ktap_header(count);
	for (i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		struct outcome old = row->run(by_clone, row);
		struct outcome new = row->run(by_clone_nice, row);

		ktap_test(equal(old, new) && equal(old, row->expected), row->name,
			  "errno, status, seen: clone %d %#x %d, clone_nice %d %#x %d, "
			  "expected %d %#x %d", old.error, old.status, old.seen,
			  new.error, new.status, new.seen, row->expected.error,
			  row->expected.status, row->expected.seen);
	}
	return ktap_finish();
}
