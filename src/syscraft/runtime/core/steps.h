/* SPDX-License-Identifier: MIT */
/*
 * The steps of a child that goes on as this interpreter: it takes them before any Python code runs
 * in it, and says through a pipe how they went. No Python.
 */
#ifndef SYSCRAFT_STEPS_H
#define SYSCRAFT_STEPS_H

#include "spawn.h"

struct steps {
	struct spawn_plan plan;
	struct spawn_report report;
	int pipe[2];
	int taken; /* in the child */
	unsigned long old_mask[SIGNAL_WORDS];
};

/* The pipe. Returns 0 or an errno. */
int steps_open(struct steps *steps);
void steps_close(struct steps *steps);

/* Around the call: what the child does must not be interrupted. */
void steps_block(struct steps *steps);
void steps_restore(const struct steps *steps);

/* In the child, once. It ends if a step fails. */
void steps_take(struct steps *steps);

/*
 * In the parent, without the GIL: waits until the child has taken its steps, or has ended. Returns
 * whether it goes on; otherwise nothing is left of it but the report.
 */
int steps_follow(struct steps *steps, long pid, int pidfd);

#endif
