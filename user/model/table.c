/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/table.h"

#include "model/counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHUNK_ENTRIES = 32,
	FIRST_BUCKETS = 256,
	CHANGES_SHARE = 4, /* one row in so many is remembered as changed in an interval */
	CHANGES_LEAST = 1024,
};

struct chunk {
	uint32_t entries;
	_Alignas(16) char data[]; /* entries of table.entry_size */
};

static struct entry *chunk_entry(const struct table *t, struct chunk *c, uint32_t i)
{
	return (struct entry *)(void *)(c->data + i * t->entry_size);
}

/* Ask for the next chunk of rows when all there are are in use; false at the limit or when memory
 * is out. */
static bool table_grow(struct table *t)
{
	uint32_t n = CHUNK_ENTRIES;
	struct chunk *c;

	if (t->count >= t->limit)
		return false;
	if (n > t->limit - t->count)
		n = t->limit - t->count;
	if (!t->chunks) /* all that there can be: some kilobytes */
		t->chunks = calloc(t->limit / CHUNK_ENTRIES + 1, sizeof(struct chunk *));
	c = t->chunks ? calloc(1, sizeof(*c) + n * t->entry_size) : NULL;
	if (!c)
		return false;
	c->entries = n;
	t->chunks[t->chunk_count++] = c;
	do {
		struct entry *e = chunk_entry(t, c, --n);

		e->number = (t->chunk_count - 1) * CHUNK_ENTRIES + n + 1;
		e->hash_next = t->free;
		t->free = e;
	} while (n);
	return true;
}

int table_init(struct table *t, enum table_kind kind, size_t entry_size, uint32_t limit)
{
	memset(t, 0, sizeof(*t));
	t->kind = t->other.table = t->other_match.table = kind;
	t->entry_size = (entry_size + 15) & ~(size_t)15;
	t->limit = limit;
	t->other.is_other = t->other_match.is_other = true;
	list_init(&t->live);
	list_init(&t->spare);
	list_init(&t->dirty);
	list_init(&t->shown);
	t->buckets = calloc(FIRST_BUCKETS, sizeof(struct entry *));
	t->bucket_mask = FIRST_BUCKETS - 1;
	/* One chunk now: whatever becomes of memory later, there is a row to evict. */
	return t->buckets && table_grow(t) ? 0 : -ENOMEM;
}

void table_done(struct table *t)
{
	while (t->chunk_count)
		free(t->chunks[--t->chunk_count]);
	free(t->chunks);
	free(t->buckets);
	changes_done(&t->changes);
	memset(t, 0, sizeof(*t));
}

static struct entry **bucket_of(const struct table *t, uint32_t hash)
{
	return &t->buckets[hash & t->bucket_mask];
}

static void hash_link(struct table *t, struct entry *e)
{
	struct entry **b = bucket_of(t, e->hash);

	e->hash_next = *b;
	*b = e;
}

static void hash_unlink(struct table *t, struct entry *e)
{
	struct entry **p = bucket_of(t, e->hash);

	while (*p != e)
		p = &(*p)->hash_next;
	*p = e->hash_next;
}

/* Without memory for it the chains get longer, nothing else. */
static void hash_grow(struct table *t)
{
	uint32_t n = t->bucket_mask + 1;
	struct entry **old = t->buckets, **buckets;

	buckets = calloc((size_t)n * 2, sizeof(struct entry *));
	if (!buckets)
		return;
	t->buckets = buckets;
	t->bucket_mask = n * 2 - 1;
	while (n--) {
		struct entry *e = old[n];

		while (e) {
			struct entry *next = e->hash_next;

			hash_link(t, e);
			e = next;
		}
	}
	free(old);
}

struct entry *table_find(const struct table *t, uint32_t hash, entry_is_fn *is, const void *key)
{
	struct entry *e = *bucket_of(t, hash);

	while (e && !(e->hash == hash && is(e, key)))
		e = e->hash_next;
	return e;
}

struct entry *table_add(struct table *t, uint32_t hash)
{
	struct entry *e;
	uint32_t number;
	bool noted;

