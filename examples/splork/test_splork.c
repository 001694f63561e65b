// SPDX-License-Identifier: MIT
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "splork.h"
#include "splork_raw.h"
#include "ktap.h"

static void test_raw(void)
{
	char text[21] = "";
	long ret = splork_raw(42, text);

	ktap_test(ret == 2 && !strcmp(text, "42"),
		  "the raw call takes the kernel's order",
		  "returned %ld and wrote '%s'", ret, text);
	ret = splork_raw(42, NULL);
	ktap_test(ret == -EFAULT, "the raw call returns -errno",
		  "returned %ld", ret);
}

static void test_end_of_memory(void)
{
	long bytes = sysconf(_SC_PAGESIZE);
	char *page = mmap(NULL, 2 * bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *end = page + bytes;
	int ret;

	munmap(end, bytes);
	ret = splork(end - 4, 123);
	ktap_test(ret == 3 && !strcmp(end - 4, "123"),
		  "the last bytes of a mapping are enough", "returned %d", ret);
	errno = 0;
	ret = splork(end - 3, 123);
	ktap_test(ret == -1 && errno == EFAULT,
		  "one byte less is not", "returned %d, errno %d", ret, errno);
}

int main(void)
{
	ktap_header(4);
	test_raw();
	test_end_of_memory();
	return ktap_finish();
}
