// SPDX-License-Identifier: GPL-2.0
#include <linux/types.h>

static long do_longs(long a, unsigned long b, long c)
{
	u64 sum = (u64)a + 3 * (u64)b + 5 * (u64)c;

	return (sum ^ sum >> 30 ^ sum >> 60) & 0x3fffffff;
}
