/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE /* strcasestr */
#include "tui/search.h"

#include "model/column.h"

#include <stdint.h>
#include <string.h>

enum { CELL_BYTES = 4 * 1024 };

/* Numbers that change from tick to tick are not looked for. */
static bool is_searched(const struct column *c)
{
	return !c->right || (c->number && c->unit == UNIT_ID);
}

/* Most of the time goes into the texts of addresses: not where no letter of @text is in any. */
static bool is_address(const struct column *c)
{
	return c->id == COLUMN_LOCAL || c->id == COLUMN_PEER || c->id == COLUMN_HOST;
}

static bool can_be_address(const char *text)
{
	return !text[strspn(text, "0123456789abcdefABCDEF.:[]*-")];
}

bool search_matches(const struct row *row, const struct model *m, const char *text)
{
	bool addresses = can_be_address(text);
	char cell[CELL_BYTES];

	for (const struct column *const *c = column_list(row->table); *c; c++) {
		if (!is_searched(*c) || (is_address(*c) && !addresses))
			continue;
		(*c)->text(cell, sizeof(cell), row, m);
		if (strcasestr(cell, text))
			return true;
	}
	return false;
}

size_t search_rows(const struct row *const *rows, size_t count, const struct model *m,
		   const char *text, size_t from, bool backwards)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = backwards ? (from + 2 * count - i) % count : (from + i) % count;

		if (search_matches(rows[at], m, text))
			return at;
	}
	return SIZE_MAX;
}
