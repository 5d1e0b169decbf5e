/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/layout.h"

/* The table is what people came for: the header takes at most a fifth of a small screen. */
static int header_rows(int rows, bool note)
{
	if (rows < 8)
		return 1;
	if (rows < 16)
		return 2;
	return rows >= 20 && note ? 4 : 3;
}

/* A header of three lines or more says what our process costs, and only the programs are left. */
static int cost_rows(int rows)
{
	if (rows < LAYOUT_COST_ROWS)
		return 0;
	return rows >= 10 && header_rows(rows, false) < 3 ? 2 : 1;
}

static struct rect take(int *row, int rows, int cols)
{
	struct rect r = {.row = *row, .rows = rows, .cols = cols};

	*row += rows;
	return r;
}

struct layout layout_compute(int rows, int cols, bool note, bool own_cost)
{
	struct layout l = {0};
	int row = 0;

	if (rows < LAYOUT_MIN_ROWS || cols < LAYOUT_MIN_COLS) {
		l.too_small = true;
		return l;
	}
	l.header = take(&row, header_rows(rows, note), cols);
	l.cost = take(&row, own_cost ? cost_rows(rows) : 0, cols);
	l.tabs = take(&row, 1, cols);
	l.titles = take(&row, 1, cols);
	l.table = take(&row, rows - row - 1, cols);
	l.footer = take(&row, 1, cols);
	l.overlay = l.tabs;
	l.overlay.rows = l.footer.row - l.tabs.row;
	return l;
}
