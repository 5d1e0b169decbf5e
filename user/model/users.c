/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/users.h"

#include "model/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BUCKETS = 256, CHUNK_PAIRS = 128, NO_SLOT = -1 };

struct user_pair {
	struct group *process;
	struct row_users *row;
	struct user_pair *next; /* in its bucket, or of the free ones */
	struct list waiting;    /* in row->waiting when slot is NO_SLOT */
	uint32_t rows;          /* of connections */
	int slot;               /* of row->slots */
};

struct user_chunk {
	struct user_chunk *next;
	struct user_pair pairs[CHUNK_PAIRS];
};

int users_init(struct users *u)
{
	memset(u, 0, sizeof(*u));
	u->buckets = calloc(FIRST_BUCKETS, sizeof(struct user_pair *));
	u->bucket_mask = FIRST_BUCKETS - 1;
	return u->buckets ? 0 : -ENOMEM;
}

void users_done(struct users *u)
{
	while (u->chunks) {
		struct user_chunk *next = u->chunks->next;

		free(u->chunks);
		u->chunks = next;
	}
	free(u->buckets);
	u->buckets = NULL;
}

/* Addresses of rows are ours, not chosen by others: mixing them is enough. */
static struct user_pair **bucket_of(const struct users *u, const struct group *process,
				    const struct row_users *row)
{
	uint64_t h = (uintptr_t)process * UINT64_C(0x9e3779b97f4a7c15);

	h = (h ^ (uintptr_t)row) * UINT64_C(0xc2b2ae3d27d4eb4f);
	return &u->buckets[(h >> 32) & u->bucket_mask];
}

/* Where the pair is linked, or would be the last. */
static struct user_pair **place_of(const struct users *u, const struct group *process,
				   const struct row_users *row)
{
	struct user_pair **p = bucket_of(u, process, row);

	while (*p && !((*p)->process == process && (*p)->row == row))
		p = &(*p)->next;
	return p;
}

/* Without memory for it the chains get longer, nothing else. */
static void grow(struct users *u)
{
	uint32_t n = u->bucket_mask + 1;
	struct user_pair **old = u->buckets, **buckets;

	buckets = calloc((size_t)n * 2, sizeof(struct user_pair *));
	if (!buckets)
		return;
	u->buckets = buckets;
	u->bucket_mask = n * 2 - 1;
	while (n--) {
		struct user_pair *pair = old[n];

		while (pair) {
			struct user_pair *next = pair->next;
			struct user_pair **b = bucket_of(u, pair->process, pair->row);

			pair->next = *b;
			*b = pair;
			pair = next;
		}
	}
	free(old);
}

static struct user_pair *pair_new(struct users *u)
{
	struct user_pair *pair = u->free;

	if (!pair) {
		struct user_chunk *c = calloc(1, sizeof(*c));
		int i;

		if (!c)
			return NULL;
		c->next = u->chunks;
		u->chunks = c;
		for (i = CHUNK_PAIRS - 1; i >= 0; i--) {
			c->pairs[i].next = u->free;
			u->free = &c->pairs[i];
		}
		pair = u->free;
	}
	u->free = pair->next;
	if (++u->count > u->bucket_mask)
		grow(u);
	return pair;
}

static void name_in_slot(struct row_users *row, struct user_pair *pair, int slot)
{
	pair->slot = slot;
	row->slots[slot] = pair;
	row->users[slot] = pair->process->e.row.proc;
}

static void row_join(struct row_users *row, struct user_pair *pair)
{
	list_init(&pair->waiting);
	if (row->pairs < ROW_USERS) {
		name_in_slot(row, pair, (int)row->pairs);
	} else {
		pair->slot = NO_SLOT;
		list_add_tail(&row->waiting, &pair->waiting);
	}
	row->named = ++row->pairs;
}

static void row_leave(struct row_users *row, struct user_pair *pair)
{
	int i;

	row->pairs--;
	if (row->pairs)
		row->named = row->pairs;
	if (pair->slot == NO_SLOT) {
		list_del(&pair->waiting);
		return;
	}
	if (!list_is_empty(&row->waiting)) {
		struct user_pair *next = LIST_ENTRY(row->waiting.next, struct user_pair, waiting);

		list_del(&next->waiting);
		name_in_slot(row, next, pair->slot);
		return;
	}
	for (i = pair->slot; i < (int)row->pairs; i++)
		name_in_slot(row, row->slots[i + 1], i);
}

void users_init_row(struct row_users *row)
{
	row->pairs = row->named = 0;
	list_init(&row->waiting);
}

void users_ref(struct users *u, struct group *process, struct row_users *row)
{
	struct user_pair *pair = *place_of(u, process, row), **b;

	if (!pair) {
		pair = pair_new(u);
		if (!pair)
			return;
		b = bucket_of(u, process, row);
		*pair = (struct user_pair){.process = process, .row = row, .next = *b};
		*b = pair;
		row_join(row, pair);
	}
	pair->rows++;
}

void users_unref(struct users *u, struct group *process, struct row_users *row)
{
	struct user_pair **place = place_of(u, process, row), *pair = *place;

	if (!pair || --pair->rows)
		return;
	row_leave(row, pair);
	*place = pair->next;
	pair->next = u->free;
	u->free = pair;
	u->count--;
}

void users_rename(struct row_users *row, const struct proc *proc)
{
	uint32_t i;

	for (i = 0; i < row->named && i < ROW_USERS; i++) {
		struct proc *user = &row->users[i];

		if (user->pid == proc->pid && user->start_ns == proc->start_ns)
			*user = *proc;
	}
}
