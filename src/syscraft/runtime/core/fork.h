/* SPDX-License-Identifier: MIT */
/*
 * Children that are copies of this interpreter. From Python's hook before the call to its hook
 * behind it no bytecode runs: another thread could get the GIL, which the child would then wait for
 * in vain, and the child would run the handlers of the parent's signals.
 */
#ifndef SYSCRAFT_FORK_H
#define SYSCRAFT_FORK_H

#include "limited_api.h"
#include "steps.h"

/* What becomes of a child, and who is told of it before any Python code can run, and raise. */
struct birth {
	PyObject *child; /* a Child, which gets its pid and _pidfd; or NULL */
	PyObject *life; /* what the child calls, and ends with; or NULL: the call returns twice */
	struct steps *steps; /* what the child does before Python code runs in it; or NULL */
	PyObject *kept; /* what the steps point to; or NULL */
	/* What it does instead, and never returns from: without Python, maybe in our own memory. */
	void (*become)(void *argument);
	void *argument;
	int want_pidfd; /* where fork_by() makes it */
	int needs_memory; /* it must not be in our own memory */
};

/* Raises RuntimeError and returns -1 in a subinterpreter, as os.fork() does; or returns 0. */
int fork_check(void);

/*
 * Where libc keeps this thread's ID, or NULL: a child has to find its own ID there, as after
 * fork(3).
 */
int *libc_tid(void);

/*
 * Tells a Child of its ID, or that it is none. Returns 0, or -1 with an exception set and no child
 * left.
 */
int fork_tell(PyObject *child, long pid, int pidfd);

/*
 * What follows Python's own hooks. In the child of a birth with a life it does not return. Returns
 * 0, or -1 with an exception set and no child left.
 */
int fork_settle(const struct birth *birth, long pid, int pidfd);

/*
 * Takes *attributes*: None, or what attributes.py made, for steps of the child. Returns 0, an errno,
 * or -1 with an exception set; fork_release() is due in any case.
 */
int fork_plan(struct birth *birth, struct steps *steps, PyObject *attributes);
void fork_release(struct birth *birth);

/* Around the call: Python's own hooks, and the steps between them. */
void fork_before(const struct birth *birth);
void fork_after(const struct birth *birth, long pid);

/*
 * Waits until the child has taken its steps. *pid* below 0 is -errno. Returns what became of it, as
 * spawn() does.
 */
PyObject *fork_outcome(const struct birth *birth, long pid, int pidfd);

/*
 * Calls a Python function that makes a child, by fork_call() or in some way of its own. Returns the
 * child's ID, 0 in the child, or -1 with an exception set; and a pidfd, if it is wanted.
 */
long fork_by(PyObject *function, const struct birth *birth, int *pidfd);

#endif
