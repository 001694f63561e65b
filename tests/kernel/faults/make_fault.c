// SPDX-License-Identifier: GPL-2.0
/* make_fault WHICH TIMES THREADS */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "faults.h"

static int which, times;

static void *call(void *unused)
{
	(void)unused;
	faults(which, times);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[8];
	int count;

	if (argc != 4)
		return 2;
	which = atoi(argv[1]);
	times = atoi(argv[2]);
	count = atoi(argv[3]);
	for (int i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, call, NULL))
			return 3;
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	puts("1..1\nok 1 no fault was noticed");
	return 0;
}
