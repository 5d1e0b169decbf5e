/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** A view is a table, sorted and cut: an array of borrowed rows. */
#ifndef MODEL_VIEW_H
#define MODEL_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "model/column.h"

struct view {
	enum table_kind table;
	const struct column *sort; /* never NULL */
	bool descending;
	const struct row **rows; /* owned array of rows borrowed until the next model_apply */
	size_t count;            /* rows that exist in the table, `other` included */
	size_t sorted;           /* of these, so many stand in order at the front of rows */
	size_t cap;
};

/** Sorted by COLUMN_RATE: both rates, then bytes, then what is open, highest first. */
void view_init(struct view *v, enum table_kind table);
void view_done(struct view *v);
/** Sort by a column in its default order; the same column again keeps the order. */
void view_sort(struct view *v, const struct column *column);
/** Refill from the model; the first @want rows are in order (ties by key, so that rows stand
 *  still), `other` always last. 0 or -ENOMEM. */
int view_update(struct view *v, const struct model *m, size_t want);

#endif
