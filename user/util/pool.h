/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * Objects of one size, named by 32-bit numbers instead of pointers and without the allocator's
 * overhead: small links where there are many. They never move, and memory is kept for reuse.
 */
#ifndef UTIL_POOL_H
#define UTIL_POOL_H

#include <stddef.h>
#include <stdint.h>

enum { POOL_CHUNK = 1024 }; /* objects that are asked for at once */

struct pool {
	size_t size;   /* of an object, at least 4 */
	void **chunks; /* owned */
	uint32_t chunk_count, chunk_cap;
	uint32_t made; /* numbers from 1 to this one have memory */
	uint32_t free; /* first of those given back, 0 = none; the next one's number is in it */
};

/** Cannot fail, asks for no memory. */
void pool_init(struct pool *p, size_t size);
void pool_done(struct pool *p);
/** Number of a new object, all zero; 0 when out of memory. */
uint32_t pool_get(struct pool *p);
/** Give back what pool_get gave. */
void pool_put(struct pool *p, uint32_t number);

/** The object of a number that was given; NULL for 0. */
static inline void *pool_at(const struct pool *p, uint32_t number)
{
	if (!number)
		return NULL;
	number--;
	return (char *)p->chunks[number / POOL_CHUNK] + number % POOL_CHUNK * p->size;
}

#endif
