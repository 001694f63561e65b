// SPDX-License-Identifier: MIT
/* The steps of a child that goes on as this interpreter, and how its parent learns of them. */
#include "steps.h"

#include <errno.h>
#include <fcntl.h>

#include "block.h"
#include "bury.h"
#include "id_maps.h"

int steps_open(struct steps *steps)
{
	const long ret = syscall2(__NR_pipe2, (long)steps->pipe, O_CLOEXEC);

	return ret < 0 ? (int)-ret : maps_open(&steps->plan);
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		syscall1(__NR_close, *fd);
	*fd = -1;
}

void steps_close(struct steps *steps)
{
	close_end(&steps->pipe[0]);
	close_end(&steps->pipe[1]);
	maps_close(&steps->plan);
}

void steps_block(struct steps *steps)
{
	block_signals(steps->old_mask);
}

void steps_restore(const struct steps *steps)
{
	restore_signals(steps->old_mask);
}

void steps_take(struct steps *steps)
{
	int good;

	steps->taken = 1;
	steps->plan.report = &steps->report;
	/* The first ones and the last ones belong to a program. */
	good = take_steps(&steps->plan, STEP_ID_MAPS, STEP_NO_NEW_PRIVS);
	/* Nothing can be done about an error: the parent finds the pipe's end. */
	syscall3(__NR_write, steps->pipe[1], (long)&steps->report, sizeof(steps->report));
	while (!good)
		syscall1(__NR_exit_group, 127);
	/* It has closed these itself. */
	steps->plan.go[0] = steps->plan.go[1] = -1;
	steps_close(steps);
	steps_restore(steps);
}

int steps_follow(struct steps *steps, long pid, int pidfd)
{
	const int error = maps_write(&steps->plan, pid);
	long ret;

	close_end(&steps->pipe[1]);
	do {
		ret = syscall3(__NR_read, steps->pipe[0], (long)&steps->report,
			       sizeof(steps->report));
	} while (ret == -EINTR);
	if (error) {
		steps->report.step = STEP_ID_MAPS;
		steps->report.error = error;
	}
	/* One that was killed before it could say anything has an end that tells. */
	if (!steps->report.error)
		return 1;
	bury(pid, pidfd);
	return 0;
}
