/* SPDX-License-Identifier: MIT */
/* What the proof program has to know of riscv64, and of riscv32. */
#define PROBE_STACK_ALIGNMENT 16

static inline unsigned long probe_thread_pointer(void)
{
	unsigned long value;

	__asm__ ("mv	%0, tp" : "=r" (value));
	return value;
}

#if !__STDC_HOSTED__
int main(void);

__attribute__((__used__)) static void probe_start(void)
{
	syscall1(__NR_exit_group, main());
}

/* gp holds the address that linkers relax to; it does not load itself. */
__asm__ (".globl	_start\n"
	 "_start:\n\t"
	 ".option	push\n\t"
	 ".option	norelax\n\t"
	 "lla	gp, __global_pointer$\n\t"
	 ".option	pop\n\t"
	 "call	probe_start\n\t"
	 "ebreak");
#endif
