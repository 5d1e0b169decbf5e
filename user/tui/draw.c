/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/draw.h"

#include "tui/header.h"
#include "tui/help.h"
#include "tui/keys.h"
#include "tui/screen.h"
#include "tui/rows.h"
#include "tui/ui.h"
#include "util/fmt.h"
#include "util/text.h"

#include <stdio.h>
#include <string.h>

/* `12-34 of 5,678`: what part of table or help is on the screen. Returns where it begins. */
static int draw_range(struct screen *s, const struct ui *ui, const struct model *m)
{
	const struct ui_tab *tab = &ui->tabs[ui->tab];
	const struct rect *r = &ui->layout.footer;
	size_t first = tab->offset, rows = (size_t)ui->layout.table.rows, count = tab->count;
	char text[4 * FMT_TEXT], a[FMT_TEXT], b[FMT_TEXT], c[FMT_TEXT];
	int col;

	if (ui->help || ui->pane.is_open) {
		first = (size_t)(ui->help ? ui->help_offset : ui->pane.offset);
		rows = (size_t)ui->layout.overlay.rows;
		count = (size_t)(ui->help ? help_height(ui) : pane_height(ui, m));
	}
	if (!count)
		return r->cols;
	snprintf(text, sizeof(text), "%s-%s of %s", fmt_exact(a, sizeof(a), first + 1),
		 fmt_exact(b, sizeof(b), first + rows < count ? first + rows : count),
		 fmt_exact(c, sizeof(c), count));
	col = r->cols - text_width(text);
	screen_put(s, r->row, col > 0 ? col : 0, r->cols, ATTR_DIM, text);
	return col;
}

static void draw_hints(struct screen *s, const struct ui *ui, int cells)
{
	int row = ui->layout.footer.row, col = 0;

	for (size_t i = 0; i < key_row_count; i++) {
		const struct key_row *k = &key_rows[i];

		if (!k->hint)
			continue;
		if (col + text_width(k->label) + 1 + text_width(k->hint) > cells)
			break;
		col = screen_put(s, row, col, cells, ATTR_KEY, k->label) + 1;
		col = screen_put(s, row, col, cells, ATTR_HINT, k->hint) + 2;
	}
}

/* Cells before a place of the text. */
static int cells_before(const char *text, size_t at)
{
	char part[EDIT_TEXT];

	memcpy(part, text, at);
	part[at] = '\0';
	return text_width(part);
}

/* What is wrong stands in the line above. */
static void draw_error(struct screen *s, const struct ui *ui)
{
	const struct rect *r = &ui->layout.footer;
	const char *text = ui->prompt.wrong ? ui->prompt.error.message : ui->prompt.message;

	if (!text)
		return;
	screen_fill(s, r->row - 1, 0, r->cols, ATTR_NOTE);
	screen_put(s, r->row - 1, 0, r->cols, ATTR_NOTE, text);
}

/* The part of the line with the cursor in it; the cell that is wrong, and the cursor. */
static void draw_prompt(struct screen *s, const struct ui *ui)
{
	const struct prompt *p = &ui->prompt;
	const struct edit *e = p->kind == PROMPT_SEARCH ? &p->search : &p->filter;
	const char *label = p->kind == PROMPT_SEARCH ? "Search: " : "Filter: ";
	const struct rect *r = &ui->layout.footer;
	int room, col = screen_put(s, r->row, 0, r->cols, ATTR_KEY, label), cursor, skip = 0;
	const char *text = e->text;

	room = r->cols - col - 1;
	cursor = cells_before(e->text, e->cursor);
	while (*text && cursor - skip > room) {
		text++;
		while (((unsigned char)*text & 0xc0) == 0x80)
			text++;
		skip = cells_before(e->text, (size_t)(text - e->text));
	}
	screen_put(s, r->row, col, room + 1, ATTR_NORMAL, text);
	if (p->kind == PROMPT_FILTER && p->wrong) {
		int wrong = cells_before(e->text, p->error.offset) - skip;

		if (wrong >= 0 && wrong <= room)
			screen_mark(s, r->row, col + wrong, room + 1 - wrong, ATTR_FAILED);
	}
	screen_mark(s, r->row, col + cursor - skip, 1, ATTR_SELECTED);
	draw_error(s, ui);
}

static void draw_footer(struct screen *s, const struct ui *ui, const struct model *m)
{
	int cells;

	if (ui->prompt.kind != PROMPT_NONE && !ui->help) {
		draw_prompt(s, ui);
		return;
	}
	cells = draw_range(s, ui, m) - 1;

	if (ui->message)
		screen_put(s, ui->layout.footer.row, 0, cells, ATTR_NOTE, ui->message);
	else if (ui->help)
		screen_put(s, ui->layout.footer.row, 0, cells, ATTR_HINT,
			   cells >= 42 ? "j k PgUp PgDn scroll, any other key returns"
				       : "j k scroll, q back");
	else if (ui->pane.is_open)
		screen_put(s, ui->layout.footer.row, 0, cells, ATTR_HINT,
			   cells >= 42 ? "j k PgUp PgDn scroll, Esc back to the table"
				       : "j k scroll, Esc back");
	else
		draw_hints(s, ui, cells);
}

static void draw_too_small(struct screen *s)
{
	char text[64];

	snprintf(text, sizeof(text), "%dx%d, need %dx%d", s->cols, s->rows, LAYOUT_MIN_COLS,
		 LAYOUT_MIN_ROWS);
	screen_put(s, 0, 0, s->cols, ATTR_NOTE, s->cols >= 16 ? "window too small" : "too small");
	screen_put(s, 1, 0, s->cols, ATTR_NORMAL, text);
	screen_put(s, 2, 0, s->cols, ATTR_NORMAL, "q quits");
}

void draw(struct screen *s, const struct ui *ui, const struct model *m)
{
	screen_clear(s);
	if (ui->layout.too_small) {
		draw_too_small(s);
		return;
	}
	header_draw(s, ui);
	header_cost(s, ui);
	if (ui->help) {
		help_draw(s, ui);
	} else if (ui->pane.is_open && m) {
		pane_draw(s, ui, m);
	} else {
		header_tabs(s, ui);
		rows_titles(s, ui);
		rows_draw(s, ui, m);
	}
	draw_footer(s, ui, m);
}
