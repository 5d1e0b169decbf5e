/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sink/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/filter.h"
#include "model/view.h"
#include "util/buf.h"
#include "util/fmt.h"
#include "util/text.h"

enum {
	WIDTH = 132,                 /* cells of a line unless told otherwise */
	WIDTH_MAX = 1024,            /* cells; beyond it a table is only padded */
	CELL = 4 * EVENT_TEXT,       /* bytes of one cell: the longest name, all escaped */
	LINE = WIDTH_MAX + 4 * CELL, /* bytes of a line, or of a cell with its padding */
	CLOCK_AT = 11, /* where `12:34:56` starts in an RFC 3339 time, and its length */
	CLOCK_LEN = 8,
};

/* An end of the run so soon after a tick shows nothing new and rates of nothing. */
static const uint64_t no_interval_ns = 10 * 1000 * 1000;

struct text {
	struct sink sink;
	int fd;              /* borrowed */
	int width;           /* cells */
	size_t rows;         /* of each table; 0 = all */
	unsigned int tables; /* bits of enum table_kind */
	bool begun;          /* something was written: a blank line goes before more */
	uint32_t notes;      /* of the model's notes, so many are told */
	struct view views[TABLE_COUNT];
	struct buf buf, header;
};

/** End the line without the blanks that pad its last column. */
static void end_line(struct buf *b)
{
	while (b->len && b->data[b->len - 1] == ' ')
		b->len--;
	buf_putc(b, '\n');
}

/** Put @s, cut to the width of a line. */
static void put_line(struct text *t, const char *s)
{
	char line[LINE];

	if (text_width(s) > t->width)
		buf_put(&t->buf, line, text_fit(line, sizeof(line), s, t->width, 0));
	else
		buf_puts(&t->buf, s);
	end_line(&t->buf);
}

static void put_both(struct buf *b, const char *first, const char *second)
{
	buf_puts(b, first);
	buf_puts(b, second);
}

/** What was lost, by reason; `lost 0` when nothing was. */
static void put_lost(struct buf *b, const struct model_totals *t)
{
	bool any = false;

	buf_puts(b, "  lost");
	for (uint8_t i = 0; i < LOST_COUNT; i++) {
		if (!t->lost[i])
			continue;
		buf_printf(b, " %s ", lost_name(i));
		buf_put_u64(b, t->lost[i]);
		any = true;
	}
	if (!any)
		buf_puts(b, " 0");
}

static void put_evicted(struct buf *b, const struct model_totals *t)
{
	uint64_t evicted = 0;

	for (int i = 0; i < TABLE_COUNT; i++)
		evicted += t->evicted[i];
	if (!evicted)
		return;
	buf_puts(b, "  evicted ");
	buf_put_u64(b, evicted);
}

/** Share of one core in percent. */
static void put_percent(struct buf *b, uint64_t part_ns, uint64_t whole_ns)
{
	uint64_t hundredths = (uint64_t)((double)part_ns * 10000 / (double)whole_ns + 0.5);

	buf_printf(b, " %" PRIu64 ".%02u%%", hundredths / 100, (unsigned int)(hundredths % 100));
}

/** Own cost: our process in the interval; our programs in other processes, if that was counted. */
static void put_cost(struct buf *b, const struct model_totals *t)
{
	const struct program_cost *c = &t->programs_tick;
	char rss[FMT_TEXT];

	buf_puts(b, "  self cpu");
	put_percent(b, t->cpu_tick_ns, t->interval_ns ? t->interval_ns : 1);
	put_both(b, " rss ", fmt_bytes(rss, sizeof(rss), t->rss_bytes));
	if (t->programs_error)
		buf_puts(b, "  programs not counted");
	if (!c->counted_ns)
		return;
	buf_puts(b, "  programs");
	put_percent(b, c->ns, c->counted_ns);
	if (c->runs)
		buf_printf(b, " %" PRIu64 " ns/event", (c->ns + c->runs / 2) / c->runs);
	buf_printf(b, " %" PRIu64 " events", c->runs);
}

/** Rows of sockets without a process, and `other`, are no processes. */
static void count_process(const struct row *row, void *arg)
{
	uint64_t *count = arg;

	*count += row->proc.pid != 0;
}

