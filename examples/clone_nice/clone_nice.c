// SPDX-License-Identifier: GPL-2.0
#include <linux/sched/prio.h>
#include <linux/security.h>

#include "fork.h"

/* The nice value that the child would have after clone(), see sched_fork(). */
static int inherited_nice(void)
{
	int nice = task_nice(current);

	if (!current->sched_reset_on_fork)
		return nice;

	switch (current->policy) {
	case SCHED_FIFO:
	case SCHED_RR:
	case SCHED_DEADLINE:
		return 0;
	default:
		return max(nice, 0);
	}
}

static void set_nice_of_child(struct task_struct *child, void *data)
{
	set_user_nice(child, *(int *)data);
}

static long do_clone_nice(struct kernel_clone_args *args, int nice)
{
	int error;

	/* Whatever can fail has to fail before the child exists. */
	if (nice < MIN_NICE || nice > MAX_NICE)
		return -EINVAL;

	/* The same permissions as for setpriority(). */
	if (nice < inherited_nice() && !can_nice(current, nice))
		return -EACCES;

	error = security_task_setnice(current, nice);
	if (error)
		return error;

	return kernel_clone_prepared(args, set_nice_of_child, &nice);
}
