// SPDX-License-Identifier: MIT
/* The serial line to the host: frames, and what to do when it fails. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "guest.h"

int line = -1;
int end_by = RB_POWER_OFF;

void power_off(void)
{
	if (line >= 0)
		tcdrain(line);
	sync();
	reboot(end_by);
	for (;;)
		pause();
}

void write_all(int fd, const void *data, size_t bytes)
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

void send_frame(uint8_t type, const void *payload, uint32_t length)
{
	uint8_t header[5] = {
		type, length, length >> 8, length >> 16, length >> 24,
	};

	write_all(line, header, sizeof(header));
	write_all(line, payload, length);
}

void fail(const char *format, ...)
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

struct frame receive_frame(void)
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

uint32_t get_u32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

void open_line(const char *path)
{
	struct termios raw;

	line = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (line < 0)
		fail("open %s", path);
	if (!isatty(line))
		return;		/* a virtio port: raw by nature */
	if (tcgetattr(line, &raw))
		fail("tcgetattr %s", path);
	cfmakeraw(&raw);
	if (tcsetattr(line, TCSANOW, &raw))
		fail("tcsetattr %s", path);
}
