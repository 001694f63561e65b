// SPDX-License-Identifier: GPL-2.0
#include <linux/sched/prio.h>

static long do_clone_pair(struct kernel_clone_args *args, int nice, u64 cookie,
			  u64 __user *where)
{
	pid_t pid;

	if (nice < 0 || nice > MAX_NICE)
		return -EINVAL;
	if (where && put_user(cookie + nice, where))
		return -EFAULT;

	pid = kernel_clone(args);
	return pid;
}
