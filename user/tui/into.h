/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Going into rows: which ones, and how that is written. */
#ifndef TUI_INTO_H
#define TUI_INTO_H

#include <stdbool.h>
#include <stddef.h>

#include "model/model.h"

enum { INTO_TEXT = 96 };

struct into {                          /* a way into rows; all zero is none */
	struct row rows[MODEL_SCOPES]; /* copies; users are not borrowed */
	char names[MODEL_SCOPES][INTO_TEXT];
	size_t count;
};

/** Go into @row of a table. NULL, or in words why that cannot be. */
const char *into_enter(struct into *into, const struct row *row);
/** Go back by one; the table it was in. @into must not be empty. */
enum table_kind into_leave(struct into *into);
/** Name what has no name yet. */
void into_name(struct into *into, const struct model *m);
/** Write `process curl[4242] > host 192.0.2.1`. Returns @dst. */
char *into_text(char *dst, size_t size, const struct into *into, bool ascii);

#endif
