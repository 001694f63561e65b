// SPDX-License-Identifier: GPL-2.0
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/uaccess.h>

static long start_child(unsigned long flags, int signal, long cookie,
			s64 __user *where)
{
	struct kernel_clone_args args = {
		.flags		= flags,
		.exit_signal	= signal,
	};

	/* Whatever can fail has to fail before the child exists. */
	if (!valid_signal((unsigned long)signal))
		return -EINVAL;
	if (where && put_user(cookie, where))
		return -EFAULT;

#ifdef CONFIG_SPARC
	/* Elsewhere a child that asks for no stack has its parent's. */
	args.stack = user_stack_pointer(current_pt_regs());
#endif

	return kernel_clone(&args);
}

static long do_fork_tell(int signal, long cookie, s64 __user *where)
{
	return start_child(0, signal, cookie, where);
}

static long do_vfork_tell(int signal, long cookie, s64 __user *where)
{
	return start_child(CLONE_VFORK | CLONE_VM, signal, cookie, where);
}

static long do_twice_tell(long cookie, unsigned long flags, s64 __user *where)
{
	if (flags & ~(CLONE_VFORK | CLONE_VM | CSIGNAL))
		return -EINVAL;
	return start_child(flags & ~CSIGNAL, flags & CSIGNAL, cookie, where);
}
