/* SPDX-License-Identifier: MIT */
/* The part of the program that is about arguments and results. */
#ifndef PLAIN_CALLS_H
#define PLAIN_CALLS_H

/* The length of a file, from the call that has five arguments. */
static inline long long length_of(int fd)
{
	struct statx found;
	long ret = syscall5(__NR_statx, fd, (unsigned long)"", AT_EMPTY_PATH, STATX_SIZE, (unsigned long)&found);

	return ret ? ret : (long long)found.stx_size;
}

static long new_file(const char *text, unsigned long length)
{
	long fd = syscall2(__NR_memfd_create, (unsigned long)"proof", 0);

	if (fd >= 0 && length)
		syscall3(__NR_write, fd, (unsigned long)text, (long)length);
	return fd;
}

static void test_arity(void)
{
	unsigned long long old = 0, now = 0;
	const unsigned long long set = 1ULL << 41;
	long long from = 2, to = 3;
	int pipe[2] = { -1, -1 };
	static int tid;
	char bytes[8] = { 0 };
	struct { void *start; unsigned long length; } all = { bytes, 6 };
	struct statx found;
	long ret, other, file;

	ret = syscall0(__NR_gettid);
	report(ret > 0 && ret == syscall1(__NR_set_tid_address, (unsigned long)&tid), "0 arguments", ret);

	ret = syscall2(__NR_pipe2, (unsigned long)pipe, O_NONBLOCK);
	report(ret == 0 && pipe[1] > pipe[0] &&
	       syscall3(__NR_read, pipe[0], (unsigned long)bytes, 1) == -EAGAIN, "2 arguments", ret);

	ret = syscall1(__NR_close, pipe[1]);
	report(ret == 0 && syscall1(__NR_close, pipe[1]) == -EBADF, "1 argument", ret);

	ret = syscall3(__NR_dup3, pipe[0], 77, O_CLOEXEC);
	other = syscall3(__NR_fcntl, 77, F_GETFD, 0);
	report(ret == 77 && other == FD_CLOEXEC &&
	       syscall3(__NR_dup3, 99, 77, 0) == -EBADF &&
	       syscall3(__NR_dup3, pipe[0], 77, 1) == -EINVAL, "3 arguments", ret);

	/* A word of 64 signals; ABIs with 128 of them have one word more. */
	{
		unsigned long long sets[2] = { set, 0 }, olds[2] = { 0, 0 }, nows[2] = { 0, 0 };
		const long size = PROBE_SIGSET_BYTES;

		ret = syscall4(__NR_rt_sigprocmask, SIG_SETMASK, (unsigned long)sets, (unsigned long)olds, size);
		other = syscall4(__NR_rt_sigprocmask, SIG_SETMASK, (unsigned long)olds, (unsigned long)nows, size);
		old = olds[0];
		now = nows[0];
		report(ret == 0 && other == 0 && old == 0 && now == set &&
		       syscall4(__NR_rt_sigprocmask, 99, (unsigned long)sets, 0, size) == -EINVAL &&
		       syscall4(__NR_rt_sigprocmask, SIG_BLOCK, 1, 0, size) == -EFAULT &&
		       syscall4(__NR_rt_sigprocmask, SIG_BLOCK, 0, 0, 3) == -EINVAL,
		       "4 arguments", ret);
	}

	ret = syscall5(__NR_statx, AT_FDCWD, (unsigned long)"/", 0, STATX_TYPE, (unsigned long)&found);
	report(ret == 0 && (found.stx_mode & S_IFMT) == S_IFDIR &&
	       syscall5(__NR_statx, -9, (unsigned long)"a", 0, STATX_TYPE, (unsigned long)&found) == -EBADF &&
	       syscall5(__NR_statx, AT_FDCWD, 0, 0, STATX_TYPE, (unsigned long)&found) == -EFAULT &&
	       syscall5(__NR_statx, AT_FDCWD, (unsigned long)"/", 1, STATX_TYPE, (unsigned long)&found) == -EINVAL &&
	       syscall5(__NR_statx, AT_FDCWD, (unsigned long)"/", 0, STATX__RESERVED, (unsigned long)&found) ==
		       -EINVAL &&
	       syscall5(__NR_statx, AT_FDCWD, (unsigned long)"/", 0, STATX_TYPE, 0) == -EFAULT,
	       "5 arguments", ret);

	file = new_file("abcdef", 6);
	other = new_file("ghijkl", 6);
	ret = syscall6(__NR_copy_file_range, file, (unsigned long)&from, other, (unsigned long)&to, 2, 0);
	report(ret == 2 && from == 4 && to == 5 &&
	       syscall5(__NR_preadv, other, (unsigned long)&all, 1, 0, 0) == 6 &&
	       bytes[2] == 'i' && bytes[3] == 'c' && bytes[4] == 'd' && bytes[5] == 'l' &&
	       syscall6(__NR_copy_file_range, 99, (unsigned long)&from, other, (unsigned long)&to, 2, 0) == -EBADF &&
	       syscall6(__NR_copy_file_range, file, (unsigned long)&from, 99, (unsigned long)&to, 2, 0) == -EBADF &&
	       syscall6(__NR_copy_file_range, file, (unsigned long)&from, other, (unsigned long)&to, 2, 1) ==
		       -EINVAL,
	       "6 arguments", ret);
}

static void test_results(void)
{
	long ret = syscall3(__NR_read, 99, 0, 0);
	const unsigned int before = (unsigned int)syscall1(__NR_personality, 0xffffffffL);
	unsigned int found;

	report(ret == -EBADF && SYSCALL_FAILED(ret), "an error is -errno", ret);

	/* A value in the upper half of 32 bits, which no kernel gives a meaning to. */
	syscall1(__NR_personality, (long)(0x80000000UL | before));
	ret = syscall1(__NR_personality, (long)before);
	found = (unsigned int)ret;
	report(found == (0x80000000U | before) && !SYSCALL_FAILED(ret),
	       "a large result is no error", ret);
}

static void test_wide(void)
{
	const long long wide = 0x123456789LL;
	const int file = (int)new_file("", 0);
	char bytes[4] = { 0 };
	long ret = proof_length_raw(file, wide);

#ifdef PROBE_WIDE_IS_CUT
	report_skip("a 64-bit argument in second place", "the emulator hands on 32 bits of it");
#else
	report(ret == 0 && length_of(file) == wide, "a 64-bit argument in second place", ret);
#endif
#ifdef PROBE_WIDE_IS_CUT
	report_skip("a 64-bit argument in fourth place", "the emulator hands on 32 bits of it");
	(void)bytes;
	(void)ret;
#elif !defined(PROBE_PREAD_HAS_A_GAP)
	syscall3(__NR_write, file, (unsigned long)"xy", 2);
	ret = proof_read_raw(file, bytes, 4, wide - 2);
	report(ret == 2 && proof_read_raw(file, bytes, 2, 1) == 2 && bytes[0] == 'y',
	       "a 64-bit argument in fourth place", ret);
#else
	report_skip("a 64-bit argument in fourth place", "pread64 has a gap of its own here");
	(void)bytes;
#endif
#if __STDC_HOSTED__
	errno = 0;
	report(proof_length(-1, wide) == -1 && errno == EBADF,
	       "the wrapper over libc sets errno", errno);
#endif
}

#endif /* PLAIN_CALLS_H */
