/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/names.h"

#include "util/hash.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 64, MAX_NAMES = 16384 };

struct name {
	uint64_t id;
	char *text; /* owned; NULL = the slot is free */
};

void names_init(struct names *n, const struct hash_key *key)
{
	memset(n, 0, sizeof(*n));
	n->key = key;
}

void names_done(struct names *n)
{
	uint32_t i;

	for (i = 0; n->slots && i <= n->mask; i++)
		free(n->slots[i].text);
	free(n->slots);
	n->slots = NULL;
}

/* The slot of @id, or the free one where it belongs. */
static struct name *slot_of(const struct names *n, uint64_t id)
{
	uint32_t i = (uint32_t)hash_bytes(n->key, &id, sizeof(id)) & n->mask;

	while (n->slots[i].text && n->slots[i].id != id)
		i = (i + 1) & n->mask;
	return &n->slots[i];
}

static bool make_room(struct names *n)
{
	uint32_t slots = n->slots ? n->mask + 1 : 0, i;
	struct names bigger = *n;

	if (n->count < slots / 2)
		return true;
	if (n->count >= MAX_NAMES)
		return false;
	slots = slots ? slots * 2 : FIRST_SLOTS;
	bigger.slots = calloc(slots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return false;
	bigger.mask = slots - 1;
	for (i = 0; n->slots && i <= n->mask; i++) {
		if (n->slots[i].text)
			*slot_of(&bigger, n->slots[i].id) = n->slots[i];
	}
	free(n->slots);
	*n = bigger;
	return true;
}

bool names_set(struct names *n, uint64_t id, const char *text, size_t len)
{
	const char *known = names_get(n, id);
	struct name *slot;
	char *copy;

	len = strnlen(text, len);
	if (known && strlen(known) == len && !memcmp(known, text, len))
		return false;
	if (!known && !make_room(n))
		return false;
	copy = strndup(text, len);
	if (!copy)
		return false;
	slot = slot_of(n, id);
	n->count += !slot->text;
	free(slot->text);
	*slot = (struct name){.id = id, .text = copy};
	return true;
}

bool names_full(const struct names *n)
{
	return n->count >= MAX_NAMES;
}

const char *names_get(const struct names *n, uint64_t id)
{
	return n->slots ? slot_of(n, id)->text : NULL;
}
