/* SPDX-License-Identifier: MIT */
/* What the proof program has to know of alpha. */
#define PROBE_STACK_ALIGNMENT 16

static inline unsigned long probe_thread_pointer(void)
{
	register unsigned long v0 __asm__("$0");

	__asm__ ("call_pal	0x9e" /* rduniq */ : "=r" (v0));
	return v0;
}
