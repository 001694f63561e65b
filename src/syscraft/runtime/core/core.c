// SPDX-License-Identifier: MIT
/* The module: raw calls by number or name, and what is known of numbers. */
#include "call.h"
#include "invoke.h"
#include "methods.h"
#include "state.h"

#include <errno.h>

static struct core_state *state_of(PyObject *module)
{
	return (struct core_state *)PyModule_GetState(module);
}

/*
 * Runs the loader, and forgets it once it has succeeded: threads that come meanwhile run it too,
 * and wait for each other in it. Returns -1 with an exception set, or 0.
 */
static int load_tables(struct core_state *state)
{
	PyObject *loader = state->loader, *result;

	Py_INCREF(loader);
	result = PyObject_CallNoArgs(loader);
	if (result && state->loader == loader) {
		state->loader = NULL;
		Py_DECREF(loader);
	}
	Py_XDECREF(result);
	Py_DECREF(loader);
	return result ? 0 : -1;
}

static int unknown_name(struct core_state *state, PyObject *name)
{
	PyObject *exception;

	if (!state->missing) {
		PyErr_Format(PyExc_LookupError, "no system call is named %R here", name);
		return -1;
	}
	exception = PyObject_CallFunctionObjArgs(state->missing, name, NULL);
	if (!exception)
		return -1;
	if (PyExceptionInstance_Check(exception))
		PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
	else
		PyErr_Format(PyExc_TypeError, "missing() returned %R: expected an exception",
			     exception);
	Py_DECREF(exception);
	return -1;
}

static int number_from_name(struct core_state *state, PyObject *name, long *number)
{
	PyObject *found = state->numbers ? PyDict_GetItemWithError(state->numbers, name) : NULL;

	if (!found)
		return PyErr_Occurred() ? -1 : unknown_name(state, name);
	*number = PyLong_AsLong(found);
	return *number == -1 && PyErr_Occurred() ? -1 : 0;
}

static int number_of(struct core_state *state, PyObject *what, long *number)
{
	PyObject *type;
	int overflow;

	if (PyLong_Check(what)) {
		*number = PyLong_AsLongAndOverflow(what, &overflow);
		if (!overflow)
			return 0;
		PyErr_SetString(PyExc_OverflowError,
				"the number of a system call does not fit into a C long");
		return -1;
	}
	if (PyUnicode_Check(what))
		return number_from_name(state, what, number);
	type = type_name(what);
	if (type)
		PyErr_Format(PyExc_TypeError,
			     "a system call is told by its number or its name: expected an int or "
			     "a str, found a %U", type);
	Py_XDECREF(type);
	return -1;
}

static int refuse(struct core_state *state, long number)
{
	PyObject *key = PyLong_FromLong(number);
	PyObject *why = key ? PyDict_GetItemWithError(state->refused, key) : NULL;

	if (why)
		PyErr_SetObject(PyExc_ValueError, why);
	Py_XDECREF(key);
	return -1;
}

/* The only keyword is blocking=; None is as if it were not there. */
static int read_keywords(PyObject *const *values, PyObject *kwnames, int *blocking)
{
	Py_ssize_t index;

	for (index = 0; index < PyTuple_Size(kwnames); index++) {
		PyObject *name = PyTuple_GetItem(kwnames, index);

		if (PyUnicode_CompareWithASCIIString(name, "blocking")) {
			PyErr_Format(PyExc_TypeError,
				     "syscall() has no argument %R; it takes a number or a name, up "
				     "to %d arguments by place, and blocking=", name,
				     MAX_ARGUMENTS);
			return -1;
		}
		if (values[index] != Py_None) {
			*blocking = PyObject_IsTrue(values[index]);
			if (*blocking < 0)
				return -1;
		}
	}
	return 0;
}

static int wrong_count(Py_ssize_t given)
{
	if (given < 1)
		PyErr_SetString(PyExc_TypeError, "syscall() lacks the call's number or name");
	else
		PyErr_Format(PyExc_TypeError,
			     "a system call has at most %d arguments: %zd given", MAX_ARGUMENTS,
			     given - 1);
	return -1;
}

