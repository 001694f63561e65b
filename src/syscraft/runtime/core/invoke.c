// SPDX-License-Identifier: MIT
/* The call itself: who holds the GIL, what EINTR means, and errors. */
#include "invoke.h"

#include <errno.h>

#include "generated/bare_syscalls.h"

/* Registers that a call does not want are 0: that is what new flags of the kernel mean. */
static inline long call_six(long number, const long *values)
{
	return syscall6(number, values[0], values[1], values[2], values[3], values[4], values[5]);
}

/* Raises OSError, or the subclass that belongs to the errno. Returns NULL. */
PyObject *raise_errno(long ret, PyObject *path, PyObject *path2)
{
	errno = (int)-ret;
	return PyErr_SetFromErrnoWithFilenameObjects(PyExc_OSError, path, path2);
}

static PyObject *fail(long ret, const struct arguments *arguments, PyObject *default_path)
{
	PyObject *first = arguments->path_count > 0 ? arguments->paths[0] : default_path;
	PyObject *second = arguments->path_count > 1 ? arguments->paths[1] : NULL;
	PyObject *path = NULL, *path2 = NULL;

	/* A pathlib.Path is told as os functions tell it: by its text. */
	if (first && !(path = PyOS_FSPath(first)))
		return NULL;
	if (second && !(path2 = PyOS_FSPath(second))) {
		Py_DECREF(path);
		return NULL;
	}
	raise_errno(ret, path, path2);
	Py_XDECREF(path);
	Py_XDECREF(path2);
	return NULL;
}

/* A call that may sleep: other threads run meanwhile, and signals are Python's in between. */
static int call_blocking(long number, const long *values, int retry, long *ret)
{
	for (;;) {
		PyThreadState *thread = PyEval_SaveThread();

		*ret = call_six(number, values);
		PyEval_RestoreThread(thread);
		if (*ret != -EINTR)
			return 0;
		/* PEP 475: the handler runs first, and may end the call by an exception. */
		if (PyErr_CheckSignals() < 0)
			return -1;
		if (!retry)
			return 0;
	}
}

/* Drops *arguments* in every case. Returns NULL with an exception set, or the result. */
PyObject *invoke(long number, struct arguments *arguments, int blocking, int retry,
		 PyObject *default_path)
{
	PyObject *result = NULL;
	long ret;

	if (!blocking)
		ret = call_six(number, arguments->values);
	else if (call_blocking(number, arguments->values, retry, &ret) < 0)
		goto done;
	if (SYSCALL_FAILED(ret))
		fail(ret, arguments, default_path);
	else
		result = PyLong_FromLong(ret);
done:
	arguments_drop(arguments);
	return result;
}
