// SPDX-License-Identifier: GPL-2.0
#include <linux/types.h>

static long do_wide(u32 a, u64 b, s64 c)
{
	u64 sum = a + 3 * b + 5 * (u64)c;

	return (sum ^ sum >> 30 ^ sum >> 60) & 0x3fffffff;
}
