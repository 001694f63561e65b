// SPDX-License-Identifier: MIT
/* Children by any call that is like fork(2), between Python's own hooks. */
#include "fork.h"
#include "arguments.h"
#include "invoke.h"
#include "methods.h"
#include "plan.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bury.h"
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
	syscall2(__NR_kill, pid, SIGKILL);
	bury(pid, pidfd);
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

int fork_plan(struct birth *birth, struct steps *steps, PyObject *attributes)
{
	if (attributes == Py_None)
		return 0;
	birth->steps = steps;
	steps->pipe[0] = steps->pipe[1] = -1;
	steps->plan.cgroup_fd = steps->plan.kept_fd = -1;
	steps->plan.go[0] = steps->plan.go[1] = -1;
	if (plan_attributes(&steps->plan, attributes, &birth->kept) < 0)
		return -1;
	return steps_open(steps);
}

void fork_release(struct birth *birth)
{
	if (birth->steps)
		steps_close(birth->steps);
	Py_CLEAR(birth->kept);
}

void fork_before(const struct birth *birth)
{
	PyOS_BeforeFork();
	if (birth->steps)
		steps_block(birth->steps);
}

void fork_after(const struct birth *birth, long pid)
{
	if (pid == 0) {
		if (birth->steps)
			steps_take(birth->steps);
		PyOS_AfterFork_Child();
	} else {
		if (birth->steps)
			steps_restore(birth->steps);
		PyOS_AfterFork_Parent();
	}
}

PyObject *fork_outcome(const struct birth *birth, long pid, int pidfd)
{
	struct steps *const steps = birth->steps;
	PyThreadState *thread;
	int good;

	if (pid < 0)
		return outcome_of(-1, -1, (int)-pid, STEP_CLONE);
	if (pid == 0 || !steps)
		return outcome_of(pid, pidfd, 0, STEP_CLONE);
	thread = PyEval_SaveThread();
	good = steps_follow(steps, pid, pidfd);
	PyEval_RestoreThread(thread);
	if (good)
		return outcome_of(pid, pidfd, 0, STEP_CLONE);
	if (birth->child && fork_tell(birth->child, 0, -1) < 0)
		return NULL;
	return outcome_of(pid, -1, steps->report.error, steps->report.step);
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

	fork_before(birth);
	ret = enter(number, values, birth);
	if (ret == 0) {
		is_new = 1;
		/* Which tells the ID as well. */
		if (tid)
			*tid = (int)syscall1(__NR_set_tid_address, (long)tid);
	}
	fork_after(birth, ret);
	return ret;
}

/* The number and the registers. Returns -1 with an exception set, or 0. */
static int take_all(PyObject *const *args, Py_ssize_t given, long *number,
		    struct arguments *arguments)
{
	static const struct site site = { .pointer_mask = (1u << MAX_ARGUMENTS) - 1 };
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
		PyErr_SetString(PyExc_ValueError, "uid=, gid= and maps of other IDs than our own need a "
				"child with memory of its own, or this process would become undumpable, "
				"or stand still: use a variant of fork(2) or clone(2)");
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
	/* Such a function's child learns of its steps no sooner. */
	if (pid == 0 && birth->steps && !birth->steps->taken) {
		steps_block(birth->steps);
		steps_take(birth->steps);
	}
	return settle_by(birth, pid, pidfd) < 0 ? -1 : pid;
}

/* fork_by(function, child, life, pidfd, attributes) -> (pid, pidfd, errno, step); twice. */
PyObject *core_fork_by(PyObject *module, PyObject *args)
{
	PyObject *function, *attributes = Py_None, *result = NULL;
	struct steps steps = { 0 };
	struct birth birth = { 0 };
	int pidfd = -1, error;
	long pid;

	(void)module;
	if (!PyArg_ParseTuple(args, "OOOp|O:fork_by", &function, &birth.child, &birth.life,
			      &birth.want_pidfd, &attributes))
		return NULL;
	if (birth.life == Py_None)
		birth.life = NULL;
	error = fork_plan(&birth, &steps, attributes);
	if (error > 0) {
		result = fork_outcome(&birth, -error, -1);
	} else if (!error) {
		pid = fork_by(function, &birth, &pidfd);
		result = pid < 0 ? NULL : fork_outcome(&birth, pid, pidfd);
	}
	fork_release(&birth);
	return result;
}