static PyObject *core_syscall(PyObject *module, PyObject *const *args, Py_ssize_t given,
			      PyObject *kwnames)
{
	static const struct site site = { NULL, NULL, (1u << MAX_ARGUMENTS) - 1,
					  (1u << MAX_ARGUMENTS) - 1 };
	struct core_state *state = state_of(module);
	struct arguments arguments;
	int blocking = -1, policy = 0;
	Py_ssize_t index;
	long number;

	if ((given < 1 || given > MAX_ARGUMENTS + 1) && wrong_count(given) < 0)
		return NULL;
	if (state->loader && load_tables(state) < 0)
		return NULL;
	if (kwnames && read_keywords(args + given, kwnames, &blocking) < 0)
		return NULL;
	if (number_of(state, args[0], &number) < 0)
		return NULL;
	if (number >= 0 && POLICY_PLACE(number) < POLICY_NUMBERS)
		policy = state->policy[POLICY_PLACE(number)];
	if ((policy & POLICY_REFUSED) && refuse(state, number) < 0)
		return NULL;
	/* What is not known may block. */
	if (blocking < 0)
		blocking = !(policy & POLICY_KEEP_GIL);
	arguments_init(&arguments);
	for (index = 1; index < given; index++)
		if (arguments_take(&arguments, (int)index - 1, args[index], &site) < 0) {
			arguments_drop(&arguments);
			return NULL;
		}
	return invoke(number, &arguments, blocking, (policy & POLICY_ONCE) != 0, NULL);
}

static void replace(PyObject **place, PyObject *value)
{
	PyObject *old = *place;

	Py_XINCREF(value);
	*place = value;
	Py_XDECREF(old);
}

static PyObject *core_set_loader(PyObject *module, PyObject *loader)
{
	if (loader != Py_None && !PyCallable_Check(loader)) {
		PyErr_SetString(PyExc_TypeError, "set_loader() expects a callable or None");
		return NULL;
	}
	replace(&state_of(module)->loader, loader == Py_None ? NULL : loader);
	Py_RETURN_NONE;
}

/* Sets a bit for each number of an iterable. NULL is an empty one. */
static int mark(unsigned char *policy, PyObject *numbers, enum policy bit)
{
	PyObject *iterator, *item;

	if (!numbers)
		return 0;
	iterator = PyObject_GetIter(numbers);
	if (!iterator)
		return -1;
	while ((item = PyIter_Next(iterator))) {
		long number = PyLong_AsLong(item);

		Py_DECREF(item);
		if (number == -1 && PyErr_Occurred())
			break;
		if (number < 0 || POLICY_PLACE(number) >= POLICY_NUMBERS) {
			PyErr_Format(PyExc_ValueError,
				     "number %ld: expected one from 0 to %d", number,
				     POLICY_NUMBERS - 1);
			break;
		}
		policy[POLICY_PLACE(number)] |= (unsigned char)bit;
	}
	Py_DECREF(iterator);
	return PyErr_Occurred() ? -1 : 0;
}

static PyObject *core_set_numbers(PyObject *module, PyObject *args, PyObject *kwargs)
{
	static char *names[] = { "", "keep_gil", "once", "refused", "missing", NULL };
	PyObject *numbers, *keep_gil = NULL, *once = NULL, *refused = NULL, *missing = Py_None;
	struct core_state *state = state_of(module);
	unsigned char policy[POLICY_NUMBERS] = { 0 };
	int index;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|$OOO!O:set_numbers", names,
					 &PyDict_Type, &numbers, &keep_gil, &once, &PyDict_Type,
					 &refused, &missing))
		return NULL;
	if (mark(policy, keep_gil, POLICY_KEEP_GIL) < 0 || mark(policy, once, POLICY_ONCE) < 0 ||
	    mark(policy, refused, POLICY_REFUSED) < 0)
		return NULL;
	/* All of it, or nothing. */
	for (index = 0; index < POLICY_NUMBERS; index++)
		state->policy[index] = policy[index];
	replace(&state->numbers, numbers);
	replace(&state->refused, refused);
	replace(&state->missing, missing == Py_None ? NULL : missing);
	Py_RETURN_NONE;
}

