/* SPDX-License-Identifier: MIT */
/* The end of a child that the caller does not get. */
#ifndef SYSCRAFT_BURY_H
#define SYSCRAFT_BURY_H

#include <errno.h>
#include <sys/wait.h>

#include "enter_clone.h"

/* Waits for it, so that it leaves nothing. */
static inline void bury(long pid, int pidfd)
{
	siginfo_t info;

	while (syscall5(__NR_waitid, P_PID, pid, (long)&info, WEXITED | __WALL, 0) == -EINTR)
		;
	if (pidfd >= 0)
		syscall1(__NR_close, pidfd);
}

#endif
