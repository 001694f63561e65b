/* SPDX-License-Identifier: MIT */
/* What the proof program has to know of sparc32. */
#define PROBE_STACK_ALIGNMENT 16

static inline unsigned long probe_thread_pointer(void)
{
	unsigned long value;

	__asm__ ("mov	%%g7, %0" : "=r" (value));
	return value;
}

#if !__STDC_HOSTED__
int main(void);

__attribute__((__used__)) static void probe_start(void)
{
	syscall1(__NR_exit_group, main());
}

/* The kernel leaves room for a window, a caller has to for arguments. */
__asm__ (".globl	_start\n"
	 "_start:\n\t"
	 "clr	%fp\n\t"
	 "sub	%sp, 32, %sp\n\t"
	 "call	probe_start\n\t"
	 "nop\n\t"
	 "ta	5");
#endif
