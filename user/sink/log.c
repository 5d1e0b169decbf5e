/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sink/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/column.h"
#include "model/counters.h"
#include "sink/pick.h"
#include "util/buf.h"
#include "util/fmt.h"
#include "util/lines.h"

enum {
	BATCH = 64 * 1024, /* bytes composed before they are written; always whole lines */
};

struct log {
	struct sink sink;
	struct log_options options;
	struct sheet sheet;
	struct lines *lines;       /* borrowed */
	const struct model *model; /* of the run; NULL before its first event */
	int err;                   /* the first error; nothing is written after it */
	uint64_t wall_ns;          /* of the last tick; 0 = none yet */
	uint64_t time_ns;
	uint64_t seq;
	uint64_t told_dropped;
	bool begun; /* the first record is out */
	char timestamp[FMT_TEXT];
	struct pick pick;
	struct buf buf;
};

/* Write what is composed. */
static void flush(struct log *log)
{
	int err = lines_write(log->lines, &log->buf);

	if (err && !log->err)
		log->err = err;
}

/* A sink may read the clock: before the first tick no event carries the time of day. */
static void stamp(struct log *log)
{
	struct timespec ts = {0};
	uint64_t ns = log->wall_ns;

	if (!ns) {
		clock_gettime(CLOCK_REALTIME, &ts);
		ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	}
	fmt_time_utc(log->timestamp, sizeof(log->timestamp), ns);
}

/* Compose @r, which gets its number if this format tells it. */
static void put(struct log *log, struct record *r, const struct event *ev)
{
	size_t before = log->buf.len;

	r->model = log->model;
	r->timestamp = log->timestamp;
	r->time_ns = log->time_ns;
	r->dropped = lines_dropped(log->lines);
	r->seq = log->seq + 1;
	log->options.format->record(&log->buf, &log->sheet, r, ev);
	log->seq += log->buf.len > before;
	if (log->buf.len >= BATCH)
		flush(log);
}

/* What was dropped is told as soon as there is room for that. */
static void put_dropped(struct log *log)
{
	struct record r = {.kind = RECORD_DROPPED};

	if (lines_dropped(log->lines) == log->told_dropped || lines_is_short(log->lines))
		return;
	log->told_dropped = lines_dropped(log->lines);
	put(log, &r, NULL);
}

/* ---- rows ---- */

static void put_row(const struct row *row, void *arg)
{
	struct log *log = arg;
	struct record r = {.kind = log->options.by, .row = row};

	put(log, &r, NULL);
}

static void put_other(struct log *log)
{
	struct record r = {.kind = RECORD_OTHER, .row = &log->pick.other};
	const struct counters *c = &log->pick.other.count;

	r.folded = log->pick.folded;
	if (r.folded || c->tx_tick || c->rx_tick || (log->options.all && !counters_empty(c)))
		put(log, &r, NULL);
}

static void put_total(struct log *log)
{
	struct row row = {.table = TABLE_COUNT, .count = model_totals(log->model)->count};
	struct record r = {.kind = RECORD_TOTAL, .row = &row};

	put(log, &r, NULL);
}

static void put_interval(struct log *log)
{
	int err;

	if (log->options.by == RECORD_TOTAL) {
		put_total(log);
		return;
	}
	err = pick_rows(&log->pick, log->model, put_row, log);
	if (err && !log->err)
		log->err = err;
	put_other(log);
}

/* ---- what is around them ---- */

/* Scripts wait for this line, so it does not wait for others. CSV and text have titles instead, and
 * say what is not seen in lines of their own. */
static void put_meta(struct log *log)
{
	const struct model_totals *t = model_totals(log->model);
	struct record r = {.kind = RECORD_META};

	stamp(log);
	put(log, &r, NULL);
	for (uint32_t i = 0; !log->options.format->has_meta && i < t->note_count; i++) {
		struct record note = {.kind = RECORD_NOTE, .note = t->notes[i]};

		if (i < sizeof(t->notes) / sizeof(t->notes[0]))
			put(log, &note, NULL);
	}
	if (log->buf.len)
		flush(log);
	else if (log->options.format->head)
		lines_begin(log->lines);
	log->begun = true;
}

