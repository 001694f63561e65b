// SPDX-License-Identifier: MIT
/* ID maps that the parent writes. */
#include "id_maps.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "enter_clone.h"

int maps_open(struct spawn_plan *plan)
{
	long ret = 0;

	if (maps_wanted(plan))
		ret = syscall2(__NR_pipe2, (long)plan->go, O_CLOEXEC);
	return (int)-ret;
}

void maps_close(struct spawn_plan *plan)
{
	int end;

	for (end = 0; end < 2; end++) {
		if (plan->go[end] >= 0)
			syscall1(__NR_close, plan->go[end]);
		plan->go[end] = -1;
	}
}

static long write_map(long pid, const char *name, const char *text)
{
	char path[64];
	long fd, ret;

	if (!text)
		return 0;
	snprintf(path, sizeof(path), "/proc/%ld/%s", pid, name);
	fd = syscall4(__NR_openat, AT_FDCWD, (long)path, O_WRONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	ret = syscall3(__NR_write, fd, (long)text, strlen(text));
	syscall1(__NR_close, fd);
	return ret;
}

int maps_write(const struct spawn_plan *plan, long pid)
{
	long ret;

	if (!maps_wanted(plan))
		return 0;
	ret = write_map(pid, "uid_map", plan->uid_map);
	if (ret >= 0)
		ret = write_map(pid, "gid_map", plan->gid_map);
	if (ret >= 0)
		ret = syscall3(__NR_write, plan->go[1], (long)"", 1);
	if (ret >= 0)
		return 0;
	syscall2(__NR_kill, pid, SIGKILL);
	return (int)-ret;
}
