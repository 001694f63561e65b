/* SPDX-License-Identifier: MIT */
/* What the proof program has to know of mips_n32. */
#define PROBE_STACK_ALIGNMENT 16
#define PROBE_SIGSET_BYTES 16

/* QEMU hands on 32 bits of a register that has 64. */
#ifndef NATIVE
#define PROBE_WIDE_IS_CUT 1
#endif

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
