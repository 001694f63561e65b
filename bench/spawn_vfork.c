// SPDX-License-Identifier: MIT
/*
 * vfork + exec + wait from C. For each number on standard input it starts the program so many times
 * in a row and prints a line of the nanoseconds that each start took. Argument: the program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000L + now.tv_nsec;
}

static long start_once(char *program)
{
	char *argv[] = { program, NULL };
	const long start = now_ns();
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		execv(program, argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		exit(1);
	return now_ns() - start;
}

int main(int argc, char **argv)
{
	int count;

	if (argc != 2)
		return 2;
	while (scanf("%d", &count) == 1) {
		while (count--)
			printf("%ld ", start_once(argv[1]));
		printf("\n");
		fflush(stdout);
	}
	return 0;
}
