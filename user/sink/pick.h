/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Which rows of a table an interval of a log has; all others are summed up in one. */
#ifndef SINK_PICK_H
#define SINK_PICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"

struct column;

struct pick {
	enum table_kind table;
	bool all;                  /* not only rows in which something happened */
	uint32_t top;              /* so many at most; 0 = all */
	const struct column *sort; /* by its default order the first are at the top */
	/* of the last interval */
	struct row other; /* `other` of the table and the rows that were left out */
	uint64_t folded;  /* so many */
	/* own */
	const struct row **rows;
	size_t count, cap;
	const struct model *model;
	void (*fn)(const struct row *row, void *arg);
	void *arg;
	int err;
};

/** Call @fn for each row that is told, and sum up the rest. Rows and `other` together are what
 *  moved in the interval, to the byte. 0 or -ENOMEM. */
int pick_rows(struct pick *p, const struct model *m, void (*fn)(const struct row *row, void *arg),
	      void *arg);
void pick_done(struct pick *p);

#endif
