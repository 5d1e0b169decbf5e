/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/rows.h"

#include "tui/screen.h"
#include "tui/ui.h"
#include "util/text.h"

#include <stdio.h>
#include <string.h>

enum { CELLS_TEXT = 4 * SCREEN_MAX };

const char *rows_sort_mark(const struct ui *ui)
{
	if (ui->tabs[ui->tab].view.descending)
		return ui->ascii ? "v" : "▼";
	return ui->ascii ? "^" : "▲";
}

static void draw_title(struct screen *s, const struct ui *ui, const struct column *c, int col,
		       int width)
{
	bool sorted = c == ui->tabs[ui->tab].view.sort;
	int row = ui->layout.titles.row;
	int used = text_width(c->title), mark;
	char text[CELLS_TEXT];

	text_fit(text, sizeof(text), c->title, width, c->right);
	screen_put(s, row, col, width, sorted ? ATTR_SORTED : ATTR_TITLE, text);
	if (!sorted)
		return;
	/* A title as wide as its column lends the mark the blank between two columns. */
	mark = c->right ? col + width - used - 1 : col + used;
	if (mark < 0)
		mark = 0;
	if (mark >= s->cols)
		mark = s->cols - 1;
	screen_put(s, row, mark, 1, ATTR_SORTED, rows_sort_mark(ui));
}

void rows_titles(struct screen *s, const struct ui *ui)
{
	const struct rect *r = &ui->layout.titles;
	int widths[COLUMN_COUNT], col = 0;

	column_widths(ui->tab, r->cols, widths);
	screen_fill(s, r->row, r->col, r->cols, ATTR_TITLE);
	for (const struct column *const *c = column_list(ui->tab); *c; c++) {
		int width = widths[(*c)->id];

		if (width <= 0 || col >= r->cols)
			continue;
		draw_title(s, ui, *c, col, width);
		col += width + 1;
	}
}

static enum attr role_attr(uint8_t role)
{
	switch (role) {
	case ROLE_CLIENT:
		return ATTR_CLIENT;
	case ROLE_SERVER:
		return ATTR_SERVER;
	case ROLE_LISTENER:
		return ATTR_LISTENER;
	default:
		return ATTR_NORMAL;
	}
}

static enum attr state_attr(const struct row *row)
{
	if (row->error)
		return ATTR_FAILED;
	return row->flow.state == STATE_LISTEN ? ATTR_LISTENER : ATTR_NORMAL;
}

static enum attr cell_attr(const struct column *c, const struct row *row)
{
	const struct counters *count = &row->count;

	if (row->ended || row->exited || row->is_other)
		return ATTR_DIM;
	switch (c->id) {
	case COLUMN_TX_RATE:
		return count->tx_rate ? ATTR_SENT : ATTR_DIM;
	case COLUMN_RX_RATE:
		return count->rx_rate ? ATTR_RECEIVED : ATTR_DIM;
	case COLUMN_TX_TOTAL:
		return count->tx_total ? ATTR_NORMAL : ATTR_DIM;
	case COLUMN_RX_TOTAL:
		return count->rx_total ? ATTR_NORMAL : ATTR_DIM;
	case COLUMN_TIMES:
	case COLUMN_FAILED:
		return count->failed ? ATTR_FAILED : ATTR_DIM;
	case COLUMN_LISTENING:
		return count->listening ? ATTR_LISTENER : ATTR_DIM;
	case COLUMN_OPEN:
		return count->open ? ATTR_NORMAL : ATTR_DIM;
	case COLUMN_ROLE:
		return role_attr(row->table == TABLE_CONNECTIONS ? row->flow.role : row->role);
	case COLUMN_STATE:
		return state_attr(row);
	case COLUMN_PROCESS:
		return row->table == TABLE_PROCESSES ? ATTR_BOLD : ATTR_NORMAL;
	case COLUMN_PORT:
		return ATTR_BOLD;
	default:
		return ATTR_NORMAL;
	}
}

