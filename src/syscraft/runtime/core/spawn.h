/* SPDX-License-Identifier: MIT */
/* What the parent prepares and the child of a spawn does; no libc, no Python. */
#ifndef SYSCRAFT_SPAWN_H
#define SYSCRAFT_SPAWN_H

/*
 * The kernel's signal set; it has room for 64 signals, or for 128 where a table goes on. Signal 1 is
 * bit 0 of the first word. Source: sigset_t, include/uapi/asm-generic/signal.h, Linux 6.12
 */
#define SIGNAL_WORDS (16 / sizeof(unsigned long))

/* In the order in which the child takes them; plan.c has their names. */
enum spawn_step {
	STEP_CLONE,
	STEP_SIGNALS,
	STEP_ID_MAPS,
	STEP_JOIN,
	STEP_SETSID,
	STEP_TERMINAL,
	STEP_PROCESS_GROUP,
	STEP_UMASK,
	STEP_NICE,
	STEP_SCHEDULER,
	STEP_AFFINITY,
	STEP_CGROUP,
	STEP_ROOT,
	STEP_CWD,
	STEP_FDS,
	STEP_LIMITS,
	STEP_GROUPS,
	STEP_GID,
	STEP_KEEP_CAPABILITIES,
	STEP_UID,
	STEP_CAPABILITIES,
	STEP_DEATH_SIGNAL,
	STEP_NO_NEW_PRIVS,
	STEP_CLOSE,
	STEP_SIGMASK,
	STEP_EXEC,
	STEP_COUNT,
};

/* What a prepared call is; plan.c has their names. */
enum spawn_call_kind {
	CALL_PRLIMIT,
	CALL_PRCTL,
	CALL_IOCTL,
	CALL_CAPSET,
	CALL_SETAFFINITY,
	CALL_SETSCHEDULER,
	CALL_SETNS,
	CALL_CHROOT,
	CALL_CHDIR,
	CALL_WRITE_FILE, /* its path, the text, its length */
	CALL_CHECK_PARENT, /* the ID that the parent has to have */
	CALL_COUNT,
};

/*
 * A system call of a step that consists of nothing else: all that most programs do not want, so
 * that they do not pay for it. Addresses are of memory that lives as long as the plan.
 */
struct spawn_call {
	int step;
	int kind;
	long arguments[5];
};

/* In memory that both processes see, whether or not the child runs in the parent's. */
struct spawn_report {
	int error; /* errno, or 0 */
	int step;
};

/* The child's descriptor *target* is what the parent calls *source*. */
struct fd_move {
	int target;
	int source;
};

struct fd_range {
	unsigned int first;
	unsigned int last;
};

struct spawn_plan {
	struct spawn_report *report;
	const char *const *programs; /* candidates, up to NULL */
	const char *const *argv;
	const char *const *envp;
	const char *cwd; /* or NULL */
	int cwd_fd; /* or -1 */
	int cgroup_fd; /* to write to its cgroup.procs, or -1 */
	struct fd_move *moves; /* the child changes them */
	unsigned int move_count;
	int above_targets; /* no target is so high */
	const struct fd_range *closed;
	unsigned int closed_count;
	const struct spawn_call *calls;
	unsigned int call_count;
	const char *uid_map; /* which the parent writes; or NULL */
	const char *gid_map;
	int go[2]; /* a pipe: from where the child gets a byte when that is done; or -1 */
	int kept_fd; /* exec closes it, and nothing before; or -1 */
	const unsigned int *groups;
	unsigned int group_count;
	int set_groups;
	int setsid;
	int process_group; /* or -1 */
	int umask; /* or -1 */
	int set_nice;
	int nice;
	long long uid; /* or -1 */
	long long gid; /* or -1 */
	int handlers_are_reset; /* by clone3(2) */
	unsigned long default_signals[SIGNAL_WORDS]; /* ignored ones that are not to be */
	unsigned long sigmask[SIGNAL_WORDS];
	unsigned long sigmask_bytes;
};

/* Makes a set of the first 64 signals; bit 0: signal 1. Where long has half of that, so has a word. */
static inline void fill_signals(unsigned long *words, unsigned long long signals)
{
	unsigned int word;

	for (word = 0; word < SIGNAL_WORDS; word++)
		words[word] = 0;
	words[0] = (unsigned long)signals;
	if (sizeof(*words) < sizeof(signals))
		words[1] = (unsigned long)(signals >> 32);
}

/* Whether a descriptor of the parent's is moved to this number. */
static inline int is_target(const struct spawn_plan *plan, int fd)
{
	unsigned int index;

	for (index = 0; index < plan->move_count; index++)
		if (plan->moves[index].target == fd)
			return 1;
	return 0;
}

/* Takes a plan's steps from *first* up to *last*, and reports the one that fails. Returns whether none did. */
int take_steps(struct spawn_plan *plan, int first, int last);

/* Returns only if a step failed, with what the process ends with. */
int spawn_child(void *plan);

#endif
