/* SPDX-License-Identifier: MIT */
/* Strings and vectors of them for a program that is to be executed. */
#ifndef SYSCRAFT_STRINGS_H
#define SYSCRAFT_STRINGS_H

#include "limited_api.h"

/* Ends with NULL; what it points to lives as long as *owner*, a list. */
struct vector {
	const char **items;
	PyObject *owner;
};

/* Each returns -1 with an exception set, or 0. vector_clear() takes what is left of a failure. */
int vector_of_arguments(struct vector *vector, PyObject *argv);
int vector_of_environment(struct vector *vector, PyObject *env);
int vector_of_programs(struct vector *vector, PyObject *executable, const struct vector *argv,
		       const struct vector *env);
void vector_clear(struct vector *vector);

/* Returns a new bytes object without null characters inside, or NULL with an exception set. */
PyObject *encode_text(PyObject *value, const char *what, Py_ssize_t index);

#endif
