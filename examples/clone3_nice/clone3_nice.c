// SPDX-License-Identifier: GPL-2.0
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/prio.h>
#include <linux/sched/task.h>
#include <linux/security.h>

#include "fork.h"

static void set_nice_of_child(struct task_struct *child, void *data)
{
	set_user_nice(child, *(int *)data);
}

static long do_clone3_nice(struct clone_args __user *uargs, size_t size,
			   int nice)
{
	pid_t set_tid[MAX_PID_NS_LEVEL];
	struct kernel_clone_args args = { .set_tid = set_tid };
	int error;

	/* Whatever can fail has to fail before the child exists. */
	error = clone3_args_from_user(&args, uargs, size);
	if (error)
		return error;

	if (nice < MIN_NICE || nice > MAX_NICE)
		return -EINVAL;

	/* The same permissions as for setpriority(). */
	if (nice < task_nice(current) && !can_nice(current, nice))
		return -EACCES;

	error = security_task_setnice(current, nice);
	if (error)
		return error;

#ifdef CONFIG_SPARC
	/* Elsewhere a child that asks for none has its parent's. */
	if (!args.stack)
		args.stack = user_stack_pointer(current_pt_regs());
#endif

	return kernel_clone_prepared(&args, set_nice_of_child, &nice);
}
