// SPDX-License-Identifier: MIT
/* A command: what the host says of it, and how it starts. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define COMMAND_HEADER	13
#define USES_TERMINAL	1

static char *next_string(char **p, char *end)
{
	char *string = *p;

	if (string >= end) {
		errno = EPROTO;
		fail("command from the host is too short");
	}
	*p += strlen(string) + 1;
	return string;
}

static char **next_strings(uint32_t count, char **p, char *end)
{
	char **strings = calloc(count + 1, sizeof(*strings));

	if (!strings)
		fail("%u strings", count);
	for (uint32_t i = 0; i < count; i++)
		strings[i] = next_string(p, end);
	return strings;
}

struct command parse_command(struct frame *frame)
{
	uint8_t *h = frame->payload;
	char *p = (char *)h + COMMAND_HEADER;
	char *end = (char *)h + frame->length;
	struct command command;

	if (frame->length < COMMAND_HEADER) {
		errno = EPROTO;
		fail("command from the host has %u bytes", frame->length);
	}
	command.terminal = h[0] & USES_TERMINAL;
	command.window = (struct winsize){
		.ws_row = h[1] | h[2] << 8,
		.ws_col = h[3] | h[4] << 8,
	};
	command.cwd = next_string(&p, end);
	command.argv = next_strings(get_u32(h + 5), &p, end);
	command.envp = next_strings(get_u32(h + 9), &p, end);
	return command;
}

/* Runs in the child: becomes the command or reports errno through @report. */
static void become(struct command *command, int in, int out, int err, int report)
{
	static const struct rlimit no_core = { 0, 0 };
	sigset_t none;
	int reason;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setrlimit(RLIMIT_CORE, &no_core);
	enter_own_root();
	setsid();
	if (command->terminal)
		ioctl(in, TIOCSCTTY, 0);
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	environ = command->envp;
	if (!chdir(command->cwd))
		execvpe(command->argv[0], command->argv, command->envp);
	reason = errno;
	write_all(report, &reason, sizeof(reason));
	_exit(127);
}

static void open_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC))
		fail("pipe");
}

static int open_terminal(struct winsize *window, int *child_end)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	int unlock = 0;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock))
		fail("open /dev/ptmx");
	ioctl(master, TIOCSWINSZ, window);
	*child_end = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*child_end < 0)
		fail("open the terminal's other end");
	return master;
}

/*
 * Start @command. Returns its pid, or 0 with errno set when it could not be
 * started; @s then holds the host's ends of its streams.
 */
pid_t start(struct command *command, struct streams *s)
{
	int in[2], out[2], err[2], report[2];
	int reason = 0;
	pid_t pid;

	open_pipe(report);
	if (command->terminal) {
		s->in = open_terminal(&command->window, &in[0]);
		out[1] = err[1] = in[0];
		s->out = fcntl(s->in, F_DUPFD_CLOEXEC, 0);
		s->err = -1;
	} else {
		open_pipe(in);
		open_pipe(out);
		open_pipe(err);
		s->in = in[1];
		s->out = out[0];
		s->err = err[0];
	}

	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0)
		become(command, in[0], out[1], err[1], report[1]);

	close(report[1]);
	close(in[0]);
	if (!command->terminal) {
		close(out[1]);
		close(err[1]);
	}
	while (read(report[0], &reason, sizeof(reason)) < 0 && errno == EINTR)
		;
	close(report[0]);
	if (reason) {
		waitpid(pid, NULL, 0);
		errno = reason;
		return 0;
	}
	fcntl(s->in, F_SETFL, O_NONBLOCK | (command->terminal ? O_RDWR : O_WRONLY));
	return pid;
}
