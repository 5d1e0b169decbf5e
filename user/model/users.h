/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * Which processes use which port: one pair for each process that has a row of connections on the
 * port, counted by rows, so that the number of users is exact and costs nothing per byte.
 */
#ifndef MODEL_USERS_H
#define MODEL_USERS_H

#include <stdint.h>

#include "model/list.h"
#include "model/model.h"

struct group;
struct user_pair;
struct user_chunk;

struct port_users {                         /* the processes that use a port */
	struct list waiting;                /* pairs that have no slot */
	struct user_pair *slots[ROW_USERS]; /* pairs named in users, without gaps */
	struct proc users[ROW_USERS];       /* lent to the row */
	uint32_t pairs;                     /* processes that have rows of connections here */
	uint32_t named;                     /* the same, but the last one stays named */
};

struct users {                      /* all pairs; there are never more than rows of connections */
	struct user_pair **buckets; /* owned */
	uint32_t bucket_mask, count;
	struct user_pair *free;
	struct user_chunk *chunks; /* owned */
};

/** 0 or -ENOMEM; users_done after either. */
int users_init(struct users *u);
void users_done(struct users *u);

/** Nobody uses the port; there must be no pairs of it. */
void users_init_port(struct port_users *port);
/** One more row of connections of @process on @port. A pair for which there is no memory is not
 *  counted. */
void users_ref(struct users *u, struct group *process, struct port_users *port);
/** One less. The last user of a port that nobody uses any more stays named. */
void users_unref(struct users *u, struct group *process, struct port_users *port);
/** Who @proc is has changed: name it so where @port names it. */
void users_rename(struct port_users *port, const struct proc *proc);

#endif
