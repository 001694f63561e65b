// SPDX-License-Identifier: MIT
/* Starting a planned child: memory, signals, the clone, and the report. */
#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <ucontext.h>
#endif

#include "block.h"
#include "bury.h"
#include "id_maps.h"

/* spawn_child() needs less than 1 KiB; a sanitizer makes that more. */
#define STACK_BYTES 32768UL

/* What passes between the parent's stack and the child's. */
struct switched {
	struct clone3_args *args;
	struct spawn_plan *plan;
	long ret;
};

/* The last region that was released, for the next start: guarded by the GIL. */
static struct region spare;

/*
 * A child in the parent's memory reports there; one with a copy needs memory that stays shared.
 * Shared memory is a file to the kernel, and costs more than all the rest of this.
 */
static int map_region(struct region *region, int shared)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t stack = (STACK_BYTES + page - 1) / page * page;
	unsigned char *memory;

	region->bytes = page + stack + page;
	memory = mmap(NULL, region->bytes, PROT_READ | PROT_WRITE,
		      (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return errno;
	if (mprotect(memory, page, PROT_NONE) < 0) {
		const int error = errno;

		munmap(memory, region->bytes);
		return error;
	}
	region->memory = memory;
	region->stack_start = memory + page;
	region->stack = memory + page + stack;
	region->report = region->stack;
	return 0;
}

static int take_region(struct region *region, int shared)
{
	int error = 0;

	if (spare.memory && !shared) {
		*region = spare;
		spare.memory = NULL;
	} else {
		error = map_region(region, shared);
	}
	region->shared = shared;
	if (!error)
		memset(region->report, 0, sizeof(*region->report));
	return error;
}

int start_prepare(struct start *start)
{
	int error = take_region(&start->region, start->own_memory);
	long ret;

	if (error)
		return error;
	ret = block_signals(start->old_mask);
	if (ret < 0) {
		start_release(start);
		return (int)-ret;
	}
	start->plan->report = start->region.report;
	start->plan->sigmask_bytes = MASK_BYTES;
	memcpy(start->plan->sigmask, start->old_mask, sizeof(start->old_mask));
	return 0;
}

void start_restore_signals(struct start *start)
{
	restore_signals(start->old_mask);
}

void start_release(struct start *start)
{
	if (start->region.shared || spare.memory)
		munmap(start->region.memory, start->region.bytes);
	else
		spare = start->region;
}

/*
 * The child of clone3(2) here goes on below this frame, as that of vfork(2), until it executes its
 * program. It never returns from here, so nothing that the parent finds again has changed. Not
 * inlined, so that this stays true.
 */
static __attribute__((__noinline__)) long clone_here(struct clone3_args *args,
						     struct spawn_plan *plan)
{
	const long ret = enter_clone3(args);

	if (ret == 0)
		for (;;)
			syscall1(__NR_exit_group, spawn_child(plan));
	return ret;
}

#ifdef __GLIBC__
/*
 * A stack of the child's own, without an entry in assembly for each ABI: the parent itself steps
 * over to it for the call. makecontext(3) passes on integers: the address comes in halves.
 */
static void clone_there(unsigned int high, unsigned int low)
{
	struct switched *switched =
		(struct switched *)(unsigned long)((unsigned long long)high << 32 | low);

	switched->ret = clone_here(switched->args, switched->plan);
}

static long clone_on(const struct region *region, struct clone3_args *args, struct spawn_plan *plan)
{
	struct switched switched = { .args = args, .plan = plan };
	const unsigned long long address = (unsigned long)&switched;
	ucontext_t here, there;

	if (getcontext(&there) < 0)
		return -errno;
	there.uc_stack.ss_sp = region->stack_start;
	there.uc_stack.ss_size = STACK_BYTES;
	there.uc_link = &here;
	makecontext(&there, (void (*)(void))(void *)clone_there, 2, (unsigned int)(address >> 32),
		    (unsigned int)address);
	if (swapcontext(&here, &there) < 0)
		return -errno;
	return switched.ret;
}
#else
/* Such a libc's users get by with clone(2), which has an entry for each ABI. */
static long clone_on(const struct region *region, struct clone3_args *args, struct spawn_plan *plan)
{
	(void)region;
	(void)args;
	(void)plan;
	return -ENOSYS;
}
#endif

/* clone3(2) sets signals back by itself; it is spared more calls than all the rest makes. */
static long clone_new(struct start *start, unsigned long long flags)
{
	struct clone3_args args = { 0 };

	args.flags = flags | C_CLONE_CLEAR_SIGHAND;
	args.exit_signal = SIGCHLD;
	args.pidfd = (unsigned long)&start->pidfd;
	if (start->cgroup >= 0) {
		args.flags |= C_CLONE_INTO_CGROUP;
		args.cgroup = (unsigned int)start->cgroup;
	}
	start->plan->handlers_are_reset = 1;
	/* The region is memory that both have: two that run at once cannot both have their stack there. */
	if (!(flags & C_CLONE_VFORK))
		return clone_here(&args, start->plan);
	return clone_on(&start->region, &args, start->plan);
}

static long clone_old(struct start *start, unsigned long long flags)
{
	return core_clone_call_raw(spawn_child, start->region.stack, (int)(flags | SIGCHLD),
				   start->plan, 0, &start->pidfd, NULL, NULL);
}

/* A child that has reported an error leaves nothing. */
static void forget(struct start *start)
{
	bury(start->pid, start->pidfd);
	start->pidfd = -1;
}

/*
 * What kernels without clone3(2) or without its newer flags say, and containers that forbid it since
 * they cannot look into its struct. If it was meant otherwise, clone(2) says it again.
 */
static int is_too_old(long ret)
{
	return ret == -ENOSYS || ret == -EINVAL || ret == -E2BIG || ret == -EPERM;
}

void start_child(struct start *start)
{
	unsigned long long flags = start->flags;

	if (!maps_wanted(start->plan))
		flags |= C_CLONE_VFORK;
	if (!start->own_memory)
		flags |= C_CLONE_VM;
	if (start->want_pidfd)
		flags |= C_CLONE_PIDFD;
	start->pid = start->old_call ? -ENOSYS : clone_new(start, flags);
	/* What clone(2) cannot say, it cannot say better. */
	if (is_too_old(start->pid) && !(flags & ~C_CLONE_OLD_FLAGS)) {
		/* Then the child moves itself, before all that it does in its new place. */
		start->plan->cgroup_fd = start->cgroup;
		start->plan->handlers_are_reset = 0;
		start->pid = clone_old(start, flags);
	}
	if (start->pid > 0 && maps_wanted(start->plan))
		start_follow_forked(start);
	else if (start->pid > 0 && start->region.report->error)
		forget(start);
}

void start_as_forked(void *argument)
{
	struct start *start = (struct start *)argument;

	start->plan->cgroup_fd = start->cgroup;
	for (;;)
		syscall1(__NR_exit_group, spawn_child(start->plan));
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		syscall1(__NR_close, *fd);
	*fd = -1;
}

void start_close_sync(struct start *start)
{
	close_end(&start->sync[0]);
	close_end(&start->sync[1]);
	maps_close(start->plan);
}

int start_open_sync(struct start *start)
{
	long ret = syscall2(__NR_pipe2, (long)start->sync, O_CLOEXEC);

	if (ret < 0)
		return (int)-ret;
	while (is_target(start->plan, start->sync[1])) {
		const int higher = fcntl(start->sync[1], F_DUPFD_CLOEXEC, start->sync[1] + 1);

		if (higher < 0) {
			const int error = errno;

			start_close_sync(start);
			return error;
		}
		close_end(&start->sync[1]);
		start->sync[1] = higher;
	}
	start->plan->kept_fd = start->sync[1];
	ret = maps_open(start->plan);
	if (ret)
		start_close_sync(start);
	return (int)ret;
}

/* exec, or the child's end, closes the other end of the pipe. */
void start_follow_forked(struct start *start)
{
	const int error = maps_write(start->plan, start->pid);
	char byte;

	close_end(&start->sync[1]);
	while (syscall3(__NR_read, start->sync[0], (long)&byte, 1) == -EINTR)
		;
	if (error) {
		start->region.report->step = STEP_ID_MAPS;
		start->region.report->error = error;
	}
	if (start->region.report->error)
		forget(start);
}
