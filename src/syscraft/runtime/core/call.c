// SPDX-License-Identifier: MIT
/* Call: one system call as a function with parameter names. */
#include "call.h"
#include "invoke.h"

#include <errno.h>
#include <stddef.h>
#include <structmember.h>

/*
 * In the stable ABI under this name from 3.12 on. 3.11 has the same bit, and the same
 * "__vectorcalloffset__" member, outside of it.
 */
#ifndef Py_TPFLAGS_HAVE_VECTORCALL
#define Py_TPFLAGS_HAVE_VECTORCALL (1UL << 11)
typedef PyObject *(*vectorcallfunc)(PyObject *callable, PyObject *const *args, size_t nargsf,
				    PyObject *kwnames);
#endif
/* The caller's note in the highest bit, of PEP 590. */
#define COUNT_OF(nargsf) ((Py_ssize_t)((nargsf) & ~((size_t)1 << (8 * sizeof(size_t) - 1))))

struct call {
	PyObject_HEAD
	vectorcallfunc vectorcall;
	long number;
	Py_ssize_t count;
	char blocking;
	char retry; /* after EINTR */
	struct site site;
	PyObject *doc; /* str or None */
	PyObject *text_signature; /* str */
	PyObject *refused; /* str or None */
};

/* Whether the call cannot be made at all; then an exception is set. */
static int is_hopeless(struct call *self)
{
	if (self->refused != Py_None) {
		PyErr_SetObject(PyExc_ValueError, self->refused);
		return 1;
	}
	if (self->number < 0) {
		raise_errno(-ENOSYS, self->site.name, NULL);
		return 1;
	}
	return 0;
}

static int wrong_count(struct call *self, Py_ssize_t given)
{
	PyErr_Format(PyExc_TypeError, "%U() takes %zd argument%s, %zd given; it is %U%U",
		     self->site.name, self->count, self->count == 1 ? "" : "s", given,
		     self->site.name, self->text_signature);
	return -1;
}

/* Returns: where the parameter *name* is, or -1 with an exception set. */
static Py_ssize_t find_param(struct call *self, PyObject *name)
{
	Py_ssize_t index;

	for (index = 0; index < self->count; index++) {
		PyObject *param = PyTuple_GetItem(self->site.params, index);
		int equal = param == name;

		if (!equal)
			equal = PyObject_RichCompareBool(param, name, Py_EQ);
		if (equal < 0)
			return -1;
		if (equal)
			return index;
	}
	PyErr_Format(PyExc_TypeError, "%U() has no argument %R; it is %U%U", self->site.name, name,
		     self->site.name, self->text_signature);
	return -1;
}

/* Orders arguments given by name behind those given by place. */
static int order_arguments(struct call *self, PyObject *const *args, Py_ssize_t given,
			   PyObject *kwnames, PyObject **ordered)
{
	Py_ssize_t named = PyTuple_Size(kwnames), index;

	for (index = 0; index < self->count; index++)
		ordered[index] = index < given ? args[index] : NULL;
	for (index = 0; index < named; index++) {
		PyObject *name = PyTuple_GetItem(kwnames, index);
		Py_ssize_t place = find_param(self, name);

		if (place < 0)
			return -1;
		if (ordered[place]) {
			PyErr_Format(PyExc_TypeError, "%U() got argument %R twice",
				     self->site.name, name);
			return -1;
		}
		ordered[place] = args[given + index];
	}
	return given + named == self->count ? 0 : wrong_count(self, given + named);
}

static PyObject *call_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf,
				 PyObject *kwnames)
{
	struct call *self = (struct call *)callable;
	Py_ssize_t given = COUNT_OF(nargsf), index;
	PyObject *ordered[MAX_ARGUMENTS];
	struct arguments arguments;

	if (given > self->count || (!kwnames && given != self->count)) {
		wrong_count(self, given + (kwnames ? PyTuple_Size(kwnames) : 0));
		return NULL;
	}
	if (kwnames) {
		if (order_arguments(self, args, given, kwnames, ordered) < 0)
			return NULL;
		args = ordered;
	}
	if ((self->number < 0 || self->refused != Py_None) && is_hopeless(self))
		return NULL;
	arguments_init(&arguments);
	for (index = 0; index < self->count; index++)
		if (arguments_take(&arguments, (int)index, args[index], &self->site) < 0) {
			arguments_drop(&arguments);
			return NULL;
		}
	return invoke(self->number, &arguments, self->blocking, self->retry, NULL);
}

