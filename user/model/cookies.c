/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/cookies.h"

#include "model/state.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_BUCKETS = 256 };

int cookies_init(struct cookies *k, const struct hash_key *key)
{
	k->buckets = calloc(FIRST_BUCKETS, sizeof(struct conn *));
	k->bucket_mask = FIRST_BUCKETS - 1;
	k->count = 0;
	k->key = key;
	return k->buckets ? 0 : -ENOMEM;
}

void cookies_done(struct cookies *k)
{
	free(k->buckets);
	k->buckets = NULL;
}

static struct conn **bucket_of(const struct cookies *k, uint64_t cookie)
{
	return &k->buckets[hash_bytes(k->key, &cookie, sizeof(cookie)) & k->bucket_mask];
}

static void link_head(struct cookies *k, struct conn *c)
{
	struct conn **b = bucket_of(k, c->e.row.flow.cookie);

	c->cookie_head = true;
	c->cookie_next = *b;
	*b = c;
}

static void unlink_head(struct cookies *k, struct conn *c)
{
	struct conn **p = bucket_of(k, c->e.row.flow.cookie);

	while (*p != c)
		p = &(*p)->cookie_next;
	*p = c->cookie_next;
	c->cookie_head = false;
}

/* Without memory for it the chains get longer, nothing else. */
static void grow(struct cookies *k)
{
	uint32_t n = k->bucket_mask + 1;
	struct conn **old = k->buckets, **buckets;

	buckets = calloc((size_t)n * 2, sizeof(struct conn *));
	if (!buckets)
		return;
	k->buckets = buckets;
	k->bucket_mask = n * 2 - 1;
	while (n--) {
		struct conn *c = old[n];

		while (c) {
			struct conn *next = c->cookie_next;

			link_head(k, c);
			c = next;
		}
	}
	free(old);
}

struct conn *cookies_find(const struct cookies *k, uint64_t cookie)
{
	struct conn *c = *bucket_of(k, cookie);

	while (c && c->e.row.flow.cookie != cookie)
		c = c->cookie_next;
	return c;
}

void cookies_add(struct cookies *k, struct conn *c)
{
	struct conn *head = cookies_find(k, c->e.row.flow.cookie);

	list_init(&c->siblings);
	if (head) {
		list_add_tail(&head->siblings, &c->siblings);
		return;
	}
	if (++k->count > k->bucket_mask)
		grow(k);
	link_head(k, c);
}

void cookies_del(struct cookies *k, struct conn *c)
{
	if (c->cookie_head) {
		unlink_head(k, c);
		if (list_is_empty(&c->siblings))
			k->count--;
		else
			link_head(k, cookies_next(c));
	}
	list_del(&c->siblings);
}

struct conn *cookies_next(const struct conn *c)
{
	return LIST_ENTRY(c->siblings.next, struct conn, siblings);
}