/* For lines_set_head. The first record of a run is its own; in further files it stands again,
 * without a number. */
static void begin_file(struct buf *b, void *arg)
{
	struct log *log = arg;
	struct record r = {.kind = RECORD_META, .model = log->model, .timestamp = log->timestamp};

	if (log->options.format->head)
		log->options.format->head(b, &log->sheet);
	if (!log->begun || !log->options.format->has_meta)
		return;
	log->sheet.continued = true;
	log->options.format->record(b, &log->sheet, &r, NULL);
	log->sheet.continued = false;
}

static void put_event(struct log *log, enum record_kind kind, const struct event *ev)
{
	struct record r = {.kind = kind};

	if (kind == RECORD_NOTE)
		r.note = ev->note.text;
	stamp(log);
	put(log, &r, ev);
	flush(log);
}

static void put_end(struct log *log)
{
	struct row row = {.table = TABLE_COUNT, .count = model_totals(log->model)->count};
	struct record r = {.kind = RECORD_END, .row = &row};

	put(log, &r, NULL);
}

static void on_tick(struct log *log, const struct event *ev)
{
	const struct model_totals *t = model_totals(log->model);
	struct record cost = {.kind = RECORD_COST};

	log->wall_ns = ev->tick.wall_ns;
	log->time_ns = ev->time_ns;
	stamp(log);
	put_dropped(log);
	put_interval(log);
	if (t->programs_tick.counted_ns || t->programs_error)
		put(log, &cost, NULL);
	if (ev->tick.last)
		put_end(log);
	flush(log);
	if (lines_flush(log->lines) && !log->err)
		log->err = lines_flush(log->lines);
}

static int log_event(struct sink *s, const struct event *ev, const struct model *m)
{
	struct log *log = (struct log *)s;

	log->model = m;
	if (ev->kind == EVENT_NOTE && log->begun)
		put_event(log, RECORD_NOTE, ev);
	/* a source that says nothing of its host still gets its first line before all others */
	if (!log->begun && (ev->kind == EVENT_HOST || ev->kind == EVENT_TICK))
		put_meta(log);
	if (ev->kind == EVENT_PACE)
		put_event(log, RECORD_INTERVAL, ev);
	if (ev->kind == EVENT_TICK)
		on_tick(log, ev);
	return log->err;
}

static int log_close(struct sink *s)
{
	struct log *log = (struct log *)s;
	int err;

	if (!log)
		return 0;
	flush(log);
	lines_set_head(log->lines, NULL, NULL);
	err = log->err;
	pick_done(&log->pick);
	buf_done(&log->buf);
	free(log);
	return err;
}

static const struct sink_ops log_ops = {
	.name = "log",
	.event = log_event,
	.close = log_close,
};

enum table_kind log_table(enum record_kind by)
{
	switch (by) {
	case RECORD_PROCESS:
		return TABLE_PROCESSES;
	case RECORD_PORT:
		return TABLE_PORTS;
	default:
		return TABLE_CONNECTIONS;
	}
}

struct sink *log_new(struct lines *lines, const struct log_options *options)
{
	struct log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->sink.ops = &log_ops;
	log->options = *options;
	log->lines = lines;
	log->sheet = (struct sheet){
		.schema = options->schema,
		.by = options->by,
		.version = options->version,
		.boot_id = options->boot_id,
		.interval_ns = options->interval_ns,
	};
	sheet_init(&log->sheet);
	log->pick = (struct pick){
		.table = log_table(options->by),
		.all = options->all,
		.top = options->top,
		.sort = options->sort ? options->sort : &columns[COLUMN_RATE],
	};
	lines_set_head(lines, begin_file, log);
	return &log->sink;
}
