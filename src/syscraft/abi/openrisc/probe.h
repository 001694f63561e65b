/* SPDX-License-Identifier: MIT */
/* What the proof program has to know of openrisc. */
#define PROBE_STACK_ALIGNMENT 4

static inline unsigned long probe_thread_pointer(void)
{
	unsigned long value;

	__asm__ ("l.or	%0, r10, r10" : "=r" (value));
	return value;
}

#if !__STDC_HOSTED__
int main(void);

__attribute__((__used__)) static void probe_start(void)
{
	syscall1(__NR_exit_group, main());
}

__asm__ (".globl	_start\n"
	 "_start:\n\t"
	 "l.jal	probe_start\n\t"
	 "l.nop\n\t"
	 "l.trap	0");
#endif
