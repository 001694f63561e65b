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
