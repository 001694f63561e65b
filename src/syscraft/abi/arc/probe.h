/* SPDX-License-Identifier: MIT */
/* What the proof program has to know of arc. */
#define PROBE_STACK_ALIGNMENT 4

/* The kernel knows it; which register a compiler keeps it in is an option. */
static inline unsigned long probe_thread_pointer(void)
{
	return (unsigned long)syscall0(__NR_arc_gettls);
}

#if !__STDC_HOSTED__
int main(void);

__attribute__((__used__)) static void probe_start(void)
{
	syscall1(__NR_exit_group, main());
}

/* The linker for arc starts programs here, and not at _start. */
__asm__ (".globl	__start\n"
	 "__start:\n\t"
	 "bl	probe_start\n\t"
	 "unimp_s");
#endif
