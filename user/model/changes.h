/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * Which rows have changed since a reader last looked: what keeps a sorted view linear in what
 * changed. Remembers two intervals, and of each no more than a share of the rows: beyond that a
 * reader has to look at all of them, which is then no dearer.
 */
#ifndef MODEL_CHANGES_H
#define MODEL_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct entry;

struct change_list {
	struct entry **entries; /* owned; each once, also those that are out of use by now */
	size_t count, cap;
	bool overrun; /* there were more */
};

struct changes {
	struct change_list now, before; /* since the last tick; in the interval before it */
	uint64_t tick;                  /* intervals ended */
};

/** Cannot fail: all zero is empty. */
void changes_done(struct changes *c);
/** @e has changed; at most @limit of an interval are remembered. */
void changes_note(struct changes *c, struct entry *e, size_t limit);
/** An interval ends: what is noted from now on belongs to the next. */
void changes_turn(struct changes *c);
/** Call @fn with each entry noted in interval @tick, which a reader has looked at in its course,
 *  and later; some twice. False if that is not known any more, and then @fn may have been called
 *  for some. */
bool changes_since(const struct changes *c, uint64_t tick, void (*fn)(struct entry *e, void *arg),
		   void *arg);

#endif
