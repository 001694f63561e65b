/* SPDX-License-Identifier: MIT */
/*
 * ID maps that the parent writes: the child's own namespace gives it no right to IDs outside but its
 * own. So the child waits for them, and cannot be one that its parent waits for.
 * Source: new_idmap_permitted(), kernel/user_namespace.c, Linux 6.12
 */
#ifndef SYSCRAFT_ID_MAPS_H
#define SYSCRAFT_ID_MAPS_H

#include "spawn.h"

static inline int maps_wanted(const struct spawn_plan *plan)
{
	return plan->uid_map || plan->gid_map;
}

/* The pipe that the child waits at, if there are maps. Returns 0 or an errno. */
int maps_open(struct spawn_plan *plan);
void maps_close(struct spawn_plan *plan);

/*
 * In the parent: writes the maps, if there are any, and lets the child go on. Returns 0, or an errno:
 * then the child is killed, and is to be buried.
 */
int maps_write(const struct spawn_plan *plan, long pid);

#endif
