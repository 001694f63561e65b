/* SPDX-License-Identifier: MIT */
/* What the proof program has to know of i386. */
#include <asm/ldt.h>

#define PROBE_STACK_ALIGNMENT 16

/*
 * tls points at the description of a segment, of the one in gs. Where it
 * begins a word points at itself, as libc has it, for the thread to find.
 */
#define PROBE_TLS_AREA struct probe_tls_area
struct probe_tls_area {
	struct user_desc segment;
	unsigned long self;
	unsigned long words[8];
};

static inline void *probe_tls(struct probe_tls_area *area)
{
	unsigned int selector;

	__asm__ ("{movl	%%gs, %0|mov	%0, gs}" : "=r" (selector));
	area->segment.entry_number = selector >> 3;
	area->segment.base_addr = (unsigned long)&area->self;
	area->segment.limit = 0xfffff;
	area->segment.seg_32bit = 1;
	area->segment.limit_in_pages = 1;
	area->segment.useable = 1;
	area->self = (unsigned long)&area->self;
	return &area->segment;
}

static inline unsigned long probe_tls_value(struct probe_tls_area *area)
{
	return area->self;
}

static inline unsigned long probe_thread_pointer(void)
{
	unsigned long self;

	/* get_thread_area(2) says the same, but not in QEMU 7.2. */
	__asm__ volatile ("{movl	%%gs:0, %0|mov	%0, gs:0}" : "=r" (self));
	return self;
}
