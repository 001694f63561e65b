// SPDX-License-Identifier: MIT
/* What a struct with versions promises to old and new programs. */
#include <stddef.h>
#include <string.h>

#include "splork8.h"
#include "splork8_raw.h"
#include "ktap.h"

/* A struct of the future: one field more than the kernel knows. */
struct future_args {
	struct splork8_args known;
	__u64 unknown;
};

static struct splork8_args example(__u64 *result)
{
	struct splork8_args args;

	memset(&args, 0, sizeof(args));
	args.a = 2;
	args.b = 3;
	args.c = 10;
	args.result = (unsigned long)result;
	return args;
}

static void expect(long ret, long expected, const char *name)
{
	ktap_test(ret == expected, name, "returned %ld, expected %ld", ret, expected);
}

int main(void)
{
	__u64 result = 0;
	struct splork8_args args = example(&result);
	struct future_args future = { .known = example(&result) };

	ktap_header(8);
	expect(splork8_raw(&args, SPLORK8_ARGS_SIZE_VER0), 0,
	       "the first version is taken");
	expect(result, 50, "and computes");
	expect(splork8_raw(&args, SPLORK8_ARGS_SIZE_VER0 - 1), -EINVAL,
	       "less than the first version is refused");
	args.limit = 1;
	expect(splork8_raw(&args, SPLORK8_ARGS_SIZE_VER0), 0,
	       "the first version does not see the second one's field");
	expect(splork8_raw(&args, SPLORK8_ARGS_SIZE_VER1), -ERANGE,
	       "the second version does");
	expect(splork8_raw(&future.known, sizeof(future)), 0,
	       "a newer program with a zero field is served");
	future.unknown = 1;
	expect(splork8_raw(&future.known, sizeof(future)), -E2BIG,
	       "a newer program that asks for more is told");
	args = example(&result);
	args.__pad1 = 1;
	expect(splork8_raw(&args, SPLORK8_ARGS_SIZE_VER1), -EINVAL,
	       "padding must be zero");
	return ktap_finish();
}
