/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Where things stand on a screen: a pure function of its size. */
#ifndef TUI_LAYOUT_H
#define TUI_LAYOUT_H

#include <stdbool.h>

enum {
	LAYOUT_MIN_ROWS = 5,
	LAYOUT_MIN_COLS = 20,
	LAYOUT_COST_ROWS = 6 /* rows from which on there is room for the own cost */
};

struct rect {
	int row, col, rows, cols; /* rows 0 = not shown */
};

struct layout {
	bool too_small;     /* nothing but a line that says so */
	struct rect header; /* 1 to 4 lines */
	struct rect cost; /* own cost in detail: 0 to 2 lines, 2 where the header has no room for it
			   */
	struct rect tabs; /* 1 line */
	struct rect titles;  /* 1 line */
	struct rect table;   /* at least 1 line */
	struct rect footer;  /* 1 line */
	struct rect overlay; /* help: from the tabs to the footer */
};

/** Lay out a screen; @note asks for a header line for what is not seen, @own_cost for lines of its
 *  own, where there is room. */
struct layout layout_compute(int rows, int cols, bool note, bool own_cost);

#endif
