/* SPDX-License-Identifier: MIT */
/* Makes a call, and tells its error. */
#ifndef SYSCRAFT_INVOKE_H
#define SYSCRAFT_INVOKE_H

#include "arguments.h"

PyObject *invoke(long number, struct arguments *arguments, int blocking, int retry,
		 PyObject *default_path);
PyObject *raise_errno(long ret, PyObject *path, PyObject *path2);

#endif
