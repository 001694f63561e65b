// SPDX-License-Identifier: MIT
/* Every bit of every argument, one by one and all together. */
#include "wide.h"
#include "ktap.h"

static long folded(__u32 a, __u64 b, __s64 c)
{
	__u64 sum = a + 3 * b + 5 * (__u64)c;

	return (long)((sum ^ sum >> 30 ^ sum >> 60) & 0x3fffffff);
}

static int same(__u32 a, __u64 b, __s64 c)
{
	return wide(a, b, c) == folded(a, b, c);
}

int main(void)
{
	int bad = -1;

	ktap_header(3);
	for (int i = 0; i < 64 && bad < 0; i++)
		if (!same(1, 1ULL << i, 0) || !same(1, 0, (__s64)(1ULL << i)))
			bad = i;
	ktap_test(bad < 0, "each bit in its place", "bit %d is not", bad);
	ktap_test(same(0xfedcba98, 0x0123456789abcdefULL, -2), "all together",
		  "returned %ld, not %ld",
		  wide(0xfedcba98, 0x0123456789abcdefULL, -2),
		  folded(0xfedcba98, 0x0123456789abcdefULL, -2));
	ktap_test(same(0xffffffff, ~0ULL, -1), "all ones", "returned %ld",
		  wide(0xffffffff, ~0ULL, -1));
	return ktap_finish();
}
