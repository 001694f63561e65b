// SPDX-License-Identifier: GPL-2.0
#include <linux/kernel.h>
#include <linux/uaccess.h>

static long do_splork(unsigned long arg1, void __user *arg2)
{
	char text[21];	/* the digits of ULONG_MAX and a null byte */
	int digits = scnprintf(text, sizeof(text), "%lu", arg1);

	if (copy_to_user(arg2, text, digits + 1))
		return -EFAULT;
	return digits;
}
