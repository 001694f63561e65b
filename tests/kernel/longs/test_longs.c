// SPDX-License-Identifier: MIT
/* A sign goes on to the left, and nothing else does. */
#include <limits.h>

#include "longs.h"
#include "ktap.h"

static long folded(long a, unsigned long b, long c)
{
	__u64 sum = (__u64)(__s64)a + 3 * (__u64)b + 5 * (__u64)(__s64)c;

	return (long)((sum ^ sum >> 30 ^ sum >> 60) & 0x3fffffff);
}

static void test(long a, unsigned long b, long c, const char *name)
{
	long found = longs(a, b, c);

	ktap_test(found == folded(a, b, c), name, "returned %ld, not %ld", found,
		  folded(a, b, c));
}

int main(void)
{
	ktap_header(5);
	test(-1, 0, 0, "minus one");
	test(0, ULONG_MAX, 0, "the largest unsigned number");
	test(0, 0, LONG_MIN, "the smallest number");
	test(LONG_MAX, (unsigned long)LONG_MIN, -2, "only the highest bit");
	test(LONG_MIN, ULONG_MAX, LONG_MAX, "all extremes");
	return ktap_finish();
}
