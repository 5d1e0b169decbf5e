/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Writes text line by line into a rectangle that shows a part of it, or only counts the lines. */
#ifndef TUI_PEN_H
#define TUI_PEN_H

#include "tui/layout.h"
#include "tui/screen.h"

struct pen {
	struct screen *screen; /* NULL: counts */
	struct rect at;
	int line; /* next line, from the start of the text */
	int skip; /* lines above the screen */
};

/** Put @text into the line where the pen stands, from column @col on. */
void pen_put(struct pen *p, int col, enum attr attr, const char *text);
/** A paragraph from column @indent on; its first line is where the pen stands, which goes behind
 *  its last. */
void pen_wrap(struct pen *p, int indent, enum attr attr, const char *text);

#endif
