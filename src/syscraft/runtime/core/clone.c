// SPDX-License-Identifier: MIT
/* A child that goes on as this interpreter: clone3(2) or clone(2) between Python's own fork hooks. */
#include "arguments.h"
#include "invoke.h"
#include "methods.h"

#include <errno.h>
#include <limits.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "enter_clone.h"

/* include/linux/pid.h, MAX_PID_NS_LEVEL: a process has an ID in each of so many namespaces. */
#define MAX_SET_TID 32

struct wish {
	unsigned long long flags;
	int exit_signal;
	int want_pidfd;
	int cgroup; /* -1: the parent's */
	int old_call; /* do as a kernel without clone3 */
	Py_ssize_t tid_count;
	int tids[MAX_SET_TID];
	int pidfd; /* out */
};

/*
 * Where libc keeps this thread's ID, or NULL. glibc lets the kernel clear the place when the thread
 * ends, so the kernel knows it; a child has to find its own ID there, as after fork(3). Other
 * libraries have something else cleared: then it does not hold the ID.
 */
static int *libc_tid(void)
{
	int *place = NULL;

	if (prctl(PR_GET_TID_ADDRESS, &place) < 0 || !place)
		return NULL;
	return *place == syscall0(__NR_gettid) ? place : NULL;
}

static long clone_new(struct wish *wish, int *tid, unsigned long long flags)
{
	struct clone3_args args = { 0 };

	args.flags = flags;
	args.pidfd = (unsigned long)&wish->pidfd;
	args.child_tid = (unsigned long)tid;
	args.exit_signal = (unsigned int)wish->exit_signal;
	args.set_tid = wish->tid_count ? (unsigned long)wish->tids : 0;
	args.set_tid_size = (unsigned long)wish->tid_count;
	args.cgroup = wish->cgroup < 0 ? 0 : (unsigned int)wish->cgroup;
	if (wish->cgroup >= 0)
		args.flags |= C_CLONE_INTO_CGROUP;
	return enter_clone3(&args);
}

static long clone_old(struct wish *wish, int *tid, unsigned long long flags)
{
	/* What clone(2) cannot say, a kernel without clone3(2) cannot do. */
	if (wish->tid_count || wish->cgroup >= 0 || (flags & ~C_CLONE_OLD_FLAGS))
		return -ENOSYS;
	/* It puts the descriptor where CLONE_PARENT_SETTID would put the ID. */
	return core_clone_raw((unsigned long)flags | (unsigned int)wish->exit_signal, NULL,
			      &wish->pidfd, tid, 0, 0);
}

static long clone_between_hooks(struct wish *wish)
{
	unsigned long long flags = wish->flags;
	int *tid = libc_tid();
	long ret;

	if (tid)
		flags |= C_CLONE_CHILD_SETTID | C_CLONE_CHILD_CLEARTID;
	if (wish->want_pidfd)
		flags |= C_CLONE_PIDFD;
	PyOS_BeforeFork();
	ret = wish->old_call ? -ENOSYS : clone_new(wish, tid, flags);
	/* Containers refuse clone3(2) like this too, as they cannot look into its struct. */
	if (ret == -ENOSYS)
		ret = clone_old(wish, tid, flags);
	if (ret == 0)
		PyOS_AfterFork_Child();
	else
		PyOS_AfterFork_Parent();
	return ret;
}

static int read_tids(PyObject *sequence, struct wish *wish)
{
	Py_ssize_t index;

	wish->tid_count = PyTuple_Size(sequence);
	if (wish->tid_count > MAX_SET_TID) {
		PyErr_Format(PyExc_ValueError, "set_tid: at most %d IDs, one for each level of PID "
			     "namespaces; %zd given", MAX_SET_TID, wish->tid_count);
		return -1;
	}
	for (index = 0; index < wish->tid_count; index++) {
		long tid = PyLong_AsLong(PyTuple_GetItem(sequence, index));

		if (tid == -1 && PyErr_Occurred())
			return -1;
		if (tid < 1 || tid > INT_MAX) {
			PyErr_Format(PyExc_ValueError, "set_tid: %ld is no process ID: expected one "
				     "from 1 to %d", tid, INT_MAX);
			return -1;
		}
		wish->tids[index] = (int)tid;
	}
	return 0;
}

/* clone(flags, exit_signal, pidfd, set_tid, cgroup, old_call) -> (pid, pidfd); twice. */
PyObject *core_clone(PyObject *module, PyObject *args)
{
	struct wish wish = { .pidfd = -1 };
	PyObject *tids;
	long ret;

	(void)module;
	if (!PyArg_ParseTuple(args, "KipO!ip:clone", &wish.flags, &wish.exit_signal,
			      &wish.want_pidfd, &PyTuple_Type, &tids, &wish.cgroup, &wish.old_call))
		return NULL;
	if (read_tids(tids, &wish) < 0)
		return NULL;
	ret = clone_between_hooks(&wish);
	if (SYSCALL_FAILED(ret))
		return raise_errno(ret, NULL, NULL);
	return Py_BuildValue("li", ret, ret ? wish.pidfd : -1);
}

/* The child's result is 0, but there are ABIs that tell it in a second register. */
static long fork_like(long number, const long *values)
{
	const long parent = syscall0(__NR_getpid);
	int *const tid = libc_tid();
	long ret = syscall6(number, values[0], values[1], values[2], values[3], values[4],
			    values[5]);

	if (ret == parent && syscall0(__NR_getpid) != parent)
		ret = 0;
	if (ret == 0 && tid)
		*tid = (int)syscall0(__NR_gettid);
	return ret;
}

/*
 * fork_call(number, *args) -> ID, or 0 in the child: any call that makes a child with a copy of this
 * process's memory, such as declared variants of clone(2) in the modules that are generated.
 */
PyObject *core_fork_call(PyObject *module, PyObject *const *args, Py_ssize_t given)
{
	static const struct site site = { .pointer_mask = (1u << MAX_ARGUMENTS) - 1 };
	struct arguments arguments;
	Py_ssize_t index;
	long number, ret;

	(void)module;
	if (given < 1 || given > MAX_ARGUMENTS + 1) {
		PyErr_Format(PyExc_TypeError, "fork_call() takes a number and at most %d arguments: "
			     "%zd given", MAX_ARGUMENTS, given);
		return NULL;
	}
	number = PyLong_AsLong(args[0]);
	if (number == -1 && PyErr_Occurred())
		return NULL;
	arguments_init(&arguments);
	for (index = 1; index < given; index++)
		if (arguments_take(&arguments, (int)index - 1, args[index], &site) < 0) {
			arguments_drop(&arguments);
			return NULL;
		}
	PyOS_BeforeFork();
	ret = fork_like(number, arguments.values);
	if (ret == 0)
		PyOS_AfterFork_Child();
	else
		PyOS_AfterFork_Parent();
	arguments_drop(&arguments);
	return SYSCALL_FAILED(ret) ? raise_errno(ret, NULL, NULL) : PyLong_FromLong(ret);
}
