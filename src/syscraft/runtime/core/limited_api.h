/* SPDX-License-Identifier: MIT */
/* Python as the core sees it. */
#ifndef SYSCRAFT_LIMITED_API_H
#define SYSCRAFT_LIMITED_API_H

/* The stable ABI of Python 3.11: one build serves that and every newer one. */
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030B0000
#endif
#include <Python.h>

/* The type's name, for messages. Returns a new reference, or NULL with an exception set. */
static inline PyObject *type_name(PyObject *value)
{
	return PyType_GetName(Py_TYPE(value));
}

#endif
