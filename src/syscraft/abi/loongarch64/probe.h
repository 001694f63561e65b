/* SPDX-License-Identifier: MIT */
/* What the proof program has to know of loongarch64. */
#define PROBE_STACK_ALIGNMENT 16

static inline unsigned long probe_thread_pointer(void)
{
	unsigned long value;

	__asm__ ("move	%0, $tp" : "=r" (value));
	return value;
}

#if !__STDC_HOSTED__
int main(void);

__attribute__((__used__)) static void probe_start(void)
{
	syscall1(__NR_exit_group, main());
}

__asm__ (".globl	_start\n"
	 "_start:\n\t"
	 "bl	probe_start\n\t"
	 "break	0");
#endif
