/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "util/pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CHUNKS = 16 };

void pool_init(struct pool *p, size_t size)
{
	memset(p, 0, sizeof(*p));
	p->size = size;
}

void pool_done(struct pool *p)
{
	while (p->chunk_count)
		free(p->chunks[--p->chunk_count]);
	free(p->chunks);
	pool_init(p, p->size);
}

static bool add_chunk(struct pool *p)
{
	uint32_t cap = p->chunk_cap ? p->chunk_cap * 2 : FIRST_CHUNKS;
	void **chunks, *chunk;

	if (p->chunk_count == p->chunk_cap) {
		chunks = realloc(p->chunks, cap * sizeof(*chunks));
		if (!chunks)
			return false;
		p->chunks = chunks;
		p->chunk_cap = cap;
	}
	chunk = malloc(POOL_CHUNK * p->size);
	if (!chunk)
		return false;
	p->chunks[p->chunk_count++] = chunk;
	return true;
}

uint32_t pool_get(struct pool *p)
{
	uint32_t number = p->free;
	void *object;

	if (!number) {
		if (p->made == UINT32_MAX / 2 ||
		    (p->made == p->chunk_count * POOL_CHUNK && !add_chunk(p)))
			return 0;
		number = ++p->made;
		object = pool_at(p, number);
	} else {
		object = pool_at(p, number);
		memcpy(&p->free, object, sizeof(p->free));
	}
	memset(object, 0, p->size);
	return number;
}

void pool_put(struct pool *p, uint32_t number)
{
	void *object = pool_at(p, number);

	memcpy(object, &p->free, sizeof(p->free));
	p->free = number;
}
