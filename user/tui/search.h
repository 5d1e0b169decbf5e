/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The row that has a text in it. */
#ifndef TUI_SEARCH_H
#define TUI_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

struct model;
struct row;

/** Whether a cell of @row that is a name, an address or an id contains @text, in upper or lower
 * case of ASCII. */
bool search_matches(const struct row *row, const struct model *m, const char *text);
/** The first of @count rows that matches, from @from on and then from the start, or backwards;
 *  SIZE_MAX if none does. */
size_t search_rows(const struct row *const *rows, size_t count, const struct model *m,
		   const char *text, size_t from, bool backwards);

#endif
