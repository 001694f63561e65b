/* SPDX-License-Identifier: MIT */
/*
 * The kernel's two calls, entered as generated headers do; and what headers of an older kernel lack.
 * Source: include/uapi/linux/sched.h, Linux 6.12.
 */
#ifndef SYSCRAFT_ENTER_CLONE_H
#define SYSCRAFT_ENTER_CLONE_H

#include <asm/unistd.h>
#include <linux/types.h>

#include "generated/bare_syscalls.h"

/* The number that all tables share, scripts/syscall.tbl. */
#ifndef __NR_clone3
#define __NR_clone3 SYSCALL_NUMBER(435)
#endif

/* The wrapper's declaration knows a private number; the core has the real one. */
#define __NR_core_clone __NR_clone
#include "generated/core_clone_raw.h"

/* struct clone_args as of CLONE_ARGS_SIZE_VER2 (Linux 5.7). */
struct clone3_args {
	__aligned_u64 flags;
	__aligned_u64 pidfd;
	__aligned_u64 child_tid;
	__aligned_u64 parent_tid;
	__aligned_u64 exit_signal;
	__aligned_u64 stack;
	__aligned_u64 stack_size;
	__aligned_u64 tls;
	__aligned_u64 set_tid;
	__aligned_u64 set_tid_size;
	__aligned_u64 cgroup;
};

_Static_assert(sizeof(struct clone3_args) == 88, "CLONE_ARGS_SIZE_VER2");

#define C_CLONE_VM 0x00000100ULL
#define C_CLONE_VFORK 0x00004000ULL
#define C_CLONE_PIDFD 0x00001000ULL
#define C_CLONE_CHILD_CLEARTID 0x00200000ULL
#define C_CLONE_CHILD_SETTID 0x01000000ULL
#define C_CLONE_CLEAR_SIGHAND 0x100000000ULL
#define C_CLONE_INTO_CGROUP 0x200000000ULL

/* The part of the flags that clone(2) can take, and its lowest byte, which is the exit signal. */
#define C_CLONE_OLD_FLAGS 0xffffff00ULL

/* Returns twice. */
static inline __attribute__((__always_inline__)) long enter_clone3(struct clone3_args *args)
{
	return fork_syscall2(__NR_clone3, (unsigned long)args, sizeof(*args));
}

#endif
