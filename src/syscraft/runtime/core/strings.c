// SPDX-License-Identifier: MIT
/* Strings and vectors of them for a program that is to be executed. */
#include "strings.h"

#include <string.h>

extern char **environ;

/* os.defpath, for an environment without PATH. */
#define DEFAULT_PATH "/bin:/usr/bin"

/* "argv[2]", or the name alone if the index is below 0. */
static PyObject *place_of(const char *what, Py_ssize_t index)
{
	if (index < 0)
		return PyUnicode_FromString(what);
	return PyUnicode_FromFormat("%s[%zd]", what, index);
}

static void fail(PyObject *kind, const char *what, Py_ssize_t index, const char *text,
		 PyObject *found)
{
	PyObject *place = place_of(what, index);

	if (place)
		PyErr_Format(kind, text, place, found);
	Py_XDECREF(place);
}

PyObject *encode_text(PyObject *value, const char *what, Py_ssize_t index)
{
	PyObject *path = NULL, *bytes = NULL;

	if (!PyUnicode_Check(value) && !PyBytes_Check(value)) {
		path = PyOS_FSPath(value);
		if (!path) {
			if (PyErr_ExceptionMatches(PyExc_TypeError))
				fail(PyExc_TypeError, what, index,
				     "%U is %R: expected str, bytes or a path", value);
			return NULL;
		}
		value = path;
	}
	if (PyUnicode_Check(value)) {
		bytes = PyUnicode_EncodeFSDefault(value);
	} else {
		Py_INCREF(value);
		bytes = value;
	}
	if (bytes && strlen(PyBytes_AsString(bytes)) != (size_t)PyBytes_Size(bytes)) {
		fail(PyExc_ValueError, what, index,
		     "%U has a null character inside, where the kernel's string would end: found %R",
		     value);
		Py_CLEAR(bytes);
	}
	Py_XDECREF(path);
	return bytes;
}

void vector_clear(struct vector *vector)
{
	PyMem_Free((void *)vector->items);
	vector->items = NULL;
	Py_CLEAR(vector->owner);
}

/* Makes the pointers once the list is complete. */
static int point_to(struct vector *vector)
{
	Py_ssize_t count = PyList_Size(vector->owner), index;

	vector->items = PyMem_Malloc(((size_t)count + 1) * sizeof(*vector->items));
	if (!vector->items) {
		PyErr_NoMemory();
		return -1;
	}
	for (index = 0; index < count; index++)
		vector->items[index] = PyBytes_AsString(PyList_GetItem(vector->owner, index));
	vector->items[count] = NULL;
	return 0;
}

/* Takes the reference to *bytes*, which may be NULL after an error. */
static int append(struct vector *vector, PyObject *bytes)
{
	int ret = bytes ? PyList_Append(vector->owner, bytes) : -1;

	Py_XDECREF(bytes);
	return ret;
}

int vector_of_arguments(struct vector *vector, PyObject *argv)
{
	PyObject *tuple;
	Py_ssize_t index;
	int ret = 0;

	if (PyUnicode_Check(argv) || PyBytes_Check(argv)) {
		PyErr_Format(PyExc_TypeError, "argv is %R: expected a sequence, for there is no shell "
			     "that would split it; write [%R]", argv, argv);
		return -1;
	}
	tuple = PySequence_Tuple(argv);
	vector->owner = tuple ? PyList_New(0) : NULL;
	if (!vector->owner) {
		Py_XDECREF(tuple);
		return -1;
	}
	if (PyTuple_Size(tuple) == 0) {
		PyErr_SetString(PyExc_ValueError, "argv is empty: expected at least the program");
		ret = -1;
	}
	for (index = 0; ret == 0 && index < PyTuple_Size(tuple); index++)
		ret = append(vector, encode_text(PyTuple_GetItem(tuple, index), "argv", index));
	Py_DECREF(tuple);
	return ret < 0 ? -1 : point_to(vector);
}

