// SPDX-License-Identifier: MIT
/*
 * init - process 1 of a syscraft guest
 *
 * Gives the guest its file systems, then runs the commands that the host sends
 * over one serial line, one after the other, and tells the host what each
 * wrote and how it ended. What a command mounts, or writes to the host's
 * files, is gone after it. The kernel's own messages use another line.
 *
 * Environment (kernel command line, NAME=VALUE):
 *	SYSCRAFT_LINE	the serial line, for example /dev/ttyS0
 *	SYSCRAFT_ROOT	how the host's files come here, which each command then
 *			sees under a layer in memory that takes its writes:
 *			"hostfs" (UML only), or "9p", from the virtio device
 *			"host"; "initramfs": not at all, commands stay here.
 *			Folders that the host opens are not under the layer;
 *			with 9p they come from the device "writable"
 *	SYSCRAFT_END	"restart": how a machine ends that cannot be switched off
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "guest.h"

/* Append a piece to a command, and a NUL behind it. */
static void collect(struct frame *whole, const struct frame *piece)
{
	size_t bytes = (size_t)whole->length + piece->length;

	if (bytes > COMMAND_MAX) {
		errno = E2BIG;
		fail("command from the host");
	}
	whole->payload = realloc(whole->payload, bytes + 1);
	if (!whole->payload)
		fail("command of %zu bytes", bytes);
	memcpy(whole->payload + whole->length, piece->payload, piece->length);
	whole->length = bytes;
	whole->payload[bytes] = 0;
}

static int child_signal_pipe[2];

static void on_child(int signal_number)
{
	int saved = errno;
	ssize_t n = write(child_signal_pipe[1], "", 1);

	(void)signal_number;
	(void)n;	/* full: somebody will be woken all the same */
	errno = saved;
}

int main(void)
{
	const char *path = getenv("SYSCRAFT_LINE");
	const char *root = getenv("SYSCRAFT_ROOT");
	const char *end = getenv("SYSCRAFT_END");
	struct frame collected = { 0 };
	struct sigaction on_child_action = {
		.sa_handler = on_child,
		.sa_flags = SA_RESTART | SA_NOCLDSTOP,
	};

	if (end && !strcmp(end, "restart"))
		end_by = RB_AUTOBOOT;
	mount_devices();
	open_line(path ? path : "/dev/ttyS0");
	mount_kernel_file_systems();
	if (root)
		mount_host(root);
	signal(SIGPIPE, SIG_IGN);
	if (pipe2(child_signal_pipe, O_CLOEXEC | O_NONBLOCK) ||
	    sigaction(SIGCHLD, &on_child_action, NULL))
		fail("SIGCHLD");

	send_frame('B', NULL, 0);
	for (;;) {
		struct frame frame = receive_frame();

		if (frame.type == 'D') {
			collect(&collected, &frame);
			send_frame('R', NULL, 0);
		} else if (frame.type == 'M') {
			open_folder((const char *)frame.payload);
			send_frame('R', NULL, 0);
		} else if (frame.type == 'C' && frame.length == TOKEN_BYTES) {
			run(&collected, frame.payload, child_signal_pipe[0]);
			free(collected.payload);
			collected = (struct frame){ 0 };
		} else if (frame.type == 'P') {
			power_off();
		}
		/* 'I', 'S', 'W' for a command that has just ended: too late */
		free(frame.payload);
	}
}
