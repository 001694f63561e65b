/* SPDX-License-Identifier: MIT */
/* What the proof program has to know of sh4. */
#define PROBE_STACK_ALIGNMENT 4
/* An argument of no use comes before its offset. */
#define PROBE_PREAD_HAS_A_GAP

static inline unsigned long probe_thread_pointer(void)
{
	unsigned long value;

	__asm__ ("stc	gbr, %0" : "=r" (value));
	return value;
}

#if !__STDC_HOSTED__
int main(void);

__attribute__((__used__)) static void probe_start(void)
{
	syscall1(__NR_exit_group, main());
}

__asm__ (".globl	_start\n\t"
	 ".align	2\n"
	 "_start:\n\t"
	 "mov.l	1f, r0\n\t"
	 "jsr	@r0\n\t"
	 "mov	#0, r14\n\t"
	 ".short	0xfffd\n\t"
	 ".align	2\n"
	 "1:	.long	probe_start");
#endif
