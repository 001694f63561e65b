/* SPDX-License-Identifier: MIT */
/* What the module knows of calls. */
#ifndef SYSCRAFT_STATE_H
#define SYSCRAFT_STATE_H

#include "limited_api.h"

/* Above every table's last number; MIPS' three tables start at 4000, 5000 and 6000. */
#define POLICY_NUMBERS 8192

/*
 * x32 marks its numbers by a bit of their own; what is left has a place in the table.
 * Source: __X32_SYSCALL_BIT, arch/x86/include/uapi/asm/unistd.h, Linux 6.12.
 */
#define POLICY_PLACE(number) ((number) & ~0x40000000L)

/* What is known of a number, besides its name. */
enum policy {
	POLICY_KEEP_GIL = 1, /* it never blocks, and is too short to give the GIL away */
	POLICY_RETRY = 2, /* after EINTR it may be made again */
	POLICY_REFUSED = 4, /* the interpreter would not survive it */
};

struct core_state {
	PyObject *numbers; /* dict: name -> number */
	PyObject *refused; /* dict: number -> sentence */
	PyObject *missing; /* name -> exception, or NULL */
	PyObject *loader; /* fills the above when they are first needed, or NULL */
	PyObject *call_type;
	unsigned char policy[POLICY_NUMBERS];
};

#endif
