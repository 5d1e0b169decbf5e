/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A log as text for people: titles, then a line for each row, aligned while values are of usual
 * lengths and never cut. Other records are lines that begin with `#`.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sink/format.h"
#include "sink/story.h"
#include "util/buf.h"
#include "util/text.h"

enum { CELL = 4096 * 4 + 1 }; /* bytes of the longest path, all escaped */

static void pad(struct buf *b, int cells)
{
	while (cells-- > 0)
		buf_putc(b, ' ');
}

/* A cell and the blanks before and behind it. */
static void put_cell(struct buf *b, const struct field *f, const char *text)
{
	int spare = f->width - text_width(text);

	if (f->right)
		pad(b, spare);
	buf_puts(b, text);
	if (!f->right)
		pad(b, spare);
	buf_putc(b, ' ');
}

/* Without the blanks that pad the last column. */
static void end_line(struct buf *b)
{
	while (b->len && b->data[b->len - 1] == ' ')
		b->len--;
	buf_putc(b, '\n');
}

/* Blanks in a name would part it into two columns. */
static void join(char *text)
{
	for (; *text; text++)
		if (*text == ' ')
			*text = '_';
}

static void put_value(struct buf *b, const struct field *f, const struct value *v)
{
	char cell[CELL];

	strcpy(cell, "-");
	if (v->kind == VALUE_NUMBER)
		snprintf(cell, sizeof(cell), "%" PRIu64, v->number);
	if (v->kind == VALUE_TEXT && *v->text && v->size) {
		text_sanitize(cell, sizeof(cell), v->text, strnlen(v->text, v->size));
		join(cell);
	}
	put_cell(b, f, v->kind == VALUE_WORD ? v->text : cell);
}

static bool is_shown(const struct field *f, const struct sheet *l)
{
	return f->title && field_in(f, l->by, l->schema);
}

static void text_head(struct buf *b, const struct sheet *l)
{
	if (l->by == RECORD_EVENT) {
		story_head(b);
		return;
	}
	for (size_t i = 0; l->columns[i]; i++)
		if (is_shown(l->columns[i], l))
			put_cell(b, l->columns[i], l->columns[i]->title);
	end_line(b);
}

static void put_row(struct buf *b, const struct sheet *l, const struct record *r)
{
	struct value v;

	for (size_t i = 0; l->columns[i]; i++) {
		const struct field *f = l->columns[i];

		if (!is_shown(f, l))
			continue;
		v.kind = VALUE_NONE;
		if (field_in(f, r->kind, l->schema))
			field_value(f, r, &v);
		put_value(b, f, &v);
	}
	end_line(b);
}

static void put_note(struct buf *b, const char *note, size_t size)
{
	char text[CELL];

	text_sanitize(text, sizeof(text), note, strnlen(note, size));
	buf_puts(b, text);
}

static void put_lost(struct buf *b, const struct model_totals *t)
{
	buf_puts(b, " lost");
	for (uint8_t i = 0; i < LOST_COUNT; i++)
		buf_printf(b, " %s %" PRIu64, lost_name(i), t->lost[i]);
}

static void put_end(struct buf *b, const struct record *r)
{
	const struct model_totals *t = model_totals(r->model);

	buf_printf(b, "end: tx %" PRIu64 " rx %" PRIu64 " connections %" PRIu64, t->count.tx_total,
		   t->count.rx_total, t->count.opened);
	put_lost(b, t);
	buf_printf(b, " dropped %" PRIu64, r->dropped);
}

/* The rest: what a reader of the rows has to know, on a line that is none of them. */
static void put_remark(struct buf *b, const struct record *r, const struct event *ev)
{
	const struct model_totals *t = model_totals(r->model);

	buf_printf(b, "# %s ", r->timestamp);
	switch (r->kind) {
	case RECORD_NOTE:
		buf_puts(b, "note: ");
		put_note(b, r->note, EVENT_TEXT);
		break;
	case RECORD_INTERVAL:
		buf_printf(b, "interval: %" PRIu64 " ms for the CPU budget%s",
			   ev->pace.interval_ns / 1000000, ev->pace.over ? ", and still over" : "");
		break;
	case RECORD_COST:
		buf_printf(b,
			   "cost: cpu %" PRIu64 " ns, programs %" PRIu64 " ns in %" PRIu64
			   " events, memory %" PRIu64 " bytes",
			   t->cpu_tick_ns, t->programs_tick.ns, t->programs_tick.runs,
			   t->rss_bytes);
		break;
	case RECORD_DROPPED:
		buf_printf(b, "dropped: %" PRIu64 " records in all", r->dropped);
		break;
	default:
		put_end(b, r);
	}
	buf_putc(b, '\n');
}

static void text_record(struct buf *b, const struct sheet *l, const struct record *r,
			const struct event *ev)
{
	if (r->kind == RECORD_EVENT)
		story_line(b, r);
	else if (r->kind == l->by || r->kind == RECORD_OTHER)
		put_row(b, l, r);
	else if (r->kind != RECORD_META)
		put_remark(b, r, ev);
}

const struct format format_text = {
	.name = "text",
	.head = text_head,
	.record = text_record,
};