/** The budget makes intervals longer than asked for. */
static void put_pace(struct buf *b, const struct model_totals *t)
{
	if (!t->stretched_ns)
		return;
	buf_printf(b, "  every %" PRIu64 ".%02us: %sCPU budget", t->stretched_ns / 1000000000,
		   (unsigned int)(t->stretched_ns / 10000000 % 100), t->over_budget ? "over " : "");
	put_percent(b, t->budget, 1000000000);
}

static void compose_header(struct buf *b, const struct model *m)
{
	const struct model_totals *t = model_totals(m);
	const struct counters *c = &t->count;
	uint64_t processes = 0;
	char s[FMT_TEXT];

	model_each(m, TABLE_PROCESSES, count_process, &processes);
	fmt_time_utc(s, sizeof(s), t->wall_ns);
	buf_puts(b, "sockwatch  ");
	buf_put(b, s + CLOCK_AT, CLOCK_LEN);
	buf_puts(b, "Z  ");
	put_both(b, fmt_count(s, sizeof(s), processes), " processes  ");
	put_both(b, fmt_count(s, sizeof(s), c->open), " open  ");
	put_both(b, fmt_count(s, sizeof(s), c->listening), " listening");
	put_both(b, "  tx ", fmt_rate(s, sizeof(s), c->tx_rate));
	put_both(b, "/s rx ", fmt_rate(s, sizeof(s), c->rx_rate));
	put_both(b, "/s  total tx ", fmt_bytes(s, sizeof(s), c->tx_total));
	put_both(b, " rx ", fmt_bytes(s, sizeof(s), c->rx_total));
	put_lost(b, t);
	put_evicted(b, t);
	put_cost(b, t);
	put_pace(b, t);
}

/** Bytes of @s up to the last double blank before which it fits @width; all of it if there is none.
 */
static size_t fitting_part(const char *s, size_t width)
{
	size_t part = 0;

	for (const char *end = s; (end = strstr(end, "  ")); end += 2) {
		if (part && (size_t)(end - s) > width)
			return part;
		part = (size_t)(end - s);
	}
	return part && strlen(s) > width ? part : strlen(s);
}

/** As many lines as it takes: what was lost must not be cut off. */
static void put_header(struct text *t, const struct model *m)
{
	struct buf *header = &t->header;
	char *at;

	buf_reset(header);
	compose_header(header, m);
	if (header->failed)
		t->buf.failed = true;
	for (at = header->data; !header->failed && *at; at += strspn(at, " ")) {
		size_t len = fitting_part(at, (size_t)t->width);
		char cut = at[len];

		at[len] = '\0';
		put_line(t, at);
		at[len] = cut;
		at += len;
	}
}

/** The numbers above and below are of what matches, so this stands between them. */
static void put_filter(struct text *t, const struct model *m)
{
	const struct filter *f = model_filter(m);
	char line[LINE] = "filter: ";
	size_t at = strlen(line);

	if (!f)
		return;
	text_sanitize(line + at, sizeof(line) - at, filter_text(f), strlen(filter_text(f)));
	put_line(t, line);
}

/** What is not seen is told once, under the first header that comes after it was known. */
static void put_notes(struct text *t, const struct model *m)
{
	const struct model_totals *totals = model_totals(m);
	const uint32_t max = sizeof(totals->notes) / sizeof(totals->notes[0]);

	for (; t->notes < totals->note_count && t->notes < max; t->notes++) {
		char line[CELL] = "note: ";
		size_t at = strlen(line);

		text_sanitize(line + at, sizeof(line) - at, totals->notes[t->notes],
			      strnlen(totals->notes[t->notes], EVENT_TEXT));
		put_line(t, line);
	}
}

static void put_cell(struct buf *b, const char *text, const struct column *column, int width)
{
	char cell[LINE];

	buf_put(b, cell, text_fit(cell, sizeof(cell), text, width, column->right));
}

/** One line of a table: a row of it, or its titles when @row is NULL. */
static void put_row(struct text *t, const struct column *const *list, const int *widths,
		    const struct row *row, const struct model *m)
{
	bool first = true;

	for (; *list; list++) {
		const struct column *column = *list;
		char text[CELL];

		if (!widths[column->id])
			continue;
		if (!first)
			buf_putc(&t->buf, ' ');
		first = false;
		if (row)
			column->text(text, sizeof(text), row, m);
		put_cell(&t->buf, row ? text : column->title, column, widths[column->id]);
	}
	end_line(&t->buf);
}

