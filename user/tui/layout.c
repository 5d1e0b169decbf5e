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

static struct rect take(int *row, int rows, int cols)
{
	struct rect r = {.row = *row, .rows = rows, .cols = cols};

	*row += rows;
	return r;
}

struct layout layout_compute(int rows, int cols, bool note)
{
	struct layout l = {0};
	int row = 0;

	if (rows < LAYOUT_MIN_ROWS || cols < LAYOUT_MIN_COLS) {
		l.too_small = true;
		return l;
	}
	l.header = take(&row, header_rows(rows, note), cols);
	l.tabs = take(&row, 1, cols);
	l.titles = take(&row, 1, cols);
	l.table = take(&row, rows - row - 1, cols);
	l.footer = take(&row, 1, cols);
	l.overlay = l.tabs;
	l.overlay.rows = l.footer.row - l.tabs.row;
	return l;
}
