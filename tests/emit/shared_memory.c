// SPDX-License-Identifier: MIT
/* What a child changes in our memory is seen here, though no compiler sees a call of tell(). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>

#define __NR_clone_nice __NR_clone	/* which does not look at nice */
#include "clone_nice.h"

static char stack[65536];
static int told;

static int tell(void *arg)
{
	told = *(int *)arg;
	return 0;
}

/* Whoever calls this is told by the compiler what it can change. */
__attribute__((__noinline__))
static int start(int *value)
{
	return clone_nice(tell, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, value, 0,
			  NULL, NULL, NULL);
}

int main(void)
{
	int value = 6;

	told = 1;
	if (start(&value) < 0)
		return 2;
	return told != 6;
}
