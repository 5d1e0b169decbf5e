/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * What a model is made of, for the files of the model alone.
 *
 * What a connection adds to its process, to its port and to its other groups is its share. A share
 * is always whole in one place: in the row of the group that the connection is a member of, or,
 * when that was evicted, in `other` of that table. So it can be moved without a remainder and sums
 * always hold.
 *
 * With a filter, what matches is summed beside, in the same way: see match.h.
 */
#ifndef MODEL_STATE_H
#define MODEL_STATE_H

#include "event/detail.h"
#include "model/cookies.h"
#include "model/filter.h"
#include "model/key.h"
#include "model/names.h"
#include "model/table.h"
#include "model/users.h"
#include "util/hash.h"

struct group { /* a row of a table of groups */
	struct entry e;
	struct key key;
	uint32_t first;    /* of the connections that are in it, by number; 0 = none */
	uint32_t matching; /* of these, so many match the filter */
	bool is_shown;     /* with a filter; counted in the table */
	struct row shown;  /* with a filter: its count is e.match, the rest is lent with it */
};

struct used { /* a row of any of these tables but that of processes */
	struct group g;
	struct row_users all, match; /* match: those with connections that match the filter */
};

struct member {
	struct group *group; /* NULL: the share is in `other` */
	uint32_t prev, next; /* of the connections in the group, by number; 0 = none */
};

struct conn { /* a row of the table of connections */
	struct entry e;
	struct list siblings; /* ring of all rows of the same cookie */
	struct conn *cookie_next;
	struct member in[GROUP_KINDS];
	bool cookie_head;             /* the one of its siblings that cookies knows */
	bool open, listening, opened; /* what is counted for its process, shared or not */
};

struct scope { /* the connections of one row */
	enum table_kind kind;
	struct key key;
	struct row row; /* of failures: what it is about */
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
	const struct filter *filter; /* borrowed, or NULL */
	struct scope scopes[MODEL_SCOPES];
	size_t scope_count;         /* without these and a filter totals.count is everything */
	struct counters everything; /* with a filter; totals.count is what matches */
	uint64_t keep_ns;           /* rows that have ended */
	struct detail detail;       /* wish all zero: none was told */
	bool renamed;               /* names changed that the filter may ask for */
};

/** Whether it is of some connections only. */
static inline bool is_filtered(const struct model *m)
{
	return m->filter || m->scope_count;
}

/** What counts all sockets, whatever the filter. */
static inline struct counters *everything_of(struct model *m)
{
	return is_filtered(m) ? &m->everything : &m->totals.count;
}

#endif
