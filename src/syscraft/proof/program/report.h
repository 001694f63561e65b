/* SPDX-License-Identifier: MIT */
/* Results in KTAP, with nothing below them but bare system calls. */
#ifndef REPORT_H
#define REPORT_H

#include <asm/unistd.h>

#include "bare_syscalls.h"

static int reported, failed;

#if !__STDC_HOSTED__
/* Compilers call these on their own. */
void *memset(void *start, int byte, __SIZE_TYPE__ length);
void *memset(void *start, int byte, __SIZE_TYPE__ length)
{
	char volatile *p = (char volatile *)start;

	while (length--)
		*p++ = (char)byte;
	return start;
}

void *memcpy(void *to, const void *from, __SIZE_TYPE__ length);
void *memcpy(void *to, const void *from, __SIZE_TYPE__ length)
{
	char volatile *p = (char volatile *)to;
	const char *q = (const char *)from;

	while (length--)
		*p++ = *q++;
	return to;
}
#endif

static inline void put(const char *text)
{
	unsigned long length = 0;

	while (text[length])
		length++;
	syscall3(__NR_write, 1, (unsigned long)text, (long)length);
}

/* In hexadecimal: dividing needs a library on some machines. */
static inline void put_number(long value)
{
	char digits[24];
	char *p = digits + sizeof(digits);
	unsigned long left = value < 0 ? 0UL - (unsigned long)value : (unsigned long)value;

	*--p = '\0';
	do {
		*--p = "0123456789abcdef"[left & 15];
		left >>= 4;
	} while (left);
	*--p = 'x';
	*--p = '0';
	if (value < 0)
		*--p = '-';
	put(p);
}

/* A count below 100, in decimal. */
static inline void put_count(int count)
{
	char digits[3] = "0";
	int tens = 0;

	while (count >= 10) {
		count -= 10;
		tens++;
	}
	digits[0] = (char)('0' + tens);
	digits[1] = (char)('0' + count);
	digits[2] = '\0';
	put(tens ? digits : digits + 1);
}

/* Print one result; if it is not good, with what was found. */
static inline void report(int good, const char *name, long found)
{
	if (!good) {
		put("# found ");
		put_number(found);
		put("\nnot ");
		failed = 1;
	}
	put("ok ");
	put_count(++reported);
	put(" ");
	put(name);
	put("\n");
}

static inline void report_skip(const char *name, const char *why)
{
	put("ok ");
	put_count(++reported);
	put(" ");
	put(name);
	put(" # SKIP ");
	put(why);
	put("\n");
}

/* Returns the exit status. */
static inline int report_end(void)
{
	put("1..");
	put_count(reported);
	put("\n");
	return failed;
}

#endif /* REPORT_H */
