/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * Which processes use a port, talk to a peer, run in a control group ...: one pair for each process
 * that has connections in a row, counted by these, so that the number of users is exact and costs
 * nothing per byte.
 */
#ifndef MODEL_USERS_H
#define MODEL_USERS_H

#include <stdint.h>

#include "model/list.h"
#include "model/model.h"

struct group;
struct user_pair;
struct user_chunk;

struct row_users {                          /* the processes that have connections in it */
	struct list waiting;                /* pairs that have no slot */
	struct user_pair *slots[ROW_USERS]; /* pairs named in users, without gaps */
	struct proc users[ROW_USERS];       /* lent to the row */
	uint32_t pairs;                     /* processes that have connections here */
	uint32_t named;                     /* the same, but the last one stays named */
};

struct users { /* all pairs; there are never more than memberships of connections */
	struct user_pair **buckets; /* owned */
	uint32_t bucket_mask, count;
	struct user_pair *free;
	struct user_chunk *chunks; /* owned */
};

/** 0 or -ENOMEM; users_done after either. */
int users_init(struct users *u);
void users_done(struct users *u);

/** Nobody uses the row; there must be no pairs of it. */
void users_init_row(struct row_users *row);
/** One more connection of @process in @row. A pair for which there is no memory is not
 *  counted. */
void users_ref(struct users *u, struct group *process, struct row_users *row);
/** One less. The last user of one that nobody uses any more stays named. */
void users_unref(struct users *u, struct group *process, struct row_users *row);
/** Who @proc is has changed: name it so where @row names it. */
void users_rename(struct row_users *row, const struct proc *proc);

#endif
