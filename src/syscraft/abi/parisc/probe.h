/* SPDX-License-Identifier: MIT */
/* What the proof program has to know of parisc. */
#define PROBE_STACK_ALIGNMENT 64
#define PROBE_STACK_GROWS_UP 1

static inline unsigned long probe_thread_pointer(void)
{
	unsigned long value;

	__asm__ ("mfctl	%%cr27, %0" : "=r" (value));
	return value;
}
