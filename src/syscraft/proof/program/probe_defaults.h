/* SPDX-License-Identifier: MIT */
/* What holds for most ABIs; an ABI's probe.h, which comes first, says otherwise. */
#ifndef PROBE_STACK_GROWS_UP
#define PROBE_STACK_GROWS_UP 0
#endif

/* Whether clone(2) takes the stack in front of the flags. */
#ifndef PROBE_CLONE_STACK_FIRST
#define PROBE_CLONE_STACK_FIRST 0
#endif

/* sizeof(sigset_t) in the kernel. */
#ifndef PROBE_SIGSET_BYTES
#define PROBE_SIGSET_BYTES 8
#endif

/* 32-bit ABIs of the generic table have only the variant for large files. */
#if !defined(__NR_fcntl) && defined(__NR_fcntl64)
#define __NR_fcntl __NR_fcntl64
#endif

/*
 * Something to point tls at, the value to pass, and what the thread should
 * then find by probe_thread_pointer().
 */
#ifndef PROBE_TLS_AREA
#define PROBE_TLS_AREA struct probe_tls_area
struct probe_tls_area {
	unsigned long long words[8];
};

static inline void *probe_tls(struct probe_tls_area *area)
{
	return area;
}

static inline unsigned long probe_tls_value(struct probe_tls_area *area)
{
	return (unsigned long)area;
}
#endif
