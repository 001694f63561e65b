/* SPDX-License-Identifier: MIT */
/* What the proof program has to know of mips_n64. */
#define PROBE_STACK_ALIGNMENT 16
#define PROBE_SIGSET_BYTES 16

static inline unsigned long probe_thread_pointer(void)
{
	register unsigned long v1 __asm__("$3");

	__asm__ (".set	push\n\t"
		 ".set	mips64r2\n\t"
		 "rdhwr	$3, $29\n\t"
		 ".set	pop"
		 : "=r" (v1));
	return v1;
}

#if !__STDC_HOSTED__
int main(void);

__attribute__((__used__)) static void probe_start(void)
{
	syscall1(__NR_exit_group, main());
}

__asm__ (".globl	__start\n\t"
	 ".set	noreorder\n"
	 "__start:\n\t"
	 "jal	probe_start\n\t"
	 "nop\n\t"
	 "break\n\t"
	 ".set	reorder");
#endif
