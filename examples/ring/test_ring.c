// SPDX-License-Identifier: MIT
#include <string.h>

#include "ring_put.h"
#include "ring_get.h"
#include "ktap.h"

#define SLOTS 8

static void drain(void)
{
	char data[RING_MESSAGE_MAX];

	while (ring_get(data, sizeof(data), 0) >= 0)
		continue;
}

static void test_order(void)
{
	char data[RING_MESSAGE_MAX];
	int i, put = 0, wrong = 0;

	drain();
	/* one more than the ring has: the slots are used again */
	for (i = 0; i <= SLOTS; i++) {
		put += ring_put(&i, sizeof(i)) == 0;
		if (i == 0)
			ring_get(data, sizeof(data), 0);
	}
	ktap_test(put == SLOTS + 1, "a slot is used again", "%d were put", put);
	for (i = 1; i <= SLOTS; i++)
		wrong += ring_get(data, sizeof(data), 0) != sizeof(i) ||
			 memcmp(data, &i, sizeof(i));
	ktap_test(!wrong, "messages come out in the order they went in",
		  "%d came wrong", wrong);
}

static void test_full(void)
{
	int i, ret, put = 0;

	drain();
	for (i = 0; i < SLOTS; i++)
		put += ring_put("x", 1) == 0;
	errno = 0;
	ret = ring_put("x", 1);
	ktap_test(put == SLOTS && ret == -1 && errno == EAGAIN,
		  "a full ring takes no message",
		  "%d were put, then %d with errno %d", put, ret, errno);
	drain();
}

static void test_peek(void)
{
	char first[4] = "", second[4] = "";

	drain();
	ring_put("abc", 3);
	ring_get(first, sizeof(first), RING_PEEK);
	ring_get(second, sizeof(second), 0);
	ktap_test(!strcmp(first, "abc") && !strcmp(second, "abc"),
		  "a message that was looked at stays",
		  "'%s', then '%s'", first, second);
}

static void test_room(void)
{
	char data[4] = "";
	long ret;
	int error;

	drain();
	ring_put("four", 4);
	errno = 0;
	ret = ring_get(data, 3, 0);
	error = errno;
	ktap_test(ret == -1 && error == EMSGSIZE && ring_get(data, 4, 0) == 4,
		  "a message that does not fit stays",
		  "%ld with errno %d", ret, error);
}

static void test_raw(void)
{
	char data[4] = "";
	long put, got;

	drain();
	put = ring_put_raw("raw", 3, 1);
	got = ring_get_raw(data, sizeof(data), 0);
	ktap_test(put == -EINVAL && got == -EAGAIN,
		  "the raw calls return -errno", "%ld and %ld", put, got);
}

int main(void)
{
	ktap_header(6);
	test_order();
	test_full();
	test_peek();
	test_room();
	test_raw();
	return ktap_finish();
}
