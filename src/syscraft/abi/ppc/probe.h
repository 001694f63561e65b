/* SPDX-License-Identifier: MIT */
/* What the proof program has to know of ppc. */
#define PROBE_STACK_ALIGNMENT 16

static inline unsigned long probe_thread_pointer(void)
{
	unsigned long value;

	__asm__ ("mr	%0, 2" : "=r" (value));
	return value;
}
