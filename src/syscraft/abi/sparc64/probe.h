/* SPDX-License-Identifier: MIT */
/* What the proof program has to know of sparc64. */
#define PROBE_STACK_ALIGNMENT 16

static inline unsigned long probe_thread_pointer(void)
{
	unsigned long value;

	__asm__ ("mov	%%g7, %0" : "=r" (value));
	return value;
}
