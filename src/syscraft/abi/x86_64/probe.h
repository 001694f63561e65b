/* SPDX-License-Identifier: MIT */
/* What the proof program has to know of x86_64. */
#define PROBE_STACK_ALIGNMENT 16

static inline unsigned long probe_thread_pointer(void)
{
	unsigned long base;

	/* The kernel has fs.base; arch_prctl(2) tells it. */
	syscall2(__NR_arch_prctl, 0x1003 /* ARCH_GET_FS */, (long)&base);
	return base;
}
