/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * A view is a table, sorted and cut: an array of borrowed rows. It keeps its order from one update
 * to the next and puts only the rows that changed in place, so that rows that are idle or out of
 * sight cost nothing.
 */
#ifndef MODEL_VIEW_H
#define MODEL_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "model/column.h"

struct view_set {                 /* of rows, by address */
	const struct row **slots; /* owned; open addressing, at most half full */
	const struct row **list;  /* owned; those of them that are there */
	size_t mask, count, listed, cap;
};

struct view {
	enum table_kind table;
	const struct column *sort; /* never NULL */
	bool descending;
	const struct row **rows; /* owned array of rows borrowed until the next model_apply */
	size_t count;            /* rows that exist in the table, `other` included */
	size_t sorted;           /* of these, so many are in rows: the first ones, in order */
	/* what the order stands on, for view.c alone */
	size_t cap, front;            /* rows but `other` that are in rows */
	const struct column *ordered; /* sort and descending then; NULL = start anew */
	bool ordered_descending;
	bool whole;       /* all rows are in front; if not, */
	struct row bound; /* then the others stand here or behind */
	struct model_mark mark;
	struct view_set changed;
};

/** In the order that the table has at the start: as a rule both rates, then bytes, then what is
 * open, highest first. */
void view_init(struct view *v, enum table_kind table);
void view_done(struct view *v);
/** Sort by a column in its default order; the same column again keeps the order. */
void view_sort(struct view *v, const struct column *column);
/** Bring it up to date with the model: at least the first @want rows are there, in order (ties by
 *  key, so that rows stand still), `other` always last. 0 or -ENOMEM: no rows. */
int view_update(struct view *v, const struct model *m, size_t want);
/** The rows were replaced by copies, all there were: put these in order if that is another now. */
void view_reorder(struct view *v, const struct model *m);
/** Forget the order and the copies: the next update starts anew. */
void view_forget(struct view *v);

#endif
