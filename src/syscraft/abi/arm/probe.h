/* SPDX-License-Identifier: MIT */
/* What the proof program has to know of arm. */
#define PROBE_STACK_ALIGNMENT 8

static inline unsigned long probe_thread_pointer(void)
{
	/* The kernel's helper, for machines that have no register for it. */
	return ((unsigned long (*)(void))0xffff0fe0)();
}

#if !__STDC_HOSTED__
int main(void);

/* libgcc would, to tell of a division by 0. */
int raise(int signal);
int raise(int signal)
{
	return -signal;
}

__attribute__((__used__)) static void probe_start(void)
{
	syscall1(__NR_exit_group, main());
}

__asm__ (".globl	_start\n\t"
	 ".type	_start, %function\n"
	 "_start:\n\t"
	 "bl	probe_start\n\t"
	 "udf	#0");
#endif
