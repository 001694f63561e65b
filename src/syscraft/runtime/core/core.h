/* SPDX-License-Identifier: MIT */
/* What the files of the C core share. */
#ifndef SYSCRAFT_CORE_H
#define SYSCRAFT_CORE_H

/* The stable ABI of Python 3.11: one build serves that and every newer one. */
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030B0000
#endif
#include <Python.h>

/* No call of any ABI takes more. Documentation of syscall(2), "Architecture calling conventions". */
#define MAX_ARGUMENTS 6

/* Above every table's last number; MIPS' three tables start at 4000, 5000 and 6000. */
#define POLICY_NUMBERS 8192

/*
 * x32 marks its numbers by a bit of their own; what is left has a place in the table.
 * Source: __X32_SYSCALL_BIT, arch/x86/include/uapi/asm/unistd.h, Linux 6.12.
 */
#define POLICY_PLACE(number) ((number) & ~0x40000000L)

/* What is known of a number, besides its name. */
enum policy {
	POLICY_KEEP_GIL = 1, /* it never blocks, and is too short to give the GIL away */
	POLICY_ONCE = 2, /* after EINTR it must not be tried again */
	POLICY_REFUSED = 4, /* the interpreter would not survive it */
};

struct core_state {
	PyObject *numbers; /* dict: name -> number */
	PyObject *refused; /* dict: number -> sentence */
	PyObject *missing; /* name -> exception, or NULL */
	PyObject *loader; /* fills the above when they are first needed, or NULL */
	PyObject *call_type;
	unsigned char policy[POLICY_NUMBERS];
};

/* Which call arguments are for. */
struct site {
	PyObject *name; /* NULL: syscall() */
	PyObject *params; /* tuple of their names, or NULL */
	unsigned int path_mask; /* bit n: argument n is a path */
	unsigned int pointer_mask; /* bit n: argument n is an address */
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

/* convert.c */
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

/* invoke.c */
PyObject *invoke(long number, struct arguments *arguments, int blocking, int once,
		 PyObject *default_path);
PyObject *raise_errno(long ret, PyObject *path, PyObject *path2);

/* call.c */
PyObject *make_call_type(void);

/* clone.c, spawn.c */
PyObject *core_clone(PyObject *module, PyObject *args);
PyObject *core_fork_call(PyObject *module, PyObject *const *args, Py_ssize_t given);
PyObject *core_spawn(PyObject *module, PyObject *args);

/* The type's name, for messages. Returns a new reference, or NULL with an exception set. */
static inline PyObject *type_name(PyObject *value)
{
	return PyType_GetName(Py_TYPE(value));
}

#endif