/* For callers that have a tuple and a dict; PyVectorcall_Call is in the stable ABI from 3.12 on. */
static PyObject *call_call(PyObject *callable, PyObject *args, PyObject *kwargs)
{
	PyObject *stack[2 * MAX_ARGUMENTS], *names = NULL, *key, *value, *result;
	Py_ssize_t given = PyTuple_Size(args), named = kwargs ? PyDict_Size(kwargs) : 0, index;
	Py_ssize_t position = 0;

	if (given > MAX_ARGUMENTS || named > MAX_ARGUMENTS) {
		wrong_count((struct call *)callable, given + named);
		return NULL;
	}
	for (index = 0; index < given; index++)
		stack[index] = PyTuple_GetItem(args, index);
	if (named) {
		names = PyTuple_New(named);
		if (!names)
			return NULL;
		for (index = 0; PyDict_Next(kwargs, &position, &key, &value); index++) {
			Py_INCREF(key);
			PyTuple_SetItem(names, index, key);
			stack[given + index] = value;
		}
	}
	result = call_vectorcall(callable, stack, (size_t)given, names);
	Py_XDECREF(names);
	return result;
}

/* "(dfd, filename, how, usize)" */
static PyObject *signature_text(PyObject *params)
{
	PyObject *comma = PyUnicode_FromString(", ");
	PyObject *joined = comma ? PyUnicode_Join(comma, params) : NULL;
	PyObject *text = joined ? PyUnicode_FromFormat("(%U)", joined) : NULL;

	Py_XDECREF(joined);
	Py_XDECREF(comma);
	return text;
}

static int check_params(PyObject *params)
{
	Py_ssize_t index, count = PyTuple_Size(params);

	if (count > MAX_ARGUMENTS) {
		PyErr_Format(PyExc_ValueError, "params: at most %d names, %zd given", MAX_ARGUMENTS,
			     count);
		return -1;
	}
	for (index = 0; index < count; index++)
		if (!PyUnicode_Check(PyTuple_GetItem(params, index))) {
			PyErr_SetString(PyExc_TypeError, "params: expected a sequence of str");
			return -1;
		}
	return 0;
}

static int check_text(const char *name, PyObject *value)
{
	if (value == Py_None || PyUnicode_Check(value))
		return 0;
	PyErr_Format(PyExc_TypeError, "%s: expected a str or None, found %R", name, value);
	return -1;
}

static void set_reference(PyObject **place, PyObject *value)
{
	PyObject *old = *place;

	Py_XINCREF(value);
	*place = value;
	Py_XDECREF(old);
}

/* In __new__, so that nobody can change a call that is being made. */
static PyObject *call_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	static char *names[] = { "name", "number", "params", "blocking", "path_mask", "doc",
				 "text_signature", "pointer_mask", "write_mask", "copy_mask",
				 "retry", "refused", NULL };
	PyObject *name, *sequence, *doc = Py_None, *text = Py_None, *refused = Py_None, *params;
	unsigned int path_mask = 0, pointer_mask = (1u << MAX_ARGUMENTS) - 1;
	unsigned int write_mask = 0, copy_mask = 0;
	int blocking = 1, retry = 0;
	struct call *self;
	allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
	long number;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "UlO|pIOO$IIIpO:Call", names, &name, &number,
					 &sequence, &blocking, &path_mask, &doc, &text,
					 &pointer_mask, &write_mask, &copy_mask, &retry, &refused))
		return NULL;
	if (check_text("doc", doc) < 0 || check_text("text_signature", text) < 0 ||
	    check_text("refused", refused) < 0)
		return NULL;
	params = PySequence_Tuple(sequence);
	if (!params)
		return NULL;
	if (check_params(params) < 0 || !(self = (struct call *)allocate(type, 0))) {
		Py_DECREF(params);
		return NULL;
	}
	self->vectorcall = call_vectorcall;
	self->number = number;
	self->count = PyTuple_Size(params);
	self->blocking = (char)blocking;
	self->retry = (char)retry;
	self->site.params = params;
	self->site.path_mask = path_mask;
	self->site.pointer_mask = pointer_mask;
	self->site.write_mask = write_mask;
	self->site.copy_mask = copy_mask;
	set_reference(&self->site.name, name);
	set_reference(&self->doc, doc);
	set_reference(&self->refused, refused);
	if (text != Py_None)
		set_reference(&self->text_signature, text);
	else
		self->text_signature = signature_text(params);
	if (!self->text_signature) {
		Py_DECREF(self);
		return NULL;
	}
	return (PyObject *)self;
}