/* libc's own vector may be moved by another thread's setenv(3) while the child uses it. */
static int copy_environ(struct vector *vector)
{
	size_t count = 0;

	while (environ && environ[count])
		count++;
	vector->items = PyMem_Malloc((count + 1) * sizeof(*vector->items));
	if (!vector->items) {
		PyErr_NoMemory();
		return -1;
	}
	if (count)
		memcpy(vector->items, environ, count * sizeof(*vector->items));
	vector->items[count] = NULL;
	return 0;
}

/* "NAME=value" of a pair; NULL with an exception set. */
static PyObject *variable(PyObject *pair)
{
	PyObject *name = PyTuple_GetItem(pair, 0);
	PyObject *key = name ? encode_text(name, "a name in env", -1) : NULL;
	PyObject *value = key ? encode_text(PyTuple_GetItem(pair, 1), "a value in env", -1) : NULL;
	PyObject *joined = NULL;

	if (value) {
		const char *text = PyBytes_AsString(key);

		if (!*text || strchr(text, '='))
			PyErr_Format(PyExc_ValueError, "env: %R is no name of a variable: expected "
				     "one without '='", name);
		else
			joined = PyBytes_FromFormat("%s=%s", text, PyBytes_AsString(value));
	}
	Py_XDECREF(value);
	Py_XDECREF(key);
	return joined;
}

int vector_of_environment(struct vector *vector, PyObject *env)
{
	PyObject *items;
	Py_ssize_t index;
	int ret = 0;

	if (env == Py_None)
		return copy_environ(vector);
	items = PyMapping_Check(env) ? PyMapping_Items(env) : NULL;
	if (!items) {
		if (!PyErr_Occurred() || PyErr_ExceptionMatches(PyExc_AttributeError))
			PyErr_Format(PyExc_TypeError, "env is %R: expected a mapping of names to "
				     "values, or None", env);
		return -1;
	}
	vector->owner = PyList_New(0);
	if (!vector->owner)
		ret = -1;
	for (index = 0; ret == 0 && index < PyList_Size(items); index++)
		ret = append(vector, variable(PyList_GetItem(items, index)));
	Py_DECREF(items);
	return ret < 0 ? -1 : point_to(vector);
}

/* A candidate for each folder of PATH; an empty entry is the working directory. */
static int append_candidates(struct vector *vector, const char *program, const char *path)
{
	for (;;) {
		const char *end = strchr(path, ':');
		size_t length = end ? (size_t)(end - path) : strlen(path);
		PyObject *folder = PyBytes_FromStringAndSize(path, (Py_ssize_t)length);
		int ret = -1;

		if (folder)
			ret = append(vector, PyBytes_FromFormat(
						     "%s/%s", length ? PyBytes_AsString(folder) : ".",
						     program));
		Py_XDECREF(folder);
		if (ret < 0)
			return -1;
		if (!end)
			return 0;
		path = end + 1;
	}
}

/* What execve(2) tries in turn. PATH is the new environment's, and only for names without '/'. */
int vector_of_programs(struct vector *vector, PyObject *executable, const struct vector *argv,
		       const struct vector *env)
{
	PyObject *bytes;
	const char *program, *path = DEFAULT_PATH;
	size_t index;
	int ret;

	bytes = executable == Py_None ? PyBytes_FromString(argv->items[0]) :
					encode_text(executable, "executable", -1);
	vector->owner = bytes ? PyList_New(0) : NULL;
	if (!vector->owner) {
		Py_XDECREF(bytes);
		return -1;
	}
	program = PyBytes_AsString(bytes);
	/* To an empty path the kernel says ENOENT; a folder with '/' behind it would be EACCES. */
	if (!*program || strchr(program, '/'))
		return append(vector, bytes) < 0 ? -1 : point_to(vector);
	for (index = 0; env->items[index]; index++)
		if (!strncmp(env->items[index], "PATH=", 5))
			path = env->items[index] + 5;
	ret = append_candidates(vector, program, path);
	Py_DECREF(bytes);
	return ret < 0 ? -1 : point_to(vector);
}
