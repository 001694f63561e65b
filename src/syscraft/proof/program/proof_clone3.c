// SPDX-License-Identifier: GPL-2.0
static long do_proof_clone3(struct clone_args __user *uargs, size_t size, int extra)
{
	return -ENOSYS;
}
