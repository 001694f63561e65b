/* SPDX-License-Identifier: MIT */
/* What the proof program has to know of xtensa. */
#define PROBE_STACK_ALIGNMENT 16

static inline unsigned long probe_thread_pointer(void)
{
	register unsigned long a2 __asm__("a2");

	/* rur.threadptr a2; assemblers for cores without one do not know it. */
	__asm__ (".byte	0x70, 0x2e, 0xe3" : "=r" (a2));
	return a2;
}

#if !__STDC_HOSTED__
int main(void);

__attribute__((__used__)) static void probe_start(void)
{
	syscall1(__NR_exit_group, main());
}

#if SYSCALL_WINDOWED
#define PROBE_CALL "call4"
#else
#define PROBE_CALL "call0"
#endif

__asm__ (".globl	_start\n\t"
	 ".align	4\n"
	 "_start:\n\t"
	 "movi	a0, 0\n\t"
	 PROBE_CALL "	probe_start\n\t"
	 "ill");
#endif
