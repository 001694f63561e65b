// SPDX-License-Identifier: MIT
/* Python objects to what registers hold. */
#include "arguments.h"

#include <string.h>

/* "argument 2 of syscall()", "openat2(): how". Returns a new reference or NULL. */
static PyObject *describe(const struct site *site, int index)
{
	PyObject *param;

	if (!site->name)
		return PyUnicode_FromFormat("argument %d of syscall()", index + 1);
	param = PyTuple_GetItem(site->params, index);
	return param ? PyUnicode_FromFormat("%U(): %U", site->name, param) : NULL;
}

/* Raises with the place in front, and the value's type where %U of the text is. */
static int fail(PyObject *kind, const struct site *site, int index, PyObject *value,
		const char *text)
{
	PyObject *place = describe(site, index);
	PyObject *type = place ? type_name(value) : NULL;
	PyObject *rest = type ? PyUnicode_FromFormat(text, type) : NULL;

	if (rest)
		PyErr_Format(kind, "%U %U", place, rest);
	Py_XDECREF(rest);
	Py_XDECREF(type);
	Py_XDECREF(place);
	return -1;
}

static int take_integer(struct arguments *into, int index, PyObject *integer,
			const struct site *site)
{
	int overflow;
	long value = PyLong_AsLongAndOverflow(integer, &overflow);

	if (overflow > 0) {
		unsigned long large = PyLong_AsUnsignedLong(integer);

		overflow = large == (unsigned long)-1 && PyErr_Occurred();
		value = (long)large;
	}
	if (overflow) {
		/* Not the value: it may have a million digits. */
		PyErr_Clear();
		return fail(PyExc_OverflowError, site, index, integer,
			    sizeof(long) == 8 ? "does not fit into 64 bits: expected an integer "
						"from -2**63 to 2**64-1" :
						"does not fit into 32 bits: expected an integer "
						"from -2**31 to 2**32-1; pass wider ones in halves");
	}
	if (value == -1 && PyErr_Occurred())
		return -1;
	into->values[index] = value;
	return 0;
}

static void keep(struct arguments *into, int index, PyObject *object)
{
	into->owned[index] = object;
	into->owned_mask |= 1u << index;
}

/* Literals and small bytes are one object for the whole interpreter: nothing may write to them. */
static int refuse_constant(const struct site *site, int index, PyObject *value)
{
	return fail(PyExc_TypeError, site, index, value,
		    "is a %U, which cannot change: expected a bytearray or another writable buffer, "
		    "for the kernel may write there");
}

static int take_copy(struct arguments *into, int index, const char *data, Py_ssize_t size)
{
	PyObject *copy = PyByteArray_FromStringAndSize(data, size);

	if (!copy)
		return -1;
	if (into->owned_mask & 1u << index)
		Py_DECREF(into->owned[index]);
	keep(into, index, copy);
	into->values[index] = (long)PyByteArray_AsString(copy);
	return 0;
}

/* Takes a reference from the caller; returns -1 with an exception set, or 0. */
static int take_owned_bytes(struct arguments *into, int index, PyObject *bytes, PyObject *value,
			    const struct site *site)
{
	char *text = PyBytes_AsString(bytes);

	keep(into, index, bytes);
	if (!text)
		return -1;
	if (strlen(text) != (size_t)PyBytes_Size(bytes))
		return fail(PyExc_ValueError, site, index, value,
			    "has a null character inside, where the kernel's string would end: "
			    "found it in a %U; pass bytes if it is data");
	if (site->copy_mask & 1u << index)
		return take_copy(into, index, text, PyBytes_Size(bytes) + 1);
	into->values[index] = (long)text;
	return 0;
}

static void note_path(struct arguments *into, PyObject *path)
{
	if (into->path_count < 2)
		into->paths[into->path_count++] = path;
}

/* A str, or what os.fspath() makes of an object: always a path or a name. */
static int take_text(struct arguments *into, int index, PyObject *value, const struct site *site)
{
	PyObject *bytes;

	if (PyBytes_Check(value)) {
		Py_INCREF(value);
		bytes = value;
	} else {
		bytes = PyUnicode_EncodeFSDefault(value);
		if (!bytes)
			return -1;
	}
	return take_owned_bytes(into, index, bytes, value, site);
}

