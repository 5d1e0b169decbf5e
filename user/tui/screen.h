/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** A screen in memory: rows x cols cells with a meaning each. Knows no terminal and no colours. */
#ifndef TUI_SCREEN_H
#define TUI_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

struct buf;

enum {
	CELL_TEXT = 13,    /* one character of up to 4 bytes, two combining ones, and the NUL */
	SCREEN_MAX = 1000, /* rows, columns: what lies beyond is not drawn */
};

enum attr { /* what a cell means; term.c decides how that looks */
	    ATTR_NORMAL,
	    ATTR_BOLD,
	    ATTR_DIM,    /* zero, ended, of no interest now */
	    ATTR_TITLE,  /* titles of columns */
	    ATTR_SORTED, /* title of the column that sorts */
	    ATTR_SELECTED,
	    ATTR_TAB,
	    ATTR_ACTIVE_TAB,
	    ATTR_KEY,
	    ATTR_HINT, /* what a key does */
	    ATTR_SENT,
	    ATTR_RECEIVED,
	    ATTR_CLIENT,
	    ATTR_SERVER,
	    ATTR_LISTENER,
	    ATTR_FAILED,
	    ATTR_NOTE,    /* something is not seen */
	    ATTR_WARNING, /* something was lost, or the picture stands still */
	    ATTR_COUNT
};

struct cell {
	char text[CELL_TEXT]; /* UTF-8; empty in the right half of a wide character */
	uint8_t width;        /* 1, 2, or 0 for that right half */
	uint8_t attr;         /* enum attr */
};

struct screen {
	int rows, cols;
	struct cell *cells; /* owned; row by row */
	int cap;            /* cells allocated */
};

/** An empty screen of no size; cannot fail. */
void screen_init(struct screen *s);
void screen_done(struct screen *s);
/** Set the size (cut to 1..SCREEN_MAX) and blank it. 0 or -ENOMEM: the old size stays, blank. */
int screen_resize(struct screen *s, int rows, int cols);
void screen_clear(struct screen *s);
/** The cell at a place inside the screen. */
const struct cell *screen_cell(const struct screen *s, int row, int col);

/** Put sanitised text into at most @cells cells from a place that may lie outside; what does not
 * fit is cut, a wide character is never halved, control characters become `?`. Returns the column
 * after the text. */
int screen_put(struct screen *s, int row, int col, int cells, enum attr attr, const char *text);
/** Give the cells of a line another meaning and leave their text. */
void screen_mark(struct screen *s, int row, int col, int cells, enum attr attr);
/** Blank the cells of a line. */
void screen_fill(struct screen *s, int row, int col, int cells, enum attr attr);

/** Write as lines of text without blanks at their ends; with @attrs a second block follows in which
 *  each cell is the letter of its meaning. */
void screen_print(const struct screen *s, struct buf *b, bool attrs);

#endif
