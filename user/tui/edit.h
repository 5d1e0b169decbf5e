/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** A line that is typed: UTF-8 text with a cursor, and the lines entered before. */
#ifndef TUI_EDIT_H
#define TUI_EDIT_H

#include <stdbool.h>
#include <stddef.h>

enum { EDIT_TEXT = 1024, EDIT_HISTORY = 32 };

struct edit {
	char text[EDIT_TEXT];
	size_t cursor;               /* bytes before it */
	char *history[EDIT_HISTORY]; /* owned; oldest first */
	size_t history_count;
	size_t recalled;       /* lines from the end of the history; 0 = what is being typed */
	char typed[EDIT_TEXT]; /* that, while an older line is shown */
};

/** All zero is empty. */
void edit_done(struct edit *e);
/** Begin with @text, cut to what there is room for. */
void edit_begin(struct edit *e, const char *text);
/** Remember the line as the newest of the history, unless it is empty or there already. */
void edit_remember(struct edit *e);
/** Characters, Backspace, Delete, Left, Right, Home, End, Ctrl-A, -E, -U, -W, Up, Down. True if the
 *  text has changed. */
bool edit_key(struct edit *e, int key);

#endif
