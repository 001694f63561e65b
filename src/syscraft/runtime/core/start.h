/* SPDX-License-Identifier: MIT */
/* Starting a planned child: memory, signals, the clone, and the report. No Python. */
#ifndef SYSCRAFT_START_H
#define SYSCRAFT_START_H

#include <stddef.h>

#include "spawn.h"

struct region {
	unsigned char *memory; /* guard page, stack, report */
	size_t bytes;
	int shared;
	struct spawn_report *report;
	void *stack_start;
	void *stack; /* behind its end */
};

struct start {
	struct spawn_plan *plan;
	unsigned long long flags;
	int cgroup; /* -1: the parent's */
	int want_pidfd;
	int old_call; /* do as a kernel without clone3 */
	int is_fork; /* somebody else's call makes the child */
	int needs_memory; /* the child must not be in our own memory */
	int own_memory; /* it gets a copy of ours */
	int sync[2]; /* a pipe that exec closes, if nothing else tells of it; or -1 */
	struct region region;
	unsigned long old_mask[SIGNAL_WORDS];
	long pid; /* out; or -errno */
	int pidfd; /* out */
};

/* With the GIL. start_prepare() returns 0 or an errno. */
int start_prepare(struct start *start);
void start_restore_signals(struct start *start);
void start_release(struct start *start);

/* Without the GIL. If a step failed, the child is gone when this returns. */
void start_child(struct start *start);

/*
 * The child of a fork: does not return. And its parent, which writes ID maps, and waits for exec by
 * a pipe. Its end has to be out of the way of the child's own descriptors. Returns 0 or an errno.
 */
int start_open_sync(struct start *start);
void start_close_sync(struct start *start);
void start_as_forked(void *start);
void start_follow_forked(struct start *start);

#endif
