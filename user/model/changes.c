/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/changes.h"

#include "model/table.h"

#include <stdlib.h>

enum { FIRST_ENTRIES = 256 };

void changes_done(struct changes *c)
{
	free(c->now.entries);
	free(c->before.entries);
	*c = (struct changes){0};
}

static bool make_room(struct change_list *l)
{
	size_t cap = l->cap ? l->cap * 2 : FIRST_ENTRIES;
	struct entry **more;

	if (l->count < l->cap)
		return true;
	more = realloc(l->entries, cap * sizeof(*more));
	if (!more)
		return false;
	l->entries = more;
	l->cap = cap;
	return true;
}

void changes_note(struct changes *c, struct entry *e, size_t limit)
{
	struct change_list *l = &c->now;

	if (e->noted || l->overrun)
		return;
	if (l->count >= limit || !make_room(l)) {
		l->overrun = true;
		return;
	}
	e->noted = true;
	l->entries[l->count++] = e;
}

void changes_turn(struct changes *c)
{
	struct change_list empty = {.entries = c->before.entries, .cap = c->before.cap};

	for (size_t i = 0; i < c->now.count; i++)
		c->now.entries[i]->noted = false;
	c->before = c->now;
	c->now = empty;
	c->tick++;
}

static bool tell(const struct change_list *l, void (*fn)(struct entry *e, void *arg), void *arg)
{
	for (size_t i = 0; i < l->count && !l->overrun; i++)
		fn(l->entries[i], arg);
	return !l->overrun;
}

bool changes_since(const struct changes *c, uint64_t tick, void (*fn)(struct entry *e, void *arg),
		   void *arg)
{
	if (tick == c->tick)
		return tell(&c->now, fn, arg);
	if (tick + 1 == c->tick)
		return tell(&c->before, fn, arg) && tell(&c->now, fn, arg);
	return false;
}
