// SPDX-License-Identifier: GPL-2.0
#include <linux/sched/task.h>

static long do_core_clone(struct kernel_clone_args *args, long unused)
{
	return kernel_clone(args);
}
