/* SPDX-License-Identifier: MIT */
/* The part of the program that is about struct clone_args; it uses what stands above it. */
#ifndef CLONE3_CALLS_H
#define CLONE3_CALLS_H

static void test_clone3(void)
{
	static struct {
		struct clone_args args;
		char more[8];
	} big;
	struct clone_args *args = &big.args;
	long pid, found;

	report(proof_clone3_call_raw((struct clone_args *)0, sizeof(*args), check_arg, (void *)0, 0) ==
	       -EINVAL, "no struct", 0);
	report(proof_clone3_call_raw(args, sizeof(*args), check_arg, (void *)0, 0) == -EINVAL,
	       "a struct without a stack", 0);
	/* Not aligned at either end. */
	args->stack = (unsigned long)stacks[0] + 3;
	args->stack_size = 4095;
	args->exit_signal = SIGCHLD;
	report(proof_clone3_call_raw(args, sizeof(*args), check_arg, (void *)0, 0) == -EINVAL,
	       "a struct with too small a stack", 0);
	args->stack_size = STACK_BYTES - 10;
	report(proof_clone3_call_raw(args, sizeof(*args), (int (*)(void *))0, (void *)0, 0) == -EINVAL,
	       "a struct and a null function", 0);
	report(proof_clone3_call_raw(args, 48, check_arg, (void *)0, 0) == -EINVAL,
	       "a struct that ends before the stack's size", 0);
	report(proof_clone3_call_raw(args, 4097, check_arg, (void *)0, 0) == -E2BIG,
	       "a struct that is larger than any", 0);
	big.more[7] = 1;
	report(proof_clone3_call_raw(args, sizeof(big), check_arg, (void *)0, 0) == -E2BIG,
	       "a struct with what its header does not know", 0);
	big.more[7] = 0;

	pid = proof_clone3_call_raw(args, sizeof(big), check_arg, PATTERN, 0);
#ifndef NATIVE
	if (pid == -ENOSYS) {
		report_skip("a function on the stack of a struct", "the emulator has no clone3");
		return;
	}
#endif
	found = exit_of(pid);
	report(found == 42 && args->stack_size == STACK_BYTES - 10,
	       "a function on the stack of a struct", found);
	found = exit_of(proof_clone3_call_raw(args, 64, check_arg, PATTERN, 0));
	report(found == 42, "a function on the stack of a struct in its first version", found);
	shared = 0;
	args->flags = CLONE_VM | CLONE_VFORK;
	found = exit_of(proof_clone3_call_raw(args, sizeof(*args), store_shared, (void *)53, 0));
	report(found == 46 && shared == 53, "a function in our memory, on the stack of a struct", found);
	args->flags = CLONE_THREAD;
	found = proof_clone3_call_raw(args, sizeof(*args), check_arg, (void *)0, 0);
	report(found == -EINVAL, "clone3's own error comes back", found);
	args->flags = args->stack = args->stack_size = 0;
	pid = proof_clone3_raw(args, sizeof(*args), 0);
	if (pid == 0)
		syscall1(__NR_exit, 54);
	found = exit_of(pid);
	report(found == 54, "clone3 without a stack returns twice", found);
}

#endif /* CLONE3_CALLS_H */
