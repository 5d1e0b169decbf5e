/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * What a model is made of, for the files of the model alone.
 *
 * What a connection adds to its process and to its port is its share. A share is always whole in
 * one place: in the row of the group that the connection is a member of, or, when that was
 * evicted, in `other` of that table. So it can be moved without a remainder and sums always hold.
 *
 * With a filter, what matches is summed beside, in the same way: see match.h.
 */
#ifndef MODEL_STATE_H
#define MODEL_STATE_H

#include "model/cookies.h"
#include "model/filter.h"
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
	uint32_t matching;   /* of these, so many match the filter */
	struct row shown;    /* with a filter: its count is e.match, the rest is lent with it */
};

struct port { /* a row of the table of ports */
	struct group g;
	struct port_users all, match; /* match: those with connections that match the filter */
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
	struct names user_names, service_names, cgroup_paths;
	uint64_t version; /* changes with what no row tells of: any name, the range of ephemeral
			     ports, the filter */
	struct hash_key key;
	struct model_totals totals;
	const struct filter *filter; /* borrowed; NULL: totals.count is everything */
	struct counters everything;  /* with a filter; totals.count is what matches */
	uint32_t matching;           /* connections that match */
	bool renamed;                /* names changed that the filter may ask for */
};

/** What counts all sockets, whatever the filter. */
static inline struct counters *everything_of(struct model *m)
{
	return m->filter ? &m->everything : &m->totals.count;
}

#endif
