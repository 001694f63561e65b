// SPDX-License-Identifier: GPL-2.0
#include <linux/sched/task.h>

static long do_core_clone3(struct kernel_clone_args *args, u64 unused)
{
	return kernel_clone(args);
}