static int take_path_like(struct arguments *into, int index, PyObject *value,
			  const struct site *site)
{
	PyObject *path = PyOS_FSPath(value);
	int ret;

	if (!path)
		return -1;
	ret = take_text(into, index, path, site);
	/* The name for OSError is the caller's own object: it outlives the call. */
	if (ret == 0 && (site->path_mask & 1u << index))
		note_path(into, value);
	Py_DECREF(path);
	return ret;
}

static int take_buffer(struct arguments *into, int index, PyObject *value, const struct site *site)
{
	if (PyObject_GetBuffer(value, &into->views[index], PyBUF_SIMPLE) < 0) {
		if (!PyErr_ExceptionMatches(PyExc_BufferError))
			return -1;
		PyErr_Clear();
		return fail(PyExc_BufferError, site, index, value,
			    "is not one piece of memory: expected a contiguous buffer, found a "
			    "%U that is not");
	}
	into->view_mask |= 1u << index;
	into->values[index] = (long)into->views[index].buf;
	if (!into->views[index].readonly)
		return 0;
	if (site->write_mask & 1u << index)
		return refuse_constant(site, index, value);
	if (site->copy_mask & 1u << index)
		return take_copy(into, index, into->views[index].buf, into->views[index].len);
	return 0;
}

/*
 * Numbers go before buffers: a NumPy integer is both, and means its value. Its arrays only look
 * like numbers.
 */
static int take_index(struct arguments *into, int index, PyObject *value, const struct site *site)
{
	PyObject *integer = PyNumber_Index(value);
	int ret;

	if (!integer) {
		if (!PyErr_ExceptionMatches(PyExc_TypeError) || !PyObject_CheckBuffer(value))
			return -1;
		PyErr_Clear();
		return 1;
	}
	ret = take_integer(into, index, integer, site);
	Py_DECREF(integer);
	return ret;
}

static int take_address(struct arguments *into, int index, PyObject *value, const struct site *site)
{
	if (!(site->pointer_mask & 1u << index))
		return fail(PyExc_TypeError, site, index, value,
			    "is a %U: expected an integer, for it is no address");
	if (PyUnicode_Check(value) || PyBytes_Check(value)) {
		if (site->write_mask & 1u << index)
			return refuse_constant(site, index, value);
		/* Bytes may be data with any byte in it, unless they are known to be a path. */
		const int is_path = (site->path_mask & 1u << index) &&
				    (site->name || PyUnicode_Check(value));

		if (is_path)
			note_path(into, value);
		if (is_path || PyUnicode_Check(value))
			return take_text(into, index, value, site);
		if (site->copy_mask & 1u << index)
			return take_copy(into, index, PyBytes_AsString(value),
					 PyBytes_Size(value) + 1);
		into->values[index] = (long)PyBytes_AsString(value);
		return 0;
	}
	return take_buffer(into, index, value, site);
}

int arguments_take_slowly(struct arguments *into, int index, PyObject *value,
			  const struct site *site)
{
	if (PyLong_Check(value))
		return take_integer(into, index, value, site);
	if (value == Py_None) {
		into->values[index] = 0;
		return 0;
	}
	if (PyUnicode_Check(value) || PyBytes_Check(value))
		return take_address(into, index, value, site);
	if (PyIndex_Check(value)) {
		int ret = take_index(into, index, value, site);

		if (ret <= 0)
			return ret;
	}
	if (PyObject_CheckBuffer(value))
		return take_address(into, index, value, site);
	if (PyObject_HasAttrString((PyObject *)Py_TYPE(value), "__fspath__")) {
		if (!(site->pointer_mask & 1u << index))
			return take_address(into, index, value, site);
		if (site->write_mask & 1u << index)
			return refuse_constant(site, index, value);
		return take_path_like(into, index, value, site);
	}
	return fail(PyExc_TypeError, site, index, value,
		    "is a %U: expected an integer, None, a path, or a buffer");
}

void arguments_drop_all(struct arguments *arguments)
{
	int index;

	for (index = 0; index < MAX_ARGUMENTS; index++) {
		if (arguments->owned_mask & 1u << index)
			Py_CLEAR(arguments->owned[index]);
		if (arguments->view_mask & 1u << index)
			PyBuffer_Release(&arguments->views[index]);
	}
	arguments->owned_mask = 0;
	arguments->view_mask = 0;
}
