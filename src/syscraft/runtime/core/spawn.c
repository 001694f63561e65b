// SPDX-License-Identifier: MIT
/* The parent's side of a spawn: Python objects to a plan, the child, and what became of it. */
#include "methods.h"

#include <string.h>

#include "fork.h"
#include "id_maps.h"
#include "plan.h"
#include "start.h"
#include "strings.h"

/* What _core.spawn() was called with, and what became of it. */
struct wishes {
	PyObject *argv, *executable, *env, *moves, *closed, *attributes, *fork, *child;
	unsigned long long sigmask, default_signals;
	int keep_sigmask;
	struct vector arguments, variables, programs;
	PyObject *kept;
};

/* The child changes its moves: a copy. */
static int plan_fds(struct spawn_plan *plan, const struct wishes *wishes)
{
	const void *moves, *closed;
	Py_ssize_t move_count = items_of(wishes->moves, sizeof(struct fd_move), &moves);
	Py_ssize_t closed_count = items_of(wishes->closed, sizeof(struct fd_range), &closed);
	Py_ssize_t index;

	if (move_count < 0 || closed_count < 0)
		return -1;
	plan->moves = PyMem_Malloc((size_t)move_count * sizeof(struct fd_move) + 1);
	if (!plan->moves) {
		PyErr_NoMemory();
		return -1;
	}
	memcpy(plan->moves, moves, (size_t)move_count * sizeof(struct fd_move));
	plan->move_count = (unsigned int)move_count;
	for (index = 0; index < move_count; index++)
		if (plan->moves[index].target >= plan->above_targets)
			plan->above_targets = plan->moves[index].target + 1;
	plan->closed = closed;
	plan->closed_count = (unsigned int)closed_count;
	return 0;
}

static void free_plan(struct spawn_plan *plan, struct wishes *wishes)
{
	vector_clear(&wishes->arguments);
	vector_clear(&wishes->variables);
	vector_clear(&wishes->programs);
	Py_CLEAR(wishes->kept);
	PyMem_Free(plan->moves);
}

static int fill_plan(struct spawn_plan *plan, struct wishes *wishes)
{
	if (plan_attributes(plan, wishes->attributes, &wishes->kept) < 0 ||
	    vector_of_arguments(&wishes->arguments, wishes->argv) < 0 ||
	    vector_of_environment(&wishes->variables, wishes->env) < 0 ||
	    vector_of_programs(&wishes->programs, wishes->executable, &wishes->arguments,
			       &wishes->variables) < 0)
		return -1;
	plan->programs = wishes->programs.items;
	plan->argv = wishes->arguments.items;
	plan->envp = wishes->variables.items;
	fill_signals(plan->default_signals, wishes->default_signals);
	return plan_fds(plan, wishes);
}

/* (pid, pidfd, errno, step), or NULL with an exception set. */
static PyObject *result_of(const struct start *start)
{
	const struct spawn_report *report = start->region.report;

	if (start->pid < 0 && PyErr_Occurred())
		return NULL;
	if (start->pid < 0)
		return outcome_of(-1, -1, (int)-start->pid, STEP_CLONE);
	return outcome_of(start->pid, start->pidfd, report->error, report->step);
}

/* The child of a function that makes one in its own way; one of fork_call() is there already. */
static void make_by(struct start *start, const struct wishes *wishes)
{
	const struct birth birth = {
		.child = wishes->child,
		.become = start_as_forked,
		.argument = start,
		.want_pidfd = start->want_pidfd,
		.needs_memory = start->needs_memory,
	};

	start->pid = fork_by(wishes->fork, &birth, &start->pidfd);
	if (start->pid == 0)
		start_as_forked(start);
}

/* Before the handler of a signal can raise. Returns -1 with an exception set, or 0. */
static int tell(const struct start *start, PyObject *child)
{
	if (!child || start->pid < 0)
		return 0;
	if (start->region.report->error)
		return fork_tell(child, 0, -1);
	return start->is_fork ? 0 : fork_tell(child, start->pid, start->pidfd);
}

static PyObject *carry_out(struct start *start, const struct wishes *wishes)
{
	PyObject *outcome;
	int error;

	start->is_fork = wishes->fork != Py_None;
	/* New IDs make memory undumpable: for good, and ours if it is the child's. commit_creds() */
	start->needs_memory = start->plan->uid >= 0 || start->plan->gid >= 0 ||
			      maps_wanted(start->plan);
	start->own_memory = start->is_fork || start->needs_memory;
	error = start->is_fork || maps_wanted(start->plan) ? start_open_sync(start) : 0;
	if (!error)
		error = start_prepare(start);
	if (error) {
		start_close_sync(start);
		return outcome_of(-1, -1, error, STEP_CLONE);
	}
	if (!wishes->keep_sigmask)
		fill_signals(start->plan->sigmask, wishes->sigmask);
	if (start->is_fork)
		make_by(start, wishes);
	if (!start->is_fork || start->pid > 0) {
		PyThreadState *thread = PyEval_SaveThread();

		if (start->is_fork)
			start_follow_forked(start);
		else
			start_child(start);
		PyEval_RestoreThread(thread);
	}
	start_close_sync(start);
	start_restore_signals(start);
	outcome = tell(start, wishes->child) < 0 ? NULL : result_of(start);
	start_release(start);
	return outcome;
}

/*
 * spawn(plan, closed, cgroup, fork, old_call, child) -> (pid, pidfd, errno, step). The plan is a
 * tuple, as spawn.py makes it; the rest is what differs from one try to another.
 */
PyObject *core_spawn(PyObject *module, PyObject *args)
{
	struct spawn_plan plan = { .cgroup_fd = -1, .kept_fd = -1, .go = { -1, -1 } };
	struct start start = { .plan = &plan, .pidfd = -1, .sync = { -1, -1 } };
	struct wishes wishes = { 0 };
	PyObject *result = NULL;

	(void)module;
	if (!PyArg_ParseTuple(args, "(OOOSKKpKpO!)SiOp|O:spawn", &wishes.argv, &wishes.executable,
			      &wishes.env, &wishes.moves, &start.flags, &wishes.sigmask,
			      &wishes.keep_sigmask, &wishes.default_signals, &start.want_pidfd,
			      &PyTuple_Type, &wishes.attributes, &wishes.closed, &start.cgroup,
			      &wishes.fork, &start.old_call, &wishes.child))
		return NULL;
	if (fill_plan(&plan, &wishes) == 0)
		result = carry_out(&start, &wishes);
	free_plan(&plan, &wishes);
	return result;
}
