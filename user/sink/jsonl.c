/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE /* strerrorname_np() */
#include "sink/jsonl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/filter.h"
#include "util/buf.h"
#include "util/fmt.h"
#include "util/text.h"

enum {
	SCHEMA = 1,        /* of the records; grows when a field changes its meaning */
	BATCH = 64 * 1024, /* bytes composed before they are written; always whole lines */
};

struct jsonl {
	struct sink sink;
	int fd;              /* borrowed */
	int err;             /* the first error; nothing is written after it */
	const char *version; /* borrowed */
	uint64_t interval_ns;
	uint64_t wall_ns; /* of the last tick; 0 = none yet */
	bool begun;       /* the meta line is out */
	struct buf buf;
};

/** One interval on its way into the log. */
struct batch {
	struct jsonl *log;
	const struct model *model;
	char timestamp[FMT_TEXT];
};

/* Every field but the first of a record starts with a comma; records start with record_begin(). */

static void put_name(struct buf *b, const char *name)
{
	buf_puts(b, ",\"");
	buf_puts(b, name);
	buf_puts(b, "\":");
}

static void put_number(struct buf *b, const char *name, uint64_t value)
{
	put_name(b, name);
	buf_put_u64(b, value);
}

static void put_string_value(struct buf *b, const char *value, size_t size)
{
	buf_putc(b, '"');
	text_json(b, value, strnlen(value, size));
	buf_putc(b, '"');
}

/** @value is hostile and ends at its NUL or after @size bytes. */
static void put_string(struct buf *b, const char *name, const char *value, size_t size)
{
	put_name(b, name);
	put_string_value(b, value, size);
}

/** @value is our own word: nothing in it needs an escape. */
static void put_word(struct buf *b, const char *name, const char *value)
{
	put_name(b, name);
	buf_putc(b, '"');
	buf_puts(b, value);
	buf_putc(b, '"');
}

/** Seconds as a decimal number without needless zeros: `1`, `0.25`. */
static void put_seconds(struct buf *b, const char *name, uint64_t ns)
{
	const uint64_t ns_per_s = 1000000000;
	uint64_t part = ns % ns_per_s;

	put_number(b, name, ns / ns_per_s);
	if (!part)
		return;
	buf_putc(b, '.');
	for (uint64_t digit = ns_per_s / 10; part; part %= digit, digit /= 10)
		buf_putc(b, (char)('0' + part / digit));
}

static void record_begin(struct buf *b, const char *timestamp, const char *kind)
{
	buf_puts(b, "{\"@timestamp\":\"");
	buf_puts(b, timestamp);
	buf_putc(b, '"');
	put_word(b, "sockwatch.record", kind);
}

static void record_end(struct buf *b)
{
	buf_puts(b, "}\n");
}

/** Write what is composed; after an error that is remembered and the rest is dropped. */
static void flush(struct jsonl *log)
{
	int err;

	if (log->err) {
		buf_reset(&log->buf);
		return;
	}
	err = buf_write(&log->buf, log->fd);
	if (err)
		log->err = err;
}

static void flush_if_full(struct jsonl *log)
{
	if (log->buf.len >= BATCH)
		flush(log);
}

