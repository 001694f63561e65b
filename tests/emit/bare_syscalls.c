// SPDX-License-Identifier: MIT
/* A program without libc: every arity, each argument seen in its place. */
#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#include "bare_syscalls.h"

#define PAGE 4096L

static int failed;

static void check(int number, int good)
{
	char text[] = "not ok 0\n";

	text[7] = (char)('0' + number);
	if (good)
		syscall3(__NR_write, 1, (long)(text + 4), sizeof(text) - 5);
	else
		syscall3(__NR_write, 1, (long)text, sizeof(text) - 1);
	failed |= !good;
}

static int test(void)
{
	int pipe[2] = { -1, -1 };
	long map, moved, file;
	char byte = 0;

	check(0, syscall0(__NR_getpid) > 0);
	check(1, syscall1(__NR_close, -1) == -EBADF);

	check(2, syscall2(__NR_pipe2, (long)pipe, O_CLOEXEC) == 0 && pipe[1] > pipe[0]);

	check(3, syscall3(__NR_write, pipe[1], (long)"ab", 2) == 2 &&
	      syscall3(__NR_read, pipe[0], (long)&byte, 1) == 1 && byte == 'a');

	/* Four: the file's second byte, and the flags of openat in the third place. */
	file = syscall4(__NR_openat, AT_FDCWD, (long)"/proc/self/exe", O_RDONLY, 0);
	check(4, file >= 0 && syscall4(__NR_pread64, file, (long)&byte, 1, 1) == 1 &&
	      byte == 'E');

	/* Six: two pages of the file from offset one page, private and writable. */
	map = syscall6(__NR_mmap, 0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	check(6, (unsigned long)map <= -4096UL && ((char *)map)[1] == 'E' &&
	      syscall6(__NR_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, file, 1) == -EINVAL &&
	      syscall6(__NR_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, -1, 0) == -EBADF);

	/* Five: moved to a place of our choice, which the fifth argument names. */
	moved = map - 64 * PAGE;
	check(5, syscall5(__NR_mremap, map, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			  moved) == moved && ((char *)moved)[1] == 'E');
	return failed;
}

void start(void);
void start(void)
{
	syscall1(__NR_exit_group, test());
	__builtin_unreachable();
}

/* The kernel aligns the stack to 16; a call makes it what a function expects. */
__asm__(".globl _start\n_start:\n\tcall start\n");
