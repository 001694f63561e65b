/* SPDX-License-Identifier: MIT */
/* The steps of a spawned child that consist of prepared calls. */
#ifndef SYSCRAFT_SPAWN_CALLS_H
#define SYSCRAFT_SPAWN_CALLS_H

#include "spawn.h"

/* Makes the calls of a step, in order. Returns 0, or -errno of the first that fails. */
long spawn_calls(const struct spawn_plan *plan, int step);

#endif
