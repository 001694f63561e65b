// SPDX-License-Identifier: MIT
/*
 * init - process 1 of a syscraft guest
 *
 * Gives the guest a root file system, then runs the commands that the host
 * sends over one serial line, one after the other, and tells the host what
 * each wrote and how it ended. The kernel's own messages use another line.
 *
 * A frame on the line is
 *
 *	u8 type; u32 length (little endian); u8 payload[length]
 *
 * host to guest					payload
 *	'D'	piece of a command; answered by 'R'	bytes of a command, see below
 *	'C'	run the command that the pieces make	-
 *	'I'	standard input; empty means end of file	bytes
 *	'S'	signal for the command's process group	u8 signal number
 *	'W'	new window size				u16 rows, u16 columns
 *	'P'	power off				-
 *
 * guest to host
 *	'B'	ready for the first command		-
 *	'R'	may send one 'I' or 'D' frame of up	-
 *		to INPUT_MAX bytes
 *	'O'	standard output				bytes
 *	'E'	standard error				bytes
 *	'Q'	the command ended			u8 kind, u8 value; kind is
 *							0 exit status, 1 signal,
 *							2 could not start (errno)
 *	'F'	the guest could not be set up		text
 *
 * A command is: u8 flags, u16 rows, u16 columns, u32 argc, u32 envc, then
 * cwd, argv and envp as strings that end in NUL.
 *
 * Environment (kernel command line, NAME=VALUE):
 *	SYSCRAFT_LINE	the serial line, for example /dev/ttyS0
 *	SYSCRAFT_ROOT	"hostfs": the host's files, under a layer in memory that
 *			takes all writes (UML only); "initramfs": stay here
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/*
 * The line of User Mode Linux stops for good once its 4096 bytes of input are
 * nearly full (drivers/line.c of Linux 6.12 throttles and never re-arms), so
 * whatever the host sends is small and asked for.
 */
#define INPUT_MAX	3072
#define OUTPUT_MAX	32768
#define COMMAND_MAX	(4 << 20)
#define COMMAND_HEADER	13
#define USES_TERMINAL	1

enum { ENDED_EXIT, ENDED_SIGNAL, ENDED_NO_START };

struct command {
	int terminal;
	struct winsize window;
	char *cwd;
	char **argv;
	char **envp;
};

struct frame {
	uint8_t type;
	uint32_t length;
	uint8_t *payload;	/* followed by a NUL */
};

/* Where the running command's input goes and its output comes from. */
struct streams {
	int in;			/* -1 once closed */
	int out;
	int err;		/* -1 for a terminal: it has one output */
	uint8_t pending[INPUT_MAX];
	size_t pending_bytes;
	size_t pending_from;
	int credit_given;
	int input_ended;
};

static int line = -1;

static void power_off(void)
{
	if (line >= 0)
		tcdrain(line);
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void write_all(int fd, const void *data, size_t bytes)
{
	const uint8_t *p = data;

	while (bytes) {
		ssize_t n = write(fd, p, bytes);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			power_off();
		if (n > 0) {
			p += n;
			bytes -= n;
		}
	}
}

static void read_all(int fd, void *data, size_t bytes)
{
	uint8_t *p = data;

	while (bytes) {
		ssize_t n = read(fd, p, bytes);

		if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
			power_off();
		if (n > 0) {
			p += n;
			bytes -= n;
		}
	}
}

static void send_frame(uint8_t type, const void *payload, uint32_t length)
{
	uint8_t header[5] = {
		type, length, length >> 8, length >> 16, length >> 24,
	};

	write_all(line, header, sizeof(header));
	write_all(line, payload, length);
}

__attribute__((format(printf, 1, 2), noreturn))
static void fail(const char *format, ...)
{
	char text[512];
	int reason = errno;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof(text))
		n = 0;
	snprintf(text + n, sizeof(text) - n, ": %s", strerror(reason));
	if (line >= 0)
		send_frame('F', text, strlen(text));
	else
		dprintf(2, "syscraft init: %s\n", text);
	power_off();
	abort();
}

