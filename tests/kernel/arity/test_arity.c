// SPDX-License-Identifier: MIT
/* Every count of arguments through the bare traps, with libc's own beside them. */
#include <sys/syscall.h>
#include <unistd.h>

#include "arity.h"
#include "arity_raw.h"
#include "bare_syscalls.h"
#include "ktap.h"

static void test_count(unsigned int count, long found)
{
	static const unsigned int values[] = { 0, 11, 222, 3333, 44444, 555555 };
	long expected = count;
	char name[] = "N arguments";

	for (unsigned int i = 1; i < count; i++)
		expected += (long)(values[i] * (i + 1));
	name[0] = (char)('0' + count);
	ktap_test(found == expected, name, "returned %ld, not %ld", found, expected);
}

int main(void)
{
	long nr = __NR_arity;

	ktap_header(9);
	ktap_test(syscall0(__NR_getppid) == getppid(), "0 arguments",
		  "returned %ld", (long)syscall0(__NR_getppid));
	test_count(1, syscall1(nr, 1));
	test_count(2, syscall2(nr, 2, 11));
	test_count(3, syscall3(nr, 3, 11, 222));
	test_count(4, syscall4(nr, 4, 11, 222, 3333));
	test_count(5, syscall5(nr, 5, 11, 222, 3333, 44444));
	test_count(6, syscall6(nr, 6, 11, 222, 3333, 44444, 555555));
	ktap_test(syscall1(nr, 9) == -EINVAL, "an error is -errno",
		  "returned %ld", (long)syscall1(nr, 9));
	ktap_test(arity(9, 0, 0, 0, 0, 0) == -1 && errno == EINVAL,
		  "and errno through the wrapper", "errno %d", errno);
	return ktap_finish();
}
