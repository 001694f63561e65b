/* SPDX-License-Identifier: MIT */
/* What the proof program has to know of s390x. */
#define PROBE_STACK_ALIGNMENT 8
#define PROBE_CLONE_STACK_FIRST 1

/* Access registers 0 and 1 hold the halves. */
static inline unsigned long probe_thread_pointer(void)
{
	unsigned long value;

	__asm__ ("ear	%0, %%a0\n\t"
		 "sllg	%0, %0, 32\n\t"
		 "ear	%0, %%a1"
		 : "=&r" (value));
	return value;
}