PyDoc_STRVAR(syscall_doc,
"syscall($module, number, /, *args, blocking=None)\n"
"--\n"
"\n"
"Make a system call: no libc, no checks but the kernel's.\n"
"\n"
"Args:\n"
"    number: the ABI's number (C: long), or the call's name.\n"
"    args: up to 6 of int, bool, None (NULL), bytes, str and path-like objects\n"
"        (encoded as os.fsencode() does), and buffers, which the kernel may write to.\n"
"    blocking: whether other threads run meanwhile; None: where the call can block.\n"
"\n"
"Returns:\n"
"    What the kernel returns, as a C long.\n"
"\n"
"Raises:\n"
"    OSError: the kernel returned -1 to -4095, -errno; str arguments are its filenames.\n"
"    TypeError: more than 6 arguments, or one that registers cannot hold.\n"
"    OverflowError: an integer that does not fit into a register.\n"
"    ValueError: a str with a null character inside, or a call that no interpreter\n"
"        would survive.");

static PyMethodDef core_methods[] = {
	{ "syscall", (PyCFunction)(void (*)(void))core_syscall, METH_FASTCALL | METH_KEYWORDS,
	  syscall_doc },
	{ "set_loader", core_set_loader, METH_O, NULL },
	{ "set_numbers", (PyCFunction)(void (*)(void))core_set_numbers,
	  METH_VARARGS | METH_KEYWORDS, NULL },
	{ "clone", core_clone, METH_VARARGS, NULL },
	{ "fork_call", (PyCFunction)(void (*)(void))core_fork_call, METH_FASTCALL, NULL },
	{ "vfork_call", (PyCFunction)(void (*)(void))core_vfork_call, METH_FASTCALL, NULL },
	{ "fork_by", core_fork_by, METH_VARARGS, NULL },
	{ "spawn", core_spawn, METH_VARARGS, NULL },
	{ NULL, NULL, 0, NULL },
};

static int core_exec(PyObject *module)
{
	struct core_state *state = state_of(module);

	state->call_type = make_call_type();
	if (!state->call_type)
		return -1;
	Py_INCREF(state->call_type);
	if (PyModule_AddObject(module, "Call", state->call_type) < 0) {
		Py_DECREF(state->call_type);
		return -1;
	}
	return 0;
}

static int core_traverse(PyObject *module, visitproc visit, void *arg)
{
	struct core_state *state = state_of(module);

	Py_VISIT(state->numbers);
	Py_VISIT(state->refused);
	Py_VISIT(state->missing);
	Py_VISIT(state->loader);
	Py_VISIT(state->call_type);
	return 0;
}

static int core_clear(PyObject *module)
{
	struct core_state *state = state_of(module);

	Py_CLEAR(state->numbers);
	Py_CLEAR(state->refused);
	Py_CLEAR(state->missing);
	Py_CLEAR(state->loader);
	Py_CLEAR(state->call_type);
	return 0;
}

static void core_free(void *module)
{
	core_clear((PyObject *)module);
}

static PyModuleDef_Slot core_slots[] = {
	{ Py_mod_exec, core_exec },
	{ 0, NULL },
};

static struct PyModuleDef core_module = {
	PyModuleDef_HEAD_INIT,
	.m_name = "syscraft.runtime._core",
	.m_size = sizeof(struct core_state),
	.m_methods = core_methods,
	.m_slots = core_slots,
	.m_traverse = core_traverse,
	.m_clear = core_clear,
	.m_free = core_free,
};

PyMODINIT_FUNC PyInit__core(void)
{
	return PyModuleDef_Init(&core_module);
}
