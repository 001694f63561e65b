/* SPDX-License-Identifier: MIT */
/* What the proof program has to know of x32. */
#define PROBE_STACK_ALIGNMENT 16

static inline unsigned long probe_thread_pointer(void)
{
	unsigned long long base;

	/* The kernel has fs.base, 64 bits of it; arch_prctl(2) tells it. */
	syscall2(__NR_arch_prctl, 0x1003 /* ARCH_GET_FS */, (unsigned long)&base);
	return (unsigned long)base;
}

#if !__STDC_HOSTED__
int main(void);

__attribute__((__used__)) static void probe_start(void)
{
	syscall1(__NR_exit_group, main());
}

/* The kernel aligns the stack to 16; a call makes it what a function expects. */
__asm__ (".globl	_start\n"
	 "_start:\n\t"
	 "call	probe_start\n\t"
	 "ud2");
#endif
