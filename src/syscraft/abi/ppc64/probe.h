/* SPDX-License-Identifier: MIT */
/* What the proof program has to know of ppc64, and of ppc64le. */
#define PROBE_STACK_ALIGNMENT 16

static inline unsigned long probe_thread_pointer(void)
{
	unsigned long value;

	__asm__ ("mr	%0, 13" : "=r" (value));
	return value;
}

#if !__STDC_HOSTED__
int main(void);

__attribute__((__used__)) static void probe_start(void)
{
	syscall1(__NR_exit_group, main());
}

/* For ELFv2: r12 holds the address that this starts at, and r2 nothing yet. */
__asm__ (".globl	_start\n\t"
	 ".type	_start, @function\n"
	 "_start:\n\t"
	 "addis	2, 12, .TOC. - _start@ha\n\t"
	 "addi	2, 2, .TOC. - _start@l\n\t"
	 "li	0, 0\n\t"
	 "stdu	0, -112(1)\n\t"
	 "bl	probe_start\n\t"
	 "trap");
#endif
