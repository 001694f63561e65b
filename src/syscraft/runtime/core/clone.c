// SPDX-License-Identifier: MIT
/* A child that goes on as this interpreter: clone3(2) or clone(2) between Python's own fork hooks. */
#include "fork.h"
#include "methods.h"

#include <errno.h>
#include <limits.h>

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

/* What clone(2) cannot say, a kernel without clone3(2) cannot do. */
static int has_old_call(const struct wish *wish, unsigned long long flags)
{
	return !wish->tid_count && wish->cgroup < 0 && !(flags & ~C_CLONE_OLD_FLAGS);
}

static long clone_old(struct wish *wish, int *tid, unsigned long long flags)
{
	/* It puts the descriptor where CLONE_PARENT_SETTID would put the ID. */
	return core_clone_raw((unsigned long)flags | (unsigned int)wish->exit_signal, NULL,
			      &wish->pidfd, tid, 0, 0);
}

static long clone_between_hooks(struct wish *wish, const struct birth *birth)
{
	unsigned long long flags = wish->flags;
	int *tid = libc_tid();
	long ret;

	if (tid)
		flags |= C_CLONE_CHILD_SETTID | C_CLONE_CHILD_CLEARTID;
	if (wish->want_pidfd)
		flags |= C_CLONE_PIDFD;
	fork_before(birth);
	ret = wish->old_call ? -ENOSYS : clone_new(wish, tid, flags);
	/*
	 * Containers refuse clone3(2) as well, in either way, since they cannot look into its struct.
	 * If EPERM was meant otherwise, clone(2) says it again.
	 */
	if ((ret == -ENOSYS || ret == -EPERM) && has_old_call(wish, flags))
		ret = clone_old(wish, tid, flags);
	fork_after(birth, ret);
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

static PyObject *make_child(struct wish *wish, const struct birth *birth)
{
	const long ret = clone_between_hooks(wish, birth);

	if (!SYSCALL_FAILED(ret) && fork_settle(birth, ret, wish->pidfd) < 0)
		return NULL;
	return fork_outcome(birth, ret, ret ? wish->pidfd : -1);
}

/*
 * clone(flags, exit_signal, pidfd, set_tid, cgroup, old_call, child, life, attributes) -> (pid, pidfd,
 * errno, step); twice, but for a child that has a life.
 */
PyObject *core_clone(PyObject *module, PyObject *args)
{
	PyObject *tids, *child = Py_None, *life = Py_None, *attributes = Py_None, *result = NULL;
	struct wish wish = { .pidfd = -1 };
	struct steps steps = { 0 };
	struct birth birth = { 0 };
	int error;

	(void)module;
	if (!PyArg_ParseTuple(args, "KipO!ip|OOO:clone", &wish.flags, &wish.exit_signal,
			      &wish.want_pidfd, &PyTuple_Type, &tids, &wish.cgroup, &wish.old_call,
			      &child, &life, &attributes))
		return NULL;
	if (fork_check() < 0 || read_tids(tids, &wish) < 0)
		return NULL;
	birth.child = child == Py_None ? NULL : child;
	birth.life = life == Py_None ? NULL : life;
	error = fork_plan(&birth, &steps, attributes);
	if (error >= 0)
		result = error ? fork_outcome(&birth, -error, -1) : make_child(&wish, &birth);
	fork_release(&birth);
	return result;
}
