/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The rows of a view of processes, each with its connections behind it, in the same order. */
#ifndef MODEL_TREE_H
#define MODEL_TREE_H

#include <stddef.h>

struct model;
struct row;
struct view;

struct tree {
	const struct row **rows; /* owned array of rows borrowed until the next model_apply */
	size_t count;            /* rows that there are */
	size_t sorted;           /* of these, so many are in rows: the first ones, in order */
	size_t cap;
};

/** All zero is empty. */
void tree_done(struct tree *t);
/** At least the first @want rows, from @processes, which has at least so many, or all. Linear in
 *  what it gives. 0 or -ENOMEM: no rows. */
int tree_update(struct tree *t, const struct view *processes, const struct model *m, size_t want);

#endif
