/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** A census and what else it takes to answer: names, and what /proc tells of holders. */
#ifndef WHO_SCENE_H
#define WHO_SCENE_H

#include "event/census.h"
#include "identity/netns.h"
#include "identity/passwd.h"
#include "identity/process.h"

struct facts {
	struct process process;
	struct origin origin;
};

struct scene {
	const struct census *census; /* borrowed */
	const char *proc;            /* borrowed; `/proc`, or a test's */
	struct passwd_table users;
	struct netns_names names;
	uint32_t own_netns;
	bool own_pids;        /* our pid namespace is not the host's: there are more processes */
	struct facts **facts; /* owned; one for each task, read when first asked for */
};

/** 0 or -ENOMEM. */
int scene_init(struct scene *s, const struct census *census, const char *proc);
void scene_done(struct scene *s);
/** Of process @pid; one of a process that is gone, or not known, is empty. NULL: out of memory. */
const struct facts *scene_facts(struct scene *s, uint32_t pid);
/** Name of a user, or NULL; borrowed. */
const char *scene_user(const struct scene *s, uint32_t uid);
/** A process whose network namespace this is: the first one; NULL if there is none. */
const struct census_task *scene_inhabitant(const struct scene *s, uint32_t netns);

#endif
