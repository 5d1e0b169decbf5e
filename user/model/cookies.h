/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** All rows of a socket by its cookie: a hash of the first ones, the others in a ring with it. */
#ifndef MODEL_COOKIES_H
#define MODEL_COOKIES_H

#include <stdint.h>

struct conn;
struct hash_key;

struct cookies {
	struct conn **buckets;       /* owned */
	uint32_t bucket_mask, count; /* count of cookies */
	const struct hash_key *key;  /* borrowed for life */
};

/** 0 or -ENOMEM; cookies_done after either. */
int cookies_init(struct cookies *k, const struct hash_key *key);
void cookies_done(struct cookies *k);
/** One row of the socket, the start of its ring of siblings; NULL if there is none. */
struct conn *cookies_find(const struct cookies *k, uint64_t cookie);
void cookies_add(struct cookies *k, struct conn *c);
void cookies_del(struct cookies *k, struct conn *c);
/** The row after @c in the ring; @c itself when it is the only one. */
struct conn *cookies_next(const struct conn *c);

#endif
