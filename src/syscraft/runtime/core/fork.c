// SPDX-License-Identifier: MIT
/* Children by any call that is like fork(2), between Python's own hooks. */
#include "fork.h"
#include "arguments.h"
#include "invoke.h"
#include "methods.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enter_clone.h"

#ifndef __NR_pidfd_open
#define __NR_pidfd_open SYSCALL_NUMBER(434)
#endif

/* For the next fork_call() of this thread: what fork_by() was told. */
static __thread const struct birth *expected;
/* In a child of fork_call(): IDs do not always tell, as both may be 1 in PID namespaces. */
static __thread int is_new;

int fork_check(void)
{
	/* The child keeps the main interpreter only. */
	if (PyInterpreterState_GetID(PyInterpreterState_Get()) == 0)
		return 0;
	PyErr_SetString(PyExc_RuntimeError, "a subinterpreter cannot make a child that is a copy of "
			"it: use the main interpreter, or syscraft.spawn() for a program");
	return -1;
}

static int *if_tid(int *place)
{
	return place && *place == syscall0(__NR_gettid) ? place : NULL;
}

/*
 * glibc lets the kernel clear the place when the thread ends, so the kernel knows it; some kernels
 * do not tell (CONFIG_CHECKPOINT_RESTORE). They tell where the list of robust mutexes is, which
 * glibc has behind the ID, with a word or a word and a pointer in between. Other libraries have
 * something else in these places: then it does not hold the ID.
 * Source: struct pthread, nptl/descr.h, glibc 2.17 to 2.41
 */
int *libc_tid(void)
{
	struct robust_list_head *robust = NULL;
	int *place = NULL;
	size_t size;

	if (prctl(PR_GET_TID_ADDRESS, &place) == 0 && if_tid(place))
		return place;
	if (syscall3(__NR_get_robust_list, 0, (long)&robust, (long)&size) < 0 || !robust)
		return NULL;
	place = if_tid((int *)((char *)robust - sizeof(void *) - 2 * sizeof(int)));
	return place ? place : if_tid((int *)robust - 2);
}

/* A child that nobody could be told of must not live on. */
static void end_child(long pid, int pidfd)
{
	siginfo_t info;

	syscall2(__NR_kill, pid, SIGKILL);
	while (syscall5(__NR_waitid, P_PID, pid, (long)&info, WEXITED | __WALL, 0) == -EINTR)
		;
	if (pidfd >= 0)
		close(pidfd);
}

static int set_number(PyObject *child, const char *name, long value)
{
	PyObject *number = PyLong_FromLong(value);
	int ret = number ? PyObject_SetAttrString(child, name, number) : -1;

	Py_XDECREF(number);
	return ret;
}

static _Noreturn void live(PyObject *life)
{
	PyObject *result = PyObject_CallNoArgs(life);

	/* It ends the process itself, unless the handler of a signal raised before it could. */
	if (!result)
		PyErr_WriteUnraisable(life);
	_exit(1);
}

int fork_tell(PyObject *child, long pid, int pidfd)
{
	if (set_number(child, "_pidfd", pidfd) == 0 && set_number(child, "pid", pid) == 0)
		return 0;
	if (pid)
		end_child(pid, pidfd);
	return -1;
}

int fork_settle(const struct birth *birth, long pid, int pidfd)
{
	if (pid == 0 && birth->life)
		live(birth->life);
	return pid && birth->child ? fork_tell(birth->child, pid, pidfd) : 0;
}

/*
 * Returns twice. Not inlined: a child that runs in our own memory goes on below this frame, and
 * never returns from it.
 */
static __attribute__((__noinline__)) long enter(long number, const long *values,
						const struct birth *birth)
{
	const long ret = fork_syscall6(number, values[0], values[1], values[2], values[3],
				       values[4], values[5]);

	if (ret == 0 && birth->become)
		for (;;)
			birth->become(birth->argument);
	return ret;
}

static long enter_between_hooks(long number, const long *values, const struct birth *birth)
{
	int *const tid = libc_tid();
	long ret;

	PyOS_BeforeFork();
	ret = enter(number, values, birth);
	if (ret == 0) {
		is_new = 1;
		/* Which tells the ID as well. */
		if (tid)
			*tid = (int)syscall1(__NR_set_tid_address, (long)tid);
		PyOS_AfterFork_Child();
	} else {
		PyOS_AfterFork_Parent();
	}
	return ret;
}

/* The number and the registers. Returns -1 with an exception set, or 0. */
static int take_all(PyObject *const *args, Py_ssize_t given, long *number,
		    struct arguments *arguments)
{
	static const struct site site = { NULL, NULL, 0, (1u << MAX_ARGUMENTS) - 1 };
	Py_ssize_t index;

