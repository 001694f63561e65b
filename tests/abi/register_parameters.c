/* A child on a stack of its own, in a program whose functions take parameters in registers. */
#include <stddef.h>

#define __NR_clone_nice 120 /* clone's own, which takes no more than it knows */
#include "clone_nice_raw.h"

static long stack[4096] __attribute__((__aligned__(16)));

static int child(void *arg)
{
	return *(int *)arg + 1;
}

int main(void)
{
	int given = 41, status = 0;
	/* SIGCHLD; the kernel takes no extra parameter. */
	long pid = clone_nice_call_raw(child, stack + 4096, 17, &given, 0, NULL, NULL, NULL);

	if (pid <= 0)
		return 1;
	/* wait4(2) */
	if (syscall4(114, pid, SYSCALL_UNSIGNED(&status), 0, 0) != pid)
		return 2;
	return status == 42 << 8 ? 0 : 3;
}
