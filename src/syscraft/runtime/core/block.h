/* SPDX-License-Identifier: MIT */
/* Blocking every signal around the making of a child. */
#ifndef SYSCRAFT_BLOCK_H
#define SYSCRAFT_BLOCK_H

#include <signal.h>
#include <string.h>

#include "enter_clone.h"
#include "spawn.h"

/* libc counts signals from 1 and may count one too many: 64 of them, or 128. */
#define MASK_BYTES (((unsigned long)NSIG + 62) / 64 * 8)

/* All of them, also those that libc keeps for itself: no handler may run in the child. */
static inline long block_signals(unsigned long *old)
{
	unsigned long all[SIGNAL_WORDS];

	memset(all, 0xff, sizeof(all));
	return syscall4(__NR_rt_sigprocmask, SIG_SETMASK, (long)all, (long)old, MASK_BYTES);
}

static inline void restore_signals(const unsigned long *old)
{
	syscall4(__NR_rt_sigprocmask, SIG_SETMASK, (long)old, 0, MASK_BYTES);
}

#endif
