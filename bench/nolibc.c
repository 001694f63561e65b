// SPDX-License-Identifier: GPL-2.0
/* The same call by the kernel's own nolibc; in a file of its own, for it defines _start. */
#include <asm/unistd.h>
#include <stddef.h>

static void exit(int status)
{
	(void)status;
}

static void __stack_chk_init(void)
{
}

int main(int argc, char **argv, char **envp);

#include "arch.h"

long nolibc_getppid(void);
long nolibc_getppid(void)
{
	return my_syscall0(__NR_getppid);
}
