// SPDX-License-Identifier: MIT
/* The part of a plan that children of every kind have: Python objects to C, and back. */
#include "plan.h"
#include "methods.h"
#include "strings.h"

static const char *const step_names[STEP_COUNT] = {
	[STEP_CLONE] = "clone",
	[STEP_SIGNALS] = "signals",
	[STEP_ID_MAPS] = "id_maps",
	[STEP_JOIN] = "join",
	[STEP_SETSID] = "setsid",
	[STEP_TERMINAL] = "terminal",
	[STEP_PROCESS_GROUP] = "process_group",
	[STEP_UMASK] = "umask",
	[STEP_NICE] = "nice",
	[STEP_SCHEDULER] = "scheduler",
	[STEP_AFFINITY] = "affinity",
	[STEP_CGROUP] = "cgroup",
	[STEP_ROOT] = "root",
	[STEP_CWD] = "cwd",
	[STEP_FDS] = "fds",
	[STEP_LIMITS] = "limits",
	[STEP_GROUPS] = "groups",
	[STEP_GID] = "gid",
	[STEP_KEEP_CAPABILITIES] = "capabilities",
	[STEP_UID] = "uid",
	[STEP_CAPABILITIES] = "capabilities",
	[STEP_DEATH_SIGNAL] = "death_signal",
	[STEP_NO_NEW_PRIVS] = "no_new_privs",
	[STEP_CLOSE] = "close",
	[STEP_SIGMASK] = "sigmask",
	[STEP_EXEC] = "exec",
};

static const char *const call_names[CALL_COUNT] = {
	[CALL_PRLIMIT] = "prlimit64",
	[CALL_PRCTL] = "prctl",
	[CALL_IOCTL] = "ioctl",
	[CALL_CAPSET] = "capset",
	[CALL_SETAFFINITY] = "sched_setaffinity",
	[CALL_SETSCHEDULER] = "sched_setscheduler",
	[CALL_SETNS] = "setns",
	[CALL_CHROOT] = "chroot",
	[CALL_CHDIR] = "chdir",
	[CALL_WRITE_FILE] = "write_file",
	[CALL_CHECK_PARENT] = "check_parent",
};

static PyObject *tuple_of(const char *const *names, Py_ssize_t count)
{
	PyObject *tuple = PyTuple_New(count);
	Py_ssize_t index;

	for (index = 0; tuple && index < count; index++) {
		PyObject *name = PyUnicode_FromString(names[index]);

		if (!name)
			Py_CLEAR(tuple);
		else
			PyTuple_SetItem(tuple, index, name);
	}
	return tuple;
}

/* spawn_names() -> (steps, calls): what the numbers in prepared calls mean. */
PyObject *core_spawn_names(PyObject *module, PyObject *unused)
{
	PyObject *steps = tuple_of(step_names, STEP_COUNT);
	PyObject *calls = steps ? tuple_of(call_names, CALL_COUNT) : NULL;
	PyObject *both = calls ? PyTuple_Pack(2, steps, calls) : NULL;

	(void)module;
	(void)unused;
	Py_XDECREF(calls);
	Py_XDECREF(steps);
	return both;
}

Py_ssize_t items_of(PyObject *bytes, size_t size, const void **items)
{
	*items = PyBytes_AsString(bytes);
	if (!*items)
		return -1;
	if ((size_t)PyBytes_Size(bytes) % size) {
		PyErr_Format(PyExc_ValueError, "%zd bytes are no whole number of items of "
			     "%zd bytes", PyBytes_Size(bytes), (Py_ssize_t)size);
		return -1;
	}
	return PyBytes_Size(bytes) / (Py_ssize_t)size;
}

static int plan_calls(struct spawn_plan *plan, PyObject *bytes)
{
	const void *calls;
	Py_ssize_t count = items_of(bytes, sizeof(struct spawn_call), &calls), index;

	if (count < 0)
		return -1;
	plan->calls = calls;
	plan->call_count = (unsigned int)count;
	for (index = 0; index < count; index++)
		if (plan->calls[index].kind < 0 || plan->calls[index].kind >= CALL_COUNT) {
			PyErr_SetString(PyExc_ValueError, "unknown kind of call");
			return -1;
		}
	return 0;
}

static int plan_groups(struct spawn_plan *plan, PyObject *bytes)
{
	const void *groups;
	Py_ssize_t count;

	if (bytes == Py_None)
		return 0;
	count = items_of(bytes, sizeof(unsigned int), &groups);
	if (count < 0)
		return -1;
	plan->set_groups = 1;
	plan->groups = groups;
	plan->group_count = (unsigned int)count;
	return 0;
}

static int plan_cwd(struct spawn_plan *plan, PyObject *cwd, PyObject **kept)
{
	if (cwd == Py_None)
		return 0;
	*kept = encode_text(cwd, "cwd", -1);
	if (!*kept)
		return -1;
	plan->cwd = PyBytes_AsString(*kept);
	return 0;
}

int plan_attributes(struct spawn_plan *plan, PyObject *attributes, PyObject **kept)
{
	PyObject *cwd, *groups, *calls;

	if (!PyTuple_Check(attributes)) {
		PyErr_SetString(PyExc_TypeError, "attributes: expected a tuple");
		return -1;
	}
	if (!PyArg_ParseTuple(attributes, "OiOpiipiLLSzz:attributes", &cwd, &plan->cwd_fd, &groups,
			      &plan->setsid, &plan->process_group, &plan->umask, &plan->set_nice,
			      &plan->nice, &plan->uid, &plan->gid, &calls, &plan->uid_map,
			      &plan->gid_map))
		return -1;
	if (plan_calls(plan, calls) < 0 || plan_groups(plan, groups) < 0)
		return -1;
	return plan_cwd(plan, cwd, kept);
}

PyObject *outcome_of(long pid, int pidfd, int error, int step)
{
	if (error)
		return Py_BuildValue("liis", pid, pidfd, error, step_names[step]);
	return Py_BuildValue("liiO", pid, pidfd, 0, Py_None);
}
