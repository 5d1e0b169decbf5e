/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/help.h"

#include "tui/keys.h"
#include "tui/pen.h"
#include "tui/screen.h"
#include "tui/ui.h"
#include "util/text.h"

#include <stdio.h>
#include <string.h>

enum { TWO_BLOCKS = 78, MARGIN = 1, KEY_CELLS = 15, COLUMN_CELLS = 10 };

static const char *const counted[] = {
	"TX and RX are payload bytes as programs sent and received them, counted once, "
	"at the socket: no headers, no retransmissions, loopback included.",
	"Each byte is booked to the process that made the call, on TCP, UDP, raw and all "
	"other sockets.",
	"Rates are per second over the last interval, totals since sockwatch started; "
	"K, M, G are powers of 1024.",
	"A reason in place of a process says why none can be named; `other` sums up rows "
	"that ended.",
	"LOST counts what was missed, by reason: at 0 all numbers are exact to the byte.",
};

static void heading(struct pen *p, const char *text)
{
	if (p->line)
		p->line++;
	pen_put(p, 0, ATTR_BOLD, text);
	p->line++;
}

static void term(struct pen *p, int cells, const char *name, const char *text)
{
	pen_put(p, 0, ATTR_KEY, name);
	if (text_width(name) >= cells)
		p->line++;
	pen_wrap(p, cells, ATTR_NORMAL, text);
}

static void keys(struct pen *p)
{
	char text[KEYS_TEXT];

	heading(p, "Keys");
	for (size_t i = 0; i < key_row_count; i++) {
		if (key_rows[i].help)
			term(p, KEY_CELLS, keys_text(text, sizeof(text), &key_rows[i]),
			     key_rows[i].help);
	}
}

static void column_names(struct pen *p, const struct ui *ui)
{
	heading(p, "Columns of this view");
	for (const struct column *const *c = column_list(ui->tab); *c; c++)
		term(p, COLUMN_CELLS, (*c)->title, (*c)->help);
}

static void legend(struct pen *p)
{
	heading(p, "What is counted");
	for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++) {
		pen_put(p, 0, ATTR_DIM, "-");
		pen_wrap(p, 2, ATTR_NORMAL, counted[i]);
	}
}

static void notes(struct pen *p, const struct model_totals *t)
{
	char text[4 * EVENT_TEXT];

	if (!t->note_count)
		return;
	heading(p, "What is not seen here");
	for (uint32_t i = 0; i < t->note_count && i < sizeof(t->notes) / sizeof(t->notes[0]); i++) {
		text_sanitize(text, sizeof(text), t->notes[i],
			      strnlen(t->notes[i], sizeof(t->notes[i])));
		pen_put(p, 0, ATTR_DIM, "-");
		pen_wrap(p, 2, ATTR_NOTE, text);
	}
}

/* Two blocks side by side where the screen is wide enough, else one below the other. */
static int compose(struct screen *s, const struct ui *ui)
{
	struct rect all = ui->layout.overlay;
	struct pen left = {.screen = s, .at = all, .skip = ui->help_offset}, right;
	bool two = all.cols >= TWO_BLOCKS;

	all.col += MARGIN;
	all.cols -= 2 * MARGIN;
	left.at = all;
	if (two)
		left.at.cols = all.cols / 2 - 1;
	right = left;
	keys(&left);
	if (two)
		right.at.col += all.cols / 2 + 1;
	else
		right.line = left.line;
	notes(&right, &ui->totals);
	legend(&right);
	column_names(two ? &left : &right, ui);
	return left.line > right.line ? left.line : right.line;
}

int help_height(const struct ui *ui)
{
	return compose(NULL, ui);
}

void help_draw(struct screen *s, const struct ui *ui)
{
	compose(s, ui);
}