static struct frame receive_frame(void)
{
	uint8_t header[5];
	struct frame frame;

	read_all(line, header, sizeof(header));
	frame.type = header[0];
	frame.length = header[1] | header[2] << 8 | header[3] << 16 |
		       (uint32_t)header[4] << 24;
	if (frame.length > INPUT_MAX) {
		errno = EMSGSIZE;
		fail("frame '%c' from the host has %u bytes", frame.type, frame.length);
	}
	frame.payload = malloc(frame.length + 1);
	if (!frame.payload)
		fail("frame of %u bytes", frame.length);
	read_all(line, frame.payload, frame.length);
	frame.payload[frame.length] = 0;
	return frame;
}

static void mount_or_fail(const char *type, const char *source,
			  const char *target, unsigned long flags,
			  const char *data)
{
	if (mkdir(target, 0755) && errno != EEXIST && errno != EROFS)
		fail("mkdir %s", target);
	if (mount(source, target, type, flags, data))
		fail("mount %s on %s", type, target);
}

/*
 * The host's files below, everything that the guest writes above, in memory:
 * a command may write anywhere and the host never sees it.
 */
static void enter_host_root(void)
{
	mount_or_fail("hostfs", "/", "/lower", MS_RDONLY, "/");
	mount_or_fail("tmpfs", "upper", "/upper", 0, "mode=755");
	if (mkdir("/upper/files", 0755) || mkdir("/upper/work", 0755))
		fail("mkdir in /upper");
	mount_or_fail("overlay", "root", "/root", 0,
		      "lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work");
	if (chdir("/root") || mount(".", "/", NULL, MS_MOVE, NULL) ||
	    chroot(".") || chdir("/"))
		fail("change to the host's root");
}

static void mount_kernel_file_systems(void)
{
	mount_or_fail("proc", "proc", "/proc", 0, NULL);
	mount_or_fail("sysfs", "sysfs", "/sys", 0, NULL);
	mount_or_fail("devtmpfs", "devtmpfs", "/dev", 0, NULL);
	mount_or_fail("devpts", "devpts", "/dev/pts", 0,
		      "ptmxmode=0666,mode=0620,gid=5");
	mount_or_fail("tmpfs", "shm", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
	/* What udev would add; a program that prints to /dev/stdout needs it. */
	if (symlink("/proc/self/fd", "/dev/fd") ||
	    symlink("fd/0", "/dev/stdin") || symlink("fd/1", "/dev/stdout") ||
	    symlink("fd/2", "/dev/stderr"))
		fail("links in /dev");
}

static void open_line(const char *path)
{
	struct termios raw;

	line = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (line < 0)
		fail("open %s", path);
	if (tcgetattr(line, &raw))
		fail("tcgetattr %s", path);
	cfmakeraw(&raw);
	if (tcsetattr(line, TCSANOW, &raw))
		fail("tcsetattr %s", path);
}

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

static uint32_t get_u32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static struct command parse_command(struct frame *frame)
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
static pid_t start(struct command *command, struct streams *s)
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

static void run(struct frame *frame, int child_ended)
{
	struct command command = parse_command(frame);
	static struct streams s;
	uint8_t end[2];
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
	close_streams(&s);
	free(command.argv);
	free(command.envp);
	send_frame('Q', end, sizeof(end));
}

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
	struct frame collected = { 0 };
	struct sigaction on_child_action = {
		.sa_handler = on_child,
		.sa_flags = SA_RESTART | SA_NOCLDSTOP,
	};

	if (root && !strcmp(root, "hostfs"))
		enter_host_root();
	mount_kernel_file_systems();
	open_line(path ? path : "/dev/ttyS0");
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
		} else if (frame.type == 'C') {
			run(&collected, child_signal_pipe[0]);
			free(collected.payload);
			collected = (struct frame){ 0 };
		} else if (frame.type == 'P') {
			power_off();
		}
		/* 'I', 'S', 'W' for a command that has just ended: too late */
		free(frame.payload);
	}
}
