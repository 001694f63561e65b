// SPDX-License-Identifier: MIT
/* Between the host and the running command: input, output, signals, the end. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

/* Pass on what is there; close the stream at its end. */
static void forward_output(int *fd, uint8_t type)
{
	uint8_t data[OUTPUT_MAX];
	ssize_t n = read(*fd, data, sizeof(data));

	if (n > 0) {
		send_frame(type, data, n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close(*fd);
		*fd = -1;
	}
}

static void forward_rest(int *fd, uint8_t type)
{
	int bytes;

	while (*fd >= 0 && ioctl(*fd, FIONREAD, &bytes) == 0 && bytes > 0)
		forward_output(fd, type);
}

static void feed_input(struct streams *s)
{
	ssize_t n = write(s->in, s->pending + s->pending_from, s->pending_bytes);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		/* The command has closed its input: swallow the rest. */
		s->pending_bytes = 0;
		s->input_ended = 1;
		close(s->in);
		s->in = -1;
	} else if (n > 0) {
		s->pending_from += n;
		s->pending_bytes -= n;
	}
}

static void take_input(struct streams *s, struct frame *frame, int terminal)
{
	static const uint8_t end_of_file = 4;	/* ^D */

	s->credit_given = 0;
	if (s->in < 0)
		return;
	if (frame->length > sizeof(s->pending)) {
		errno = EMSGSIZE;
		fail("input from the host has %u bytes", frame->length);
	}
	s->pending_from = 0;
	if (frame->length) {
		memcpy(s->pending, frame->payload, frame->length);
		s->pending_bytes = frame->length;
		return;
	}
	s->input_ended = 1;
	if (terminal) {
		write_all(s->in, &end_of_file, 1);
	} else {
		close(s->in);
		s->in = -1;
	}
}

static void take_frame(struct streams *s, struct command *command, pid_t pid)
{
	struct frame frame = receive_frame();
	uint8_t *p = frame.payload;

	switch (frame.type) {
	case 'I':
		take_input(s, &frame, command->terminal);
		break;
	case 'S':
		if (frame.length == 1)
			kill(-pid, p[0]);
		break;
	case 'W':
		if (command->terminal && s->in >= 0 && frame.length == 4) {
			struct winsize window = {
				.ws_row = p[0] | p[1] << 8,
				.ws_col = p[2] | p[3] << 8,
			};

			ioctl(s->in, TIOCSWINSZ, &window);
		}
		break;
	case 'P':
		power_off();
		break;
	default:
		errno = EPROTO;
		fail("unexpected frame '%c' from the host", frame.type);
	}
	free(frame.payload);
}

static void give_credit(struct streams *s)
{
	if (s->in >= 0 && !s->pending_bytes && !s->credit_given && !s->input_ended) {
		s->credit_given = 1;
		send_frame('R', NULL, 0);
	}
}

/* Reap everybody that has ended; returns 1 once @pid has. */
static int reap(pid_t pid, int *status)
{
	int ended = 0;
	int any_status;
	pid_t any;

	while ((any = waitpid(-1, &any_status, WNOHANG)) > 0) {
		if (any == pid) {
			*status = any_status;
			ended = 1;
		}
	}
	return ended;
}

static int relay(struct command *command, pid_t pid, struct streams *s, int child_ended)
{
	int status = 0;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = line, .events = POLLIN },
			{ .fd = child_ended, .events = POLLIN },
			{ .fd = s->out, .events = POLLIN },
			{ .fd = s->err, .events = POLLIN },
			{ .fd = s->pending_bytes ? s->in : -1, .events = POLLOUT },
		};
		char drop[64];

		give_credit(s);
		if (poll(fds, 5, -1) < 0) {
			if (errno == EINTR)
				continue;
			fail("poll");
		}
		if (fds[4].revents)
			feed_input(s);
		if (fds[2].revents)
			forward_output(&s->out, 'O');
		if (fds[3].revents)
			forward_output(&s->err, 'E');
		if (fds[1].revents) {
			while (read(child_ended, drop, sizeof(drop)) > 0)
				;
			if (reap(pid, &status))
				return status;
		}
		if (fds[0].revents)
			take_frame(s, command, pid);
	}
}

static void close_streams(struct streams *s)
{
	int *all[] = { &s->in, &s->out, &s->err };

	for (int i = 0; i < 3; i++)
		if (*all[i] >= 0)
			close(*all[i]);
}

/* Run the command in @frame, and prove by @token that it is us who tell its end. */
void run(struct frame *frame, const uint8_t *token, int child_ended)
{
	struct command command = parse_command(frame);
	static struct streams s;
	uint8_t end[2 + TOKEN_BYTES];
	int status;
	pid_t pid;

	s = (struct streams){ 0 };
	pid = start(&command, &s);
	if (pid == 0) {
		end[0] = ENDED_NO_START;
		end[1] = errno;
	} else {
		status = relay(&command, pid, &s, child_ended);
		forward_rest(&s.out, 'O');
		forward_rest(&s.err, 'E');
		end[0] = WIFSIGNALED(status) ? ENDED_SIGNAL : ENDED_EXIT;
		end[1] = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
		/* The next command starts on an empty machine. */
		kill(-1, SIGKILL);
		while (waitpid(-1, NULL, 0) > 0)
			;
	}
	memcpy(end + 2, token, TOKEN_BYTES);
	close_streams(&s);
	free(command.argv);
	free(command.envp);
	send_frame('Q', end, sizeof(end));
}
