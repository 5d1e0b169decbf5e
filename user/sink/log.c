/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sink/log.h"

#include <stdlib.h>

#include "model/column.h"
#include "model/counters.h"
#include "sink/journal.h"
#include "sink/pick.h"
#include "util/lines.h"

struct log {
	struct sink sink;
	struct log_options options;
	struct journal journal;
	struct pick pick;
};

static void put_row(const struct row *row, void *arg)
{
	struct log *log = arg;
	struct record r = {.kind = log->options.by, .row = row};

	journal_put(&log->journal, &r, NULL);
}

static void put_other(struct log *log)
{
	struct record r = {.kind = RECORD_OTHER, .row = &log->pick.other};
	const struct counters *c = &log->pick.other.count;

	r.folded = log->pick.folded;
	if (r.folded || c->tx_tick || c->rx_tick || (log->options.all && !counters_empty(c)))
		journal_put(&log->journal, &r, NULL);
}

static void put_total(struct log *log)
{
	struct row row = {.table = TABLE_COUNT, .count = model_totals(log->journal.model)->count};
	struct record r = {.kind = RECORD_TOTAL, .row = &row};

	journal_put(&log->journal, &r, NULL);
}

static void put_interval(struct log *log)
{
	int err;

	if (log->options.by == RECORD_TOTAL) {
		put_total(log);
		return;
	}
	err = pick_rows(&log->pick, log->journal.model, put_row, log);
	if (err && !log->journal.err)
		log->journal.err = err;
	put_other(log);
}

static int log_event(struct sink *s, const struct event *ev, const struct model *m)
{
	struct log *log = (struct log *)s;

	journal_event(&log->journal, ev, m);
	if (ev->kind == EVENT_TICK) {
		put_interval(log);
		journal_tick(&log->journal, ev);
	}
	return log->journal.err;
}

static int log_close(struct sink *s)
{
	struct log *log = (struct log *)s;
	int err;

	if (!log)
		return 0;
	journal_done(&log->journal);
	err = log->journal.err;
	pick_done(&log->pick);
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
	case RECORD_PEER:
		return TABLE_PEERS;
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
	log->journal.format = options->format;
	log->journal.lines = lines;
	log->journal.sheet = (struct sheet){
		.schema = options->schema,
		.by = options->by,
		.version = options->version,
		.boot_id = options->boot_id,
		.interval_ns = options->interval_ns,
	};
	log->pick = (struct pick){
		.table = log_table(options->by),
		.all = options->all,
		.top = options->top,
		.sort = options->sort ? options->sort : &columns[COLUMN_RATE],
	};
	journal_init(&log->journal);
	return &log->sink;
}
