// SPDX-License-Identifier: MIT
/* A clone variant whose arguments travel in a struct. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clone_pair.h"
#include "ktap.h"

static char stacks[2][65536];

static void *top(int index)
{
	return stacks[index] + sizeof(stacks[index]);
}

static int give_back(void *arg)
{
	return (int)(long)arg;
}

static int result_of(long pid)
{
	int status = -1;

	if (pid < 0 || waitpid((pid_t)pid, &status, __WALL) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void test_values(void)
{
	__u64 told = 0;
	int found = result_of(clone_pair(give_back, top(0), SIGCHLD, (void *)42L, 7,
					 0xfedcba9800000000ULL, &told, NULL, NULL, NULL));

	ktap_test(found == 42, "fn gets arg on the new stack, its result is the status",
		  "found %d", found);
	ktap_test(told == 0xfedcba9800000007ULL, "the extra arguments arrive whole",
		  "found %llx", (unsigned long long)told);
	found = result_of(clone_pair(give_back, (char *)top(0) - 3, SIGCHLD, (void *)43L, 0, 0,
				     NULL, NULL, NULL, NULL));
	ktap_test(found == 43, "a misaligned stack", "found %d", found);
}

static int ptid, ctid;
static volatile int shared;

static int check_tid(void *arg)
{
	(void)arg;
	return ctid == (int)syscall(SYS_gettid) ? 44 : 1;
}

static int store(void *arg)
{
	shared = (int)(long)arg;
	return 45;
}

static void test_clone_arguments(void)
{
	int pid, found;

	ptid = ctid = -1;
	pid = clone_pair(check_tid, top(0), SIGCHLD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID,
			 NULL, 0, 0, NULL, &ptid, NULL, &ctid);
	found = result_of(pid);
	ktap_test(found == 44 && ptid == pid && ctid == -1, "ptid and ctid", "found %d", found);

	shared = 0;
	pid = clone_pair(store, top(0), SIGCHLD | CLONE_VM | CLONE_VFORK, (void *)46L, 0, 0, NULL,
			 NULL, NULL, NULL);
	found = shared;
	ktap_test(found == 46 && result_of(pid) == 45, "a vfork-like child", "found %d", found);

	shared = 0;
	ctid = -1;
	pid = clone_pair(store, top(1),
			 CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			 CLONE_SYSVSEM | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID,
			 (void *)47L, 0, 0, NULL, NULL, NULL, &ctid);
	while (pid > 0 && *(volatile int *)&ctid != 0)
		sched_yield();
	ktap_test(shared == 47, "a thread", "returned %d, found %d", pid, shared);
}

static void test_error(long ret, int error, const char *name)
{
	ktap_test(ret == -1 && errno == error, name, "returned %ld, errno %d", ret, errno);
}

static void test_errors(void)
{
	struct clone_pair_args args;
	unsigned char longer[sizeof(args) + 8];

	test_error(clone_pair(NULL, top(0), SIGCHLD, NULL, 0, 0, NULL, NULL, NULL, NULL), EINVAL,
		   "a null function");
	test_error(clone_pair(give_back, (void *)15, SIGCHLD, NULL, 0, 0, NULL, NULL, NULL, NULL),
		   EINVAL, "a stack that alignment makes null");
	test_error(clone_pair(give_back, top(0), SIGCHLD, NULL, 20, 0, NULL, NULL, NULL, NULL),
		   EINVAL, "an error of the body");
	test_error(clone_pair(give_back, top(0), SIGCHLD, NULL, 0, 0, (__u64 *)16, NULL, NULL, NULL),
		   EFAULT, "a bad pointer");

	memset(&args, 0, sizeof(args));
	args.flags = SIGCHLD | (1ULL << 40);
	ktap_test(clone_pair_raw(&args, sizeof(args)) == -EINVAL, "a flag that clone does not know",
		  "no EINVAL");
	args.flags = SIGCHLD;
	args.__pad0 = 1;
	ktap_test(clone_pair_raw(&args, sizeof(args)) == -EINVAL, "padding", "no EINVAL");
	args.__pad0 = 0;
	ktap_test(clone_pair_raw(&args, CLONE_PAIR_ARGS_SIZE_VER0 - 8) == -EINVAL, "too small",
		  "no EINVAL");
	memcpy(longer, &args, sizeof(args));
	memset(longer + sizeof(args), 1, 8);
	ktap_test(clone_pair_raw((struct clone_pair_args *)(void *)longer, sizeof(longer)) == -E2BIG,
		  "a newer field that is not zero", "no E2BIG");
}

static void test_raw(void)
{
	struct clone_pair_args args;
	long pid;
	int found;

	memset(&args, 0, sizeof(args));
	args.flags = SIGCHLD;
	pid = clone_pair_raw(&args, CLONE_PAIR_ARGS_SIZE_VER0);
	if (pid == 0)
		_exit(48);
	found = result_of(pid);
	ktap_test(found == 48, "the raw call returns twice, also with the first version",
		  "returned %ld, found %d", pid, found);
}

int main(void)
{
	ktap_header(15);
	test_values();
	test_clone_arguments();
	test_errors();
	test_raw();
	return ktap_finish();
}
