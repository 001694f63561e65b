/* SPDX-License-Identifier: MIT */
/*
 * The guest's first program: what its parts have in common, and the language
 * that it speaks with the host.
 *
 * A frame on the line is
 *
 *	u8 type; u32 length (little endian); u8 payload[length]
 *
 * host to guest					payload
 *	'D'	piece of a command; answered by 'R'	bytes of a command, see below
 *	'M'	a folder whose files commands may	path
 *		change; answered by 'R'
 *	'C'	run the command that the pieces make	TOKEN_BYTES of a secret
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
 *	'Q'	the command ended			u8 kind, u8 value, the
 *							secret; kind is
 *							0 exit status, 1 signal,
 *							2 could not start (errno)
 *	'F'	the guest could not be set up		text
 *
 * Commands are root and can write to the line as well. They do not know the
 * secret of 'C', so they cannot say how they ended.
 *
 * A command is: u8 flags, u16 rows, u16 columns, u32 argc, u32 envc, then
 * cwd, argv and envp as strings that end in NUL.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <termios.h>

/*
 * The line of User Mode Linux stops for good once its 4096 bytes of input are
 * nearly full (drivers/line.c of Linux 6.12 throttles and never re-arms), so
 * whatever the host sends is small and asked for.
 */
#define INPUT_MAX	3072
#define OUTPUT_MAX	32768
#define COMMAND_MAX	(4 << 20)
#define TOKEN_BYTES	16

enum { ENDED_EXIT, ENDED_SIGNAL, ENDED_NO_START };

struct frame {
	uint8_t type;
	uint32_t length;
	uint8_t *payload;	/* followed by a NUL */
};

struct command {
	int terminal;
	struct winsize window;
	char *cwd;
	char **argv;
	char **envp;
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

/* line.c */
extern int line;
extern int end_by;		/* what reboot(2) does in the end */

void open_line(const char *path);
void power_off(void);
void write_all(int fd, const void *data, size_t bytes);
void send_frame(uint8_t type, const void *payload, uint32_t length);
struct frame receive_frame(void);
uint32_t get_u32(const uint8_t *p);
__attribute__((format(printf, 1, 2), noreturn))
void fail(const char *format, ...);

/* root.c */
void mount_devices(void);
void mount_host(const char *root);
void mount_kernel_file_systems(void);
void open_folder(const char *path);
void enter_own_root(void);

/* command.c */
struct command parse_command(struct frame *frame);
pid_t start(struct command *command, struct streams *s);

/* relay.c */
void run(struct frame *frame, const uint8_t *token, int child_ended);

#endif /* GUEST_H */
