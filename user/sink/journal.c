/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sink/journal.h"

#include <string.h>
#include <time.h>

#include "util/lines.h"

enum {
	BATCH = 64 * 1024, /* bytes composed before they are written; always whole lines */
};

/* Write what is composed. */
static void flush(struct journal *j)
{
	int err = lines_write(j->lines, &j->buf);

	if (err && !j->err)
		j->err = err;
}

/* A sink may read the clock: before the first tick no event carries the time of day. */
static void stamp(struct journal *j)
{
	struct timespec ts = {0};
	uint64_t ns = j->wall_ns;

	if (!ns) {
		clock_gettime(CLOCK_REALTIME, &ts);
		ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	}
	fmt_time_utc(j->timestamp, sizeof(j->timestamp), ns);
}

void journal_put(struct journal *j, struct record *r, const struct event *ev)
{
	size_t before = j->buf.len;

	r->model = j->model;
	r->timestamp = j->timestamp;
	if (!r->time_ns)
		r->time_ns = j->time_ns;
	r->dropped = lines_dropped(j->lines);
	r->seq = j->seq + 1;
	j->format->record(&j->buf, &j->sheet, r, ev);
	j->seq += j->buf.len > before;
	if (j->buf.len >= BATCH)
		flush(j);
}

/* What was dropped is told as soon as there is room for that. */
static void put_dropped(struct journal *j)
{
	struct record r = {.kind = RECORD_DROPPED};

	if (lines_dropped(j->lines) == j->told_dropped || lines_is_short(j->lines))
		return;
	j->told_dropped = lines_dropped(j->lines);
	journal_put(j, &r, NULL);
}

/* Scripts wait for this line, so it does not wait for others. CSV and text have titles instead, and
 * say what is not seen in lines of their own. */
static void put_meta(struct journal *j)
{
	const struct model_totals *t = model_totals(j->model);
	struct record r = {.kind = RECORD_META};

	stamp(j);
	journal_put(j, &r, NULL);
	for (uint32_t i = 0; !j->format->has_meta && i < t->note_count; i++) {
		struct record note = {.kind = RECORD_NOTE, .note = t->notes[i]};

		if (i < sizeof(t->notes) / sizeof(t->notes[0]))
			journal_put(j, &note, NULL);
	}
	if (j->buf.len)
		flush(j);
	else if (j->format->head)
		lines_begin(j->lines);
	j->begun = true;
}

/* For lines_set_head. The first record of a run is its own; in further files it stands again,
 * without a number. */
static void begin_file(struct buf *b, void *arg)
{
	struct journal *j = arg;
	struct record r = {.kind = RECORD_META, .model = j->model, .timestamp = j->timestamp};

	if (j->format->head)
		j->format->head(b, &j->sheet);
	if (!j->begun || !j->format->has_meta)
		return;
	j->sheet.continued = true;
	j->format->record(b, &j->sheet, &r, NULL);
	j->sheet.continued = false;
}

static void put_event(struct journal *j, enum record_kind kind, const struct event *ev)
{
	struct record r = {.kind = kind};

	if (kind == RECORD_NOTE)
		r.note = ev->note.text;
	stamp(j);
	journal_put(j, &r, ev);
	flush(j);
}

void journal_event(struct journal *j, const struct event *ev, const struct model *m)
{
	j->model = m;
	if (ev->kind == EVENT_NOTE && j->begun)
		put_event(j, RECORD_NOTE, ev);
	/* a source that says nothing of its host still gets its first line before all others */
	if (!j->begun && (ev->kind == EVENT_HOST || ev->kind == EVENT_TICK))
		put_meta(j);
	if (ev->kind == EVENT_PACE)
		put_event(j, RECORD_INTERVAL, ev);
	if (ev->kind != EVENT_TICK)
		return;
	j->wall_ns = ev->tick.wall_ns;
	j->time_ns = ev->time_ns;
	stamp(j);
	put_dropped(j);
}

static void put_end(struct journal *j)
{
	struct row row = {.table = TABLE_COUNT, .count = model_totals(j->model)->count};
	struct record r = {.kind = RECORD_END, .row = &row};

	journal_put(j, &r, NULL);
}

void journal_tick(struct journal *j, const struct event *ev)
{
	const struct model_totals *t = model_totals(j->model);
	struct record cost = {.kind = RECORD_COST};
	int err;

	if (t->programs_tick.counted_ns || t->programs_error)
		journal_put(j, &cost, NULL);
	if (ev->tick.last)
		put_end(j);
	flush(j);
	err = lines_flush(j->lines);
	if (err && !j->err)
		j->err = err;
}

void journal_init(struct journal *j)
{
	sheet_init(&j->sheet);
	lines_set_head(j->lines, begin_file, j);
}

void journal_done(struct journal *j)
{
	flush(j);
	lines_set_head(j->lines, NULL, NULL);
	buf_done(&j->buf);
}
