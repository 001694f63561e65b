// SPDX-License-Identifier: MIT
/* getppid(2) many times over, by three wrappers in turn. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bare_syscalls.h"

long nolibc_getppid(void);

/* A function of its own, as the other two are. */
__attribute__((__noinline__)) static long our_getppid(void)
{
	return syscall0(__NR_getppid);
}

enum { CALLS = 2000000 };

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#define MEASURE(call)						\
	do {							\
		const double start = seconds();			\
		int left;					\
								\
		for (left = CALLS; left; left--)		\
			if ((call) < 0)				\
				abort();			\
		printf("%.9f ", (seconds() - start) / CALLS);	\
	} while (0)

int main(void)
{
	MEASURE(our_getppid());
	MEASURE(nolibc_getppid());
	MEASURE(syscall(SYS_getppid));
	printf("\n");
	return 0;
}
