/* SPDX-License-Identifier: MIT */
/* The module's functions that live in files of their own: clone.c, fork.c, spawn.c. */
#ifndef SYSCRAFT_METHODS_H
#define SYSCRAFT_METHODS_H

#include "limited_api.h"

PyObject *core_clone(PyObject *module, PyObject *args);
PyObject *core_fork_call(PyObject *module, PyObject *const *args, Py_ssize_t given);
PyObject *core_fork_by(PyObject *module, PyObject *args);
PyObject *core_vfork_call(PyObject *module, PyObject *const *args, Py_ssize_t given);
PyObject *core_spawn(PyObject *module, PyObject *args);

#endif