	if (!t->free && !table_grow(t))
		return NULL;
	e = t->free;
	t->free = e->hash_next;
	noted = e->noted;
	number = e->number;
	memset(e, 0, t->entry_size);
	e->noted = noted;
	e->number = number;
	e->row.table = t->kind;
	e->used = true;
	e->hash = hash;
	list_init(&e->change);
	list_init(&e->lru);
	list_add_tail(&t->live, &e->lru);
	if (++t->count > t->bucket_mask)
		hash_grow(t);
	hash_link(t, e);
	table_note(t, e);
	return e;
}

struct entry *table_entry(const struct table *t, uint32_t number)
{
	number--;
	return chunk_entry(t, t->chunks[number / CHUNK_ENTRIES], number % CHUNK_ENTRIES);
}

struct entry *table_victim(const struct table *t)
{
	const struct list *from = list_is_empty(&t->spare) ? &t->live : &t->spare;

	return list_is_empty(from) ? NULL : LIST_ENTRY(from->next, struct entry, lru);
}

void table_remove(struct table *t, struct entry *e)
{
	hash_unlink(t, e);
	list_del(&e->lru);
	list_del(&e->change);
	e->used = false;
	table_note(t, e);
	e->hash_next = t->free;
	t->free = e;
	t->count--;
}

void table_fold(struct table *t, const struct entry *e, uint64_t interval_ns)
{
	counters_add(&t->other.count, &e->row.count);
	counters_rate(&t->other.count, interval_ns);
	t->folded++;
	if (!e->match)
		return;
	counters_add(&t->other_match.count, e->match);
	counters_rate(&t->other_match.count, interval_ns);
}

void table_rehash(struct table *t, struct entry *e, uint32_t hash)
{
	hash_unlink(t, e);
	e->hash = hash;
	hash_link(t, e);
	table_note(t, e);
}

void table_note(struct table *t, struct entry *e)
{
	changes_note(&t->changes, e, t->count / CHANGES_SHARE + CHANGES_LEAST);
}

void table_touch(struct table *t, struct entry *e)
{
	table_note(t, e);
	list_move_tail(e->spare ? &t->spare : &t->live, &e->lru);
	if (e->dirty)
		return;
	e->dirty = true;
	list_move_tail(&t->dirty, &e->change);
}

void table_set_spare(struct table *t, struct entry *e, bool spare)
{
	if (e->spare == spare)
		return;
	e->spare = spare;
	list_move_tail(spare ? &t->spare : &t->live, &e->lru);
}

static bool has_own_match(const struct entry *e)
{
	return e->match && e->match != &e->row.count;
}

/* Rows that were shown as changed and have not changed again. */
static void quiet_shown(struct table *t, void (*quiet)(struct entry *e, void *arg), void *arg)
{
	while (!list_is_empty(&t->shown)) {
		struct entry *e = LIST_ENTRY(t->shown.next, struct entry, change);

		list_del(&e->change);
		table_note(t, e);
		counters_quiet(&e->row.count);
		if (has_own_match(e))
			counters_quiet(e->match);
		e->row.changed = false;
		if (quiet)
			quiet(e, arg);
	}
}

void table_tick(struct table *t, uint64_t interval_ns, void (*quiet)(struct entry *e, void *arg),
		void *arg)
{
	struct list *l;

	changes_turn(&t->changes);
	quiet_shown(t, quiet, arg);
	counters_tick(&t->other.count, interval_ns);
	counters_tick(&t->other_match.count, interval_ns);
	for (l = t->dirty.next; l != &t->dirty; l = l->next) {
		struct entry *e = LIST_ENTRY(l, struct entry, change);

		e->dirty = false;
		e->row.changed = true;
		counters_tick(&e->row.count, interval_ns);
		if (has_own_match(e))
			counters_tick(e->match, interval_ns);
	}
	list_splice_tail(&t->shown, &t->dirty);
}

void table_each(const struct table *t, void (*fn)(const struct row *row, void *arg), void *arg)
{
	for (uint32_t n = 0; n < t->chunk_count; n++) {
		struct chunk *c = t->chunks[n];

		for (uint32_t i = 0; i < c->entries; i++) {
			const struct entry *e = chunk_entry(t, c, i);

			if (e->used)
				fn(&e->row, arg);
		}
	}
}