/** A sink may read the clock: before the first tick no event carries the time of day. */
static uint64_t wall_now(const struct jsonl *log)
{
	struct timespec ts = {0};

	if (log->wall_ns)
		return log->wall_ns;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void put_notes(struct buf *b, const struct model_totals *t)
{
	const size_t max = sizeof(t->notes) / sizeof(t->notes[0]);

	put_name(b, "sockwatch.notes");
	buf_putc(b, '[');
	for (size_t i = 0; i < t->note_count && i < max; i++) {
		if (i)
			buf_putc(b, ',');
		put_string_value(b, t->notes[i], sizeof(t->notes[i]));
	}
	buf_putc(b, ']');
}

/** Scripts wait for this line, so it does not wait for others. */
static void put_meta(struct jsonl *log, const struct model *m)
{
	const struct model_totals *t = model_totals(m);
	struct buf *b = &log->buf;
	char now[FMT_TEXT];

	record_begin(b, fmt_time_utc(now, sizeof(now), wall_now(log)), "meta");
	put_number(b, "sockwatch.schema", SCHEMA);
	put_string(b, "sockwatch.version", log->version, strlen(log->version));
	if (t->host[0])
		put_string(b, "host.name", t->host, sizeof(t->host));
	put_seconds(b, "sockwatch.interval_s", log->interval_ns);
	put_notes(b, t);
	if (model_filter(m))
		put_string(b, "sockwatch.filter", filter_text(model_filter(m)), FILTER_LENGTH);
	record_end(b);
	log->begun = true;
	flush(log);
}

static void put_note(struct jsonl *log, const struct event *ev)
{
	char now[FMT_TEXT];

	record_begin(&log->buf, fmt_time_utc(now, sizeof(now), wall_now(log)), "note");
	put_string(&log->buf, "sockwatch.note", ev->note.text, sizeof(ev->note.text));
	record_end(&log->buf);
	flush(log);
}

static void put_process(struct buf *b, const struct row *row, const struct model *m)
{
	const char *user = model_user(m, row->proc.uid);

	if (row->proc.pid) {
		put_number(b, "process.pid", row->proc.pid);
		put_string(b, "process.name", row->proc.name, sizeof(row->proc.name));
	}
	put_number(b, "user.id", row->proc.uid);
	if (user)
		put_string(b, "user.name", user, strlen(user));
}

static void put_ip(struct buf *b, const char *name, const struct addr *a, uint8_t family)
{
	char ip[ADDR_TEXT];

	/* "any" may be stored as all zero: the family says how it is written */
	if (addr_is_any(a))
		put_word(b, name, family == 4 ? "0.0.0.0" : "::");
	else
		put_word(b, name, addr_format_ip(ip, sizeof(ip), a));
}

static void put_flow(struct buf *b, const struct flow *f)
{
	put_word(b, "network.transport", transport_name(f->transport));
	if (f->family == 4 || f->family == 6) {
		put_word(b, "network.type", f->family == 4 ? "ipv4" : "ipv6");
		put_ip(b, "network.local.address", &f->local, f->family);
	}
	if (f->local.port)
		put_number(b, "network.local.port", f->local.port);
	if (!addr_is_any(&f->peer))
		put_ip(b, "network.peer.address", &f->peer, f->family);
	if (f->peer.port)
		put_number(b, "network.peer.port", f->peer.port);
	put_word(b, "sockwatch.role", role_name(f->role));
	put_word(b, "sockwatch.state", state_name(f->state));
	put_number(b, "sockwatch.netns", f->netns);
	put_number(b, "sockwatch.cookie", f->so_cookie ? f->so_cookie : f->cookie);
}

static void put_bytes(struct buf *b, const struct counters *c)
{
	put_number(b, "sockwatch.tx_bytes", c->tx_tick);
	put_number(b, "sockwatch.rx_bytes", c->rx_tick);
	put_number(b, "sockwatch.tx_bytes_total", c->tx_total);
	put_number(b, "sockwatch.rx_bytes_total", c->rx_total);
}

static void put_errno(struct buf *b, const char *name, int error)
{
	const char *errno_name = strerrorname_np(error);

	if (errno_name)
		put_word(b, name, errno_name);
	else
		buf_printf(b, ",\"%s\":\"%d\"", name, error);
}

static void put_connection(const struct row *row, void *arg)
{
	struct batch *batch = arg;
	struct buf *b = &batch->log->buf;

	record_begin(b, batch->timestamp, "connection");
	put_process(b, row, batch->model);
	put_flow(b, &row->flow);
	put_bytes(b, &row->count);
	if (!row->proc.pid && row->proc.unattributed)
		put_word(b, "sockwatch.unattributed", unattributed_name(row->proc.unattributed));
	if (row->flow.cgroup_id)
		put_number(b, "sockwatch.cgroup_id", row->flow.cgroup_id);
	if (row->error)
		put_errno(b, "sockwatch.error", row->error);
	record_end(b);
	flush_if_full(batch->log);
}

static void put_other(struct jsonl *log, const struct model *m, const char *timestamp)
{
	const struct row *row = model_other(m, TABLE_CONNECTIONS);
	struct buf *b = &log->buf;

	if (!row || (!row->count.tx_tick && !row->count.rx_tick))
		return;
	record_begin(b, timestamp, "other");
	put_bytes(b, &row->count);
	record_end(b);
}

static void put_interval(struct jsonl *log, const struct model *m)
{
	struct batch batch = {.log = log, .model = m};

	fmt_time_utc(batch.timestamp, sizeof(batch.timestamp), log->wall_ns);
	model_each_changed(m, put_connection, &batch);
	put_other(log, m, batch.timestamp);
}

static void put_lost(struct buf *b, const uint64_t lost[LOST_COUNT])
{
	put_name(b, "sockwatch.lost");
	for (uint8_t i = 0; i < LOST_COUNT; i++) {
		buf_puts(b, i ? ",\"" : "{\"");
		buf_puts(b, lost_name(i));
		buf_puts(b, "\":");
		buf_put_u64(b, lost[i]);
	}
	buf_putc(b, '}');
}

/** Share of one core in percent with three decimals. */
static void put_percent(struct buf *b, const char *name, uint64_t part_ns, uint64_t whole_ns)
{
	uint64_t thousandths = (uint64_t)((double)part_ns * 100000 / (double)whole_ns + 0.5);

	put_name(b, name);
	buf_printf(b, "%" PRIu64 ".%03u", thousandths / 1000, (unsigned int)(thousandths % 1000));
}

/** What our programs took of other processes' time, if that was counted. */
static void put_programs(struct buf *b, const struct program_cost *c)
{
	if (!c->counted_ns)
		return;
	put_seconds(b, "sockwatch.programs.counted_s", c->counted_ns);
	put_number(b, "sockwatch.programs.events", c->runs);
	put_number(b, "sockwatch.programs.ns", c->ns);
	if (c->runs)
		put_number(b, "sockwatch.programs.ns_per_event", (c->ns + c->runs / 2) / c->runs);
	put_percent(b, "sockwatch.programs.percent", c->ns, c->counted_ns);
}

/** The budget makes intervals longer, or lets them be as asked again. */
static void put_pace(struct jsonl *log, const struct event *ev)
{
	struct buf *b = &log->buf;
	char now[FMT_TEXT];

	record_begin(b, fmt_time_utc(now, sizeof(now), wall_now(log)), "interval");
	put_seconds(b, "sockwatch.interval_s", ev->pace.interval_ns);
	put_percent(b, "sockwatch.cpu_budget_percent", ev->pace.budget, 1000000000);
	put_name(b, "sockwatch.over_budget");
	buf_puts(b, ev->pace.over ? "true" : "false");
	record_end(b);
	flush(log);
}

/** Own cost of the interval, when it is asked for. */
static void put_cost(struct jsonl *log, const struct model *m)
{
	const struct model_totals *t = model_totals(m);
	struct buf *b = &log->buf;
	char now[FMT_TEXT];

	if (!t->programs_tick.counted_ns && !t->programs_error)
		return;
	record_begin(b, fmt_time_utc(now, sizeof(now), log->wall_ns), "cost");
	put_seconds(b, "sockwatch.interval_s", t->interval_ns);
	put_number(b, "sockwatch.cpu_ns", t->cpu_tick_ns);
	if (t->interval_ns)
		put_percent(b, "sockwatch.cpu_percent", t->cpu_tick_ns, t->interval_ns);
	put_number(b, "sockwatch.rss_bytes", t->rss_bytes);
	put_programs(b, &t->programs_tick);
	if (t->programs_error)
		put_errno(b, "sockwatch.programs.error", t->programs_error);
	put_number(b, "sockwatch.records.seen", t->records_seen);
	put_number(b, "sockwatch.records.delivered", t->records_delivered);
	put_lost(b, t->lost);
	record_end(b);
}

static void put_end(struct jsonl *log, const struct model *m)
{
	const struct model_totals *t = model_totals(m);
	struct buf *b = &log->buf;
	uint64_t evicted = 0;
	char now[FMT_TEXT];

	for (int i = 0; i < TABLE_COUNT; i++)
		evicted += t->evicted[i];
	record_begin(b, fmt_time_utc(now, sizeof(now), log->wall_ns), "end");
	put_number(b, "sockwatch.tx_bytes_total", t->count.tx_total);
	put_number(b, "sockwatch.rx_bytes_total", t->count.rx_total);
	put_number(b, "sockwatch.connections_opened", t->count.opened);
	put_number(b, "sockwatch.records.seen", t->records_seen);
	put_number(b, "sockwatch.records.delivered", t->records_delivered);
	put_number(b, "sockwatch.records.lost", t->lost[LOST_RING_FULL]);
	put_lost(b, t->lost);
	put_number(b, "sockwatch.evicted", evicted);
	put_number(b, "sockwatch.cpu_ns", t->cpu_ns);
	put_number(b, "sockwatch.rss_bytes", t->rss_bytes);
	put_programs(b, &t->programs);
	record_end(b);
}

static void on_tick(struct jsonl *log, const struct event *ev, const struct model *m)
{
	log->wall_ns = ev->tick.wall_ns;
	put_interval(log, m);
	put_cost(log, m);
	if (ev->tick.last)
		put_end(log, m);
	flush(log);
}

static int jsonl_event(struct sink *s, const struct event *ev, const struct model *m)
{
	struct jsonl *log = (struct jsonl *)s;

	if (ev->kind == EVENT_NOTE && log->begun)
		put_note(log, ev);
	/* a source that says nothing of its host still gets its first line before all others */
	if (!log->begun && (ev->kind == EVENT_HOST || ev->kind == EVENT_TICK))
		put_meta(log, m);
	if (ev->kind == EVENT_PACE)
		put_pace(log, ev);
	if (ev->kind == EVENT_TICK)
		on_tick(log, ev, m);
	return log->err;
}

static int jsonl_close(struct sink *s)
{
	struct jsonl *log = (struct jsonl *)s;
	int err;

	if (!log)
		return 0;
	flush(log);
	err = log->err;
	buf_done(&log->buf);
	free(log);
	return err;
}

static const struct sink_ops jsonl_ops = {
	.name = "json",
	.event = jsonl_event,
	.close = jsonl_close,
};

struct sink *jsonl_new(int fd, const char *version, uint64_t interval_ns)
{
	struct jsonl *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->sink.ops = &jsonl_ops;
	log->fd = fd;
	log->version = version;
	log->interval_ns = interval_ns;
	return &log->sink;
}
