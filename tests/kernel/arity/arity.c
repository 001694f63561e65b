// SPDX-License-Identifier: GPL-2.0
#include <linux/errno.h>
#include <linux/types.h>

static long do_arity(unsigned int count, unsigned int b, unsigned int c,
		     unsigned int d, unsigned int e, unsigned int f)
{
	const unsigned int values[] = { count, b, c, d, e, f };
	long sum = 0;
	unsigned int i;

	if (count < 1 || count > 6)
		return -EINVAL;
	for (i = 0; i < count; i++)
		sum += (long)(values[i] * (i + 1));
	return sum;
}