	if (given < 1 || given > MAX_ARGUMENTS + 1) {
		PyErr_Format(PyExc_TypeError, "fork_call() takes a number and at most %d arguments: "
			     "%zd given", MAX_ARGUMENTS, given);
		return -1;
	}
	*number = PyLong_AsLong(args[0]);
	if (*number == -1 && PyErr_Occurred())
		return -1;
	arguments_init(arguments);
	for (index = 1; index < given; index++)
		if (arguments_take(arguments, (int)index - 1, args[index], &site) < 0) {
			arguments_drop(arguments);
			return -1;
		}
	return 0;
}

static PyObject *make_child(PyObject *const *args, Py_ssize_t given, const struct birth *birth)
{
	struct arguments arguments;
	long number, ret;

	if (fork_check() < 0 || take_all(args, given, &number, &arguments) < 0)
		return NULL;
	/* One birth, one child. */
	expected = NULL;
	ret = enter_between_hooks(number, arguments.values, birth);
	arguments_drop(&arguments);
	if (SYSCALL_FAILED(ret))
		return raise_errno(ret, NULL, NULL);
	return fork_settle(birth, ret, -1) < 0 ? NULL : PyLong_FromLong(ret);
}

static const struct birth *expected_or_plain(void)
{
	static const struct birth plain;

	return expected ? expected : &plain;
}

/*
 * fork_call(number, *args) -> ID, or 0 in the child: any call that makes a child with a copy of this
 * process's memory, such as declared variants of clone(2) in the modules that are generated.
 */
PyObject *core_fork_call(PyObject *module, PyObject *const *args, Py_ssize_t given)
{
	(void)module;
	return make_child(args, given, expected_or_plain());
}

/* vfork_call(number, *args) -> ID: the child may run in this process's memory, so only spawn() can. */
PyObject *core_vfork_call(PyObject *module, PyObject *const *args, Py_ssize_t given)
{
	const struct birth *birth = expected_or_plain();

	(void)module;
	if (!birth->become) {
		PyErr_SetString(PyExc_ValueError, "the child would go on in this process's memory, as "
				"that of vfork(2), which breaks the interpreter: use syscraft.spawn() "
				"with this function as how=");
		return NULL;
	}
	if (birth->needs_memory) {
		PyErr_SetString(PyExc_ValueError, "uid= and gid= need a child with memory of its own, "
				"or this process would become undumpable: use a variant of fork(2) or "
				"clone(2)");
		return NULL;
	}
	return make_child(args, given, birth);
}

/* Opened here, since a signal's handler may raise before Python code has kept the descriptor. */
static int settle_by(const struct birth *birth, long pid, int *pidfd)
{
	if (pid && birth->want_pidfd) {
		const long ret = syscall2(__NR_pidfd_open, pid, 0);

		if (SYSCALL_FAILED(ret)) {
			end_child(pid, -1);
			if (!birth->child || fork_tell(birth->child, 0, -1) == 0)
				raise_errno(ret, NULL, NULL);
			return -1;
		}
		*pidfd = (int)ret;
	}
	return fork_settle(birth, pid, *pidfd);
}

long fork_by(PyObject *function, const struct birth *birth, int *pidfd)
{
	const long parent = syscall0(__NR_getpid);
	const struct birth *const outer = expected;
	PyObject *result;
	int is_child;
	long pid = -1;

	/* What a handler makes is not meant. */
	if (PyErr_CheckSignals() < 0)
		return -1;
	expected = birth;
	is_new = 0;
	result = PyObject_CallNoArgs(function);
	expected = outer;
	is_child = is_new || syscall0(__NR_getpid) != parent;
	if (result) {
		pid = PyLong_AsLong(result);
		Py_DECREF(result);
		if ((pid < 0 || (pid == 0 && !is_child)) && !PyErr_Occurred()) {
			PyErr_Format(PyExc_ValueError, "how() returned %ld: expected a process ID", pid);
			pid = -1;
		}
	}
	/* A function that does not use fork_call() may come back from the child with an exception. */
	if (pid < 0 && is_child && (birth->life || birth->become)) {
		PyErr_WriteUnraisable(function);
		_exit(1);
	}
	if (pid < 0)
		return -1;
	return settle_by(birth, pid, pidfd) < 0 ? -1 : pid;
}

/* fork_by(function, child, life, pidfd) -> ID, or 0 in the child. */
PyObject *core_fork_by(PyObject *module, PyObject *args)
{
	struct birth birth = { 0 };
	PyObject *function;
	int pidfd = -1;
	long pid;

	(void)module;
	if (!PyArg_ParseTuple(args, "OOOp:fork_by", &function, &birth.child, &birth.life,
			      &birth.want_pidfd))
		return NULL;
	if (birth.life == Py_None)
		birth.life = NULL;
	pid = fork_by(function, &birth, &pidfd);
	return pid < 0 ? NULL : PyLong_FromLong(pid);
}