static int call_traverse(PyObject *object, visitproc visit, void *arg)
{
	struct call *self = (struct call *)object;

	Py_VISIT(Py_TYPE(object));
	Py_VISIT(self->site.name);
	Py_VISIT(self->site.params);
	Py_VISIT(self->doc);
	Py_VISIT(self->text_signature);
	Py_VISIT(self->refused);
	return 0;
}

static void call_dealloc(PyObject *object)
{
	struct call *self = (struct call *)object;
	PyTypeObject *type = Py_TYPE(object);
	freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

	PyObject_GC_UnTrack(object);
	Py_CLEAR(self->site.name);
	Py_CLEAR(self->site.params);
	Py_CLEAR(self->doc);
	Py_CLEAR(self->text_signature);
	Py_CLEAR(self->refused);
	release(object);
	Py_DECREF(type);
}

static PyObject *call_repr(PyObject *object)
{
	struct call *self = (struct call *)object;

	if (self->number < 0)
		return PyUnicode_FromFormat("<system call %U%U, not on this ABI>", self->site.name,
					    self->text_signature);
	return PyUnicode_FromFormat("<system call %U%U, number %ld>", self->site.name,
				    self->text_signature, self->number);
}

/* inspect.signature() asks for this; it is made when asked for, since inspect loads slowly. */
/* The C types of the parameters stand in tables, which Python code reads. */
static PyObject *call_signature(PyObject *object, void *closure)
{
	struct call *self = (struct call *)object;
	PyObject *module = PyImport_ImportModule("syscraft.runtime.call_maker");
	PyObject *result = NULL;

	(void)closure;
	if (module)
		result = PyObject_CallMethod(module, "signature_of", "OO", self->site.name,
					     self->site.params);
	Py_XDECREF(module);
	return result;
}

/* The type itself has a docstring, too: a getter, which finds the instance's. */
static PyObject *call_doc(PyObject *object, void *closure)
{
	PyObject *doc = ((struct call *)object)->doc;

	(void)closure;
	Py_INCREF(doc);
	return doc;
}

static PyObject *call_module(PyObject *object, void *closure)
{
	(void)object;
	(void)closure;
	return PyUnicode_FromString("syscraft.calls");
}

static PyMemberDef call_members[] = {
	{ "__vectorcalloffset__", T_PYSSIZET, offsetof(struct call, vectorcall), READONLY, NULL },
	{ "__name__", T_OBJECT_EX, offsetof(struct call, site.name), READONLY, NULL },
	{ "__qualname__", T_OBJECT_EX, offsetof(struct call, site.name), READONLY, NULL },
	{ "__text_signature__", T_OBJECT_EX, offsetof(struct call, text_signature), READONLY,
	  NULL },
	{ "number", T_LONG, offsetof(struct call, number), READONLY,
	  "what the ABI's table has; -1 if nothing" },
	{ "params", T_OBJECT_EX, offsetof(struct call, site.params), READONLY,
	  "the parameters' names, in order" },
	{ "blocking", T_BOOL, offsetof(struct call, blocking), READONLY,
	  "whether other threads run meanwhile" },
	{ NULL, 0, 0, 0, NULL },
};

static PyGetSetDef call_getters[] = {
	{ "__doc__", call_doc, NULL, NULL, NULL },
	{ "__module__", call_module, NULL, NULL, NULL },
	{ "__signature__", call_signature, NULL, NULL, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot call_slots[] = {
	{ Py_tp_new, call_new },
	{ Py_tp_call, call_call },
	{ Py_tp_dealloc, call_dealloc },
	{ Py_tp_traverse, call_traverse },
	{ Py_tp_repr, call_repr },
	{ Py_tp_members, call_members },
	{ Py_tp_getset, call_getters },
	{ 0, NULL },
};

static PyType_Spec call_spec = {
	.name = "syscraft.runtime._core.Call",
	.basicsize = sizeof(struct call),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
		 Py_TPFLAGS_IMMUTABLETYPE,
	.slots = call_slots,
};

PyObject *make_call_type(void)
{
	return PyType_FromSpec(&call_spec);
}