/* In a tree: `tcp 192.0.2.10:443 < 198.51.100.1:50000 established`. */
static void branch_text(char *dst, size_t size, const struct ui *ui, const struct row *row,
			const struct model *m)
{
	static const enum column_id ids[] = {COLUMN_TRANSPORT, COLUMN_LOCAL, COLUMN_PEER,
					     COLUMN_STATE};
	const char *arrow = row->flow.role == ROLE_CLIENT   ? ">"
			    : row->flow.role == ROLE_SERVER ? "<"
							    : "-";
	char cell[4][ADDR_TEXT + 16];

	for (size_t i = 0; i < 4; i++)
		columns[ids[i]].text(cell[i], sizeof(cell[i]), row, m);
	if (row->flow.role == ROLE_LISTENER)
		snprintf(dst, size, "%s %s %s %s", ui->ascii ? "  |-" : "  ├─", cell[0], cell[1],
			 cell[3]);
	else
		snprintf(dst, size, "%s %s %s %s %s %s", ui->ascii ? "  |-" : "  ├─", cell[0],
			 cell[1], arrow, cell[2], cell[3]);
}

static bool is_traffic(const struct column *c)
{
	return c->id == COLUMN_TX_RATE || c->id == COLUMN_RX_RATE || c->id == COLUMN_TX_TOTAL ||
	       c->id == COLUMN_RX_TOTAL;
}

/* A connection takes the columns before its rates for its own. Returns how many cells. */
static int draw_branch(struct screen *s, const struct ui *ui, const struct model *m, int line,
		       const struct row *row, const int widths[COLUMN_COUNT])
{
	char text[CELLS_TEXT], fitted[CELLS_TEXT];
	int cells = 0;

	for (const struct column *const *c = column_list(ui->tab); *c && !is_traffic(*c); c++)
		cells += widths[(*c)->id] ? widths[(*c)->id] + 1 : 0;
	if (cells < 2)
		return cells;
	branch_text(text, sizeof(text), ui, row, m);
	text_fit(fitted, sizeof(fitted), text, cells - 1, false);
	screen_put(s, line, 0, cells - 1, row->ended ? ATTR_DIM : state_attr(row), fitted);
	return cells;
}

static void draw_row(struct screen *s, const struct ui *ui, const struct model *m, int line,
		     const struct row *row, bool selected, const int widths[COLUMN_COUNT])
{
	bool branch = row->table != ui->tab;
	int col = 0, cols = ui->layout.table.cols;
	char text[CELLS_TEXT], fitted[CELLS_TEXT];
	struct row then = *row;

	/* Columns take ages against the model's clock, which goes on behind a held picture. */
	then.count.first_ns += ui->paused_ns;
	then.count.last_ns += ui->paused_ns;
	if (branch)
		col = draw_branch(s, ui, m, line, row, widths);
	for (const struct column *const *c = column_list(ui->tab); *c && col < cols; c++) {
		int width = widths[(*c)->id];

		if (width <= 0 || (branch && !is_traffic(*c)))
			continue;
		(*c)->text(text, sizeof(text), &then, m);
		text_fit(fitted, sizeof(fitted), text, width, (*c)->right);
		screen_put(s, line, col, width, cell_attr(*c, row), fitted);
		col += width + 1;
	}
	if (selected)
		screen_mark(s, line, 0, cols, ATTR_SELECTED);
}

static void draw_empty(struct screen *s, const struct ui *ui)
{
	static const char *const waiting[] = {"Starting: looking for the sockets",
					      "that are open now ..."};
	static const char *const nothing[] = {
		"No socket traffic yet.",
		"A row appears as soon as a program",
		"opens or uses a socket; try",
		"  curl http://localhost/",
	};
	const struct rect *r = &ui->layout.table;
	const char *const *lines = ui->totals.ticks ? nothing : waiting;
	int count = ui->totals.ticks ? 4 : 2;

	for (int i = 0; i < count && i < r->rows; i++)
		screen_put(s, r->row + i + (r->rows > 8), 2, r->cols - 2, ATTR_DIM, lines[i]);
}

void rows_draw(struct screen *s, const struct ui *ui, const struct model *m)
{
	const struct ui_tab *tab = &ui->tabs[ui->tab];
	const struct rect *r = &ui->layout.table;
	int widths[COLUMN_COUNT];

	if (!m || !tab->count) {
		draw_empty(s, ui);
		return;
	}
	column_widths(ui->tab, r->cols, widths);
	for (int i = 0; i < r->rows && tab->offset + (size_t)i < tab->count; i++) {
		size_t index = tab->offset + (size_t)i;

		draw_row(s, ui, m, r->row + i, tab->rows[index], index == tab->selected, widths);
	}
}
