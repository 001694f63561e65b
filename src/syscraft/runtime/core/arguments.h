/* SPDX-License-Identifier: MIT */
/* A call's arguments: Python's values as registers take them. */
#ifndef SYSCRAFT_ARGUMENTS_H
#define SYSCRAFT_ARGUMENTS_H

#include "limited_api.h"

/* No call of any ABI takes more. Documentation of syscall(2), "Architecture calling conventions". */
#define MAX_ARGUMENTS 6

/* Which call arguments are for. */
struct site {
	PyObject *name; /* NULL: syscall() */
	PyObject *params; /* tuple of their names, or NULL */
	unsigned int path_mask; /* bit n: argument n is a path */
	unsigned int pointer_mask; /* bit n: argument n is an address */
	unsigned int write_mask; /* bit n: the kernel may write to argument n: it must be able to change */
	unsigned int copy_mask; /* bit n: nobody knows; of what cannot change the kernel gets a copy */
};

/* Arguments as registers take them, and what has to live as long as the call. */
struct arguments {
	long values[MAX_ARGUMENTS];
	PyObject *owned[MAX_ARGUMENTS];
	PyObject *paths[2]; /* what OSError tells as filename and filename2; borrowed or owned[] */
	unsigned int owned_mask;
	unsigned int view_mask;
	unsigned int path_count;
	Py_buffer views[MAX_ARGUMENTS];
};

int arguments_take_slowly(struct arguments *into, int index, PyObject *value,
			  const struct site *site);
void arguments_drop_all(struct arguments *arguments);

static inline void arguments_init(struct arguments *arguments)
{
	int index;

	for (index = 0; index < MAX_ARGUMENTS; index++)
		arguments->values[index] = 0;
	arguments->owned_mask = 0;
	arguments->view_mask = 0;
	arguments->path_count = 0;
}

/* Returns -1 with an exception set, or 0. */
static inline int arguments_take(struct arguments *into, int index, PyObject *value,
				 const struct site *site)
{
	if (PyLong_CheckExact(value)) {
		int overflow;
		long number = PyLong_AsLongAndOverflow(value, &overflow);

		if (!overflow) {
			into->values[index] = number;
			return 0;
		}
	}
	return arguments_take_slowly(into, index, value, site);
}

static inline void arguments_drop(struct arguments *arguments)
{
	if (arguments->owned_mask | arguments->view_mask)
		arguments_drop_all(arguments);
}

#endif
