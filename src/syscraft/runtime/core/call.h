/* SPDX-License-Identifier: MIT */
/* The type of a call's object. */
#ifndef SYSCRAFT_CALL_H
#define SYSCRAFT_CALL_H

#include "limited_api.h"

/* Returns a new reference, or NULL with an exception set. */
PyObject *make_call_type(void);

#endif
