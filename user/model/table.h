/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * A bounded hash of rows that knows which of them can go and which have changed.
 * Rows never move in memory and memory is never given back, so a steady run asks for none.
 * Knows neither keys nor what rows mean: the caller hashes, compares and decides who is spare.
 */
#ifndef MODEL_TABLE_H
#define MODEL_TABLE_H

#include "model/changes.h"
#include "model/list.h"
#include "model/model.h"

struct entry { /* first member of what a table holds */
	struct row row;
	/* What of it matches the filter: of a connection its own counters or nothing, of a group
	 * counters that are the group's. NULL without a filter. */
	struct counters *match;
	struct entry *hash_next;
	struct list lru;    /* in live or spare, longest unchanged first; as free, in nothing */
	struct list change; /* in dirty, in shown or in none */
	uint32_t hash;
	uint32_t number; /* of this row for life, from 1: see table_entry */
	bool used;
	bool spare; /* goes first when room is needed */
	bool dirty; /* changed since the last tick */
	bool noted; /* in changes.now; also when it is out of use */
};

struct chunk;

struct table {
	enum table_kind kind;
	size_t entry_size;
	uint32_t limit, count;
	uint32_t matched;      /* rows that there are with a filter: for those who count them */
	struct chunk **chunks; /* owned; in order of allocation */
	uint32_t chunk_count;
	struct entry *free;     /* by hash_next */
	struct entry **buckets; /* owned */
	uint32_t bucket_mask;
	struct list live, spare;
	struct list dirty;      /* changed since the last tick */
	struct list shown;      /* changed in the last whole interval, and not since */
	struct changes changes; /* for those who read it */
	struct row other;
	struct row other_match; /* what of other matches the filter */
	uint64_t folded;        /* rows that went into other */
};

/** True when @e has the key @key. */
typedef bool entry_is_fn(const struct entry *e, const void *key);

/** At most @limit (>= 1) rows of @entry_size bytes. 0 or -ENOMEM; table_done after either. */
int table_init(struct table *t, enum table_kind kind, size_t entry_size, uint32_t limit);
void table_done(struct table *t);

/** NULL if there is none. */
struct entry *table_find(const struct table *t, uint32_t hash, entry_is_fn *is, const void *key);
/** A new row, all zero but its table, live and not dirty; NULL at the limit, and when memory is
 *  out, which is treated as the limit: then make room with table_victim and table_remove. */
struct entry *table_add(struct table *t, uint32_t hash);
/** The row that can best go: of the spare ones, else of all, the longest unchanged. NULL if empty.
 */
struct entry *table_victim(const struct table *t);
/** The row of a number, in use or not. */
struct entry *table_entry(const struct table *t, uint32_t number);
/** Forget @e; its counters are lost unless folded before. */
void table_remove(struct table *t, struct entry *e);
/** Add the counters of @e to `other`, and those that match to other_match. */
void table_fold(struct table *t, const struct entry *e, uint64_t interval_ns);
/** File @e under another hash. */
void table_rehash(struct table *t, struct entry *e, uint32_t hash);

/** What @e is sorted by may have changed: readers of the changes look at it again. Done by all that
 *  is below, and by table_add, table_remove and table_rehash. */
void table_note(struct table *t, struct entry *e);
/** @e has changed: it is now the last to be evicted of its kind, and the next tick looks at it. */
void table_touch(struct table *t, struct entry *e);
void table_set_spare(struct table *t, struct entry *e, bool spare);
/** End an interval: linear in what changed in this and the last one. @quiet is called with each
 *  row that was shown and has not changed since, and may remove it; or NULL. */
void table_tick(struct table *t, uint64_t interval_ns, void (*quiet)(struct entry *e, void *arg),
		void *arg);
/** Call @fn for each row in use; no order. */
void table_each(const struct table *t, void (*fn)(const struct row *row, void *arg), void *arg);

#endif
