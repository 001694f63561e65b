// SPDX-License-Identifier: GPL-2.0
static long do_proof_clone(struct kernel_clone_args *args, int extra)
{
	return kernel_clone(args);
}
