/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * What a model is made of, for the files of the model alone.
 *
 * What a connection adds to its process and to its port is its share. A share is always whole in
 * one place: in the row of the group that the connection is a member of, or, when that was
 * evicted, in `other` of that table. So it can be moved without a remainder and sums always hold.
 */
#ifndef MODEL_STATE_H
#define MODEL_STATE_H

#include "model/cookies.h"
#include "model/names.h"
#include "model/table.h"
#include "model/users.h"
#include "util/hash.h"

enum {
	GROUP_KINDS = 2 /* TABLE_PROCESSES and TABLE_PORTS, the tables of groups */
};

struct group { /* a row of the table of processes */
	struct entry e;
	struct list members; /* of the connections that are in it */
};

struct port { /* a row of the table of ports */
	struct group g;
	struct list waiting;                /* pairs that have no slot */
	struct user_pair *slots[ROW_USERS]; /* pairs named in users, without gaps */
	struct proc users[ROW_USERS];       /* lent to the row */
	uint32_t pairs;                     /* processes that have rows of connections here */
};

struct member {
	struct group *group; /* NULL: the share is in `other` */
	struct list link;
};

struct conn { /* a row of the table of connections */
	struct entry e;
	struct list siblings; /* ring of all rows of the same cookie */
	struct conn *cookie_next;
	struct member in[GROUP_KINDS];
	bool cookie_head;             /* the one of its siblings that cookies knows */
	bool open, listening, opened; /* what is counted for its process, shared or not */
};

struct model {
	struct table tables[TABLE_COUNT];
	struct cookies cookies;
	struct users users;
	struct names user_names, service_names;
	struct hash_key key;
	struct model_totals totals;
};

#endif