static bool is_shown(const struct row *row)
{
	const struct counters *c = &row->count;

	return c->open || c->listening || c->tx_total || c->rx_total ||
	       row->table == TABLE_FAILURES;
}

static size_t count_sorted(const struct view *v)
{
	size_t shown = 0;

	for (size_t i = 0; i < v->sorted; i++)
		shown += is_shown(v->rows[i]);
	return shown;
}

static void count_shown(const struct row *row, void *arg)
{
	*(size_t *)arg += is_shown(row);
}

/** Sort until @limit rows that are shown stand at the front: few more than @limit, as a rule. */
static int update_view(struct view *v, const struct model *m, size_t limit)
{
	size_t rows = model_rows(m, v->table);
	size_t want = limit && limit < rows ? limit : rows;
	int err = view_update(v, m, want);

	while (!err && want < rows && count_sorted(v) < limit) {
		want = want < rows / 2 ? want * 2 : rows;
		err = view_update(v, m, want);
	}
	return err;
}

/** `Processes (14)`, or `Processes (10 of 14)` when rows are left out for want of room. */
static void put_title(struct text *t, enum table_kind table, size_t listed, size_t shown)
{
	char title[EVENT_TEXT];

	if (listed < shown)
		snprintf(title, sizeof(title), "%s (%zu of %zu)", table_info[table].title, listed,
			 shown);
	else
		snprintf(title, sizeof(title), "%s (%zu)", table_info[table].title, shown);
	put_line(t, title);
}

static int put_table(struct text *t, enum table_kind table, const struct model *m)
{
	const struct column *const *list = column_list(table);
	struct view *v = &t->views[table];
	int widths[COLUMN_COUNT] = {0};
	size_t shown = 0, listed;
	int err = update_view(v, m, t->rows);

	if (err)
		return err;
	model_each(m, table, count_shown, &shown);
	listed = t->rows && t->rows < shown ? t->rows : shown;
	buf_putc(&t->buf, '\n');
	put_title(t, table, listed, shown);
	column_widths(table, t->width, widths);
	put_row(t, list, widths, NULL, m);
	for (size_t i = 0; i < v->sorted && listed; i++) {
		if (!is_shown(v->rows[i]))
			continue;
		put_row(t, list, widths, v->rows[i], m);
		listed--;
	}
	return 0;
}

static int text_event(struct sink *s, const struct event *ev, const struct model *m)
{
	struct text *t = (struct text *)s;

	if (ev->kind != EVENT_TICK)
		return 0;
	if (ev->tick.last && ev->tick.interval_ns < no_interval_ns)
		return 0;
	if (t->begun)
		buf_putc(&t->buf, '\n');
	t->begun = true;
	put_header(t, m);
	put_filter(t, m);
	put_notes(t, m);
	for (int at = 0; at < TABLE_COUNT; at++) {
		enum table_kind table = table_order[at];
		int err;

		if (!(t->tables & 1U << table))
			continue;
		err = put_table(t, table, m);
		if (err)
			return err;
	}
	return buf_write(&t->buf, t->fd);
}

static int text_close(struct sink *s)
{
	struct text *t = (struct text *)s;

	if (!t)
		return 0;
	for (int table = 0; table < TABLE_COUNT; table++)
		view_done(&t->views[table]);
	buf_done(&t->buf);
	buf_done(&t->header);
	free(t);
	return 0;
}

static const struct sink_ops text_ops = {
	.name = "text",
	.event = text_event,
	.close = text_close,
};

struct sink *text_new(int fd, const struct text_options *options)
{
	struct text *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->sink.ops = &text_ops;
	t->fd = fd;
	t->width = options->width > 0 ? options->width : WIDTH;
	if (t->width > WIDTH_MAX)
		t->width = WIDTH_MAX;
	t->rows = options->rows;
	t->tables = options->tables ? options->tables : TEXT_TABLES;
	for (int table = 0; table < TABLE_COUNT; table++) {
		const struct column *sort = NULL;

		view_init(&t->views[table], (enum table_kind)table);
		if (options->sort)
			sort = column_find((enum table_kind)table, options->sort);
		if (sort)
			view_sort(&t->views[table], sort);
	}
	return &t->sink;
}
