/* SPDX-License-Identifier: MIT */
/* What the proof program has to know of m68k. */
#define PROBE_STACK_ALIGNMENT 4

/* No register holds it: the kernel does. */
static inline unsigned long probe_thread_pointer(void)
{
	return (unsigned long)syscall0(__NR_get_thread_area);
}

#if !__STDC_HOSTED__
int main(void);

__attribute__((__used__)) static void probe_start(void)
{
	syscall1(__NR_exit_group, main());
}

__asm__ (".globl	_start\n"
	 "_start:\n\t"
	 "jsr	probe_start\n\t"
	 "illegal");
#endif
