/* SPDX-License-Identifier: MIT */
/* The part of a plan that children of every kind have: Python objects to C, and back. */
#ifndef SYSCRAFT_PLAN_H
#define SYSCRAFT_PLAN_H

#include "limited_api.h"
#include "spawn.h"

/* Whole items of *size* bytes out of a bytes object. Returns their number, or -1 on error. */
Py_ssize_t items_of(PyObject *bytes, size_t size, const void **items);

/*
 * Takes what attributes.py made. The tuple has to outlive the plan, and *kept* is to be released
 * after it. Returns -1 with an exception set, or 0.
 */
int plan_attributes(struct spawn_plan *plan, PyObject *attributes, PyObject **kept);

/* (pid, pidfd, errno, step): errno 0 and None, or what failed and in which step. */
PyObject *outcome_of(long pid, int pidfd, int error, int step);

#endif
