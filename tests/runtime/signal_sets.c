// SPDX-License-Identifier: MIT
/* The core's signal sets are the kernel's, which libc's begin with. */
#include <signal.h>
#include <string.h>

#include "spawn.h"

int main(void)
{
	unsigned long words[SIGNAL_WORDS];
	sigset_t set;

	fill_signals(words, 1ULL << 9 | 1ULL << 39);
	sigemptyset(&set);
	memcpy(&set, words, 8);
	return !(sigismember(&set, 10) && sigismember(&set, 40) && !sigismember(&set, 8) &&
		 !sigismember(&set, 42));
}
