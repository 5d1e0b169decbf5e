/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * JSON Lines: an object a line. Rows are made from the table of fields, the records around them by
 * hand; all names are in that table.
 */
#define _GNU_SOURCE /* strerrorname_np() */
#include <inttypes.h>
#include <string.h>

#include "model/filter.h"
#include "sink/format.h"
#include "util/buf.h"
#include "util/text.h"

enum {
	SCHEMA = 1, /* of the records; grows when a field changes its meaning */
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

static void record_begin(struct buf *b, const struct record *r)
{
	buf_puts(b, "{\"@timestamp\":\"");
	buf_puts(b, r->timestamp);
	buf_putc(b, '"');
	put_word(b, "sockwatch.record", record_name(r->kind));
}

static void record_end(struct buf *b, const struct sheet *l, const struct record *r)
{
	if (r->seq)
		put_number(b, l->schema == SCHEMA_ECS ? "event.sequence" : "sockwatch.seq", r->seq);
	buf_puts(b, "}\n");
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

static void put_meta(struct buf *b, const struct sheet *l, const struct record *r)
{
	const struct model_totals *t = model_totals(r->model);
	const struct filter *f = l->filter ? l->filter : model_filter(r->model);

	put_number(b, "sockwatch.schema", SCHEMA);
	put_string(b, "sockwatch.version", l->version, strlen(l->version));
	if (t->host[0])
		put_string(b, "host.name", t->host, sizeof(t->host));
	put_seconds(b, "sockwatch.interval_s", l->interval_ns);
	put_notes(b, t);
	if (f)
		put_string(b, "sockwatch.filter", filter_text(f), FILTER_LENGTH);
	put_word(b, "sockwatch.by", record_name(l->by));
	if (l->boot_id && *l->boot_id)
		put_string(b, "sockwatch.boot_id", l->boot_id, strlen(l->boot_id));
	if (l->continued) {
		put_name(b, "sockwatch.continued");
		buf_puts(b, "true");
	}
}

static void put_errno(struct buf *b, const char *name, int error)
{
	const char *errno_name = strerrorname_np(error);

	if (errno_name)
		put_word(b, name, errno_name);
	else
		buf_printf(b, ",\"%s\":\"%d\"", name, error);
}

/* The value, with the comma and the name before it. */
static void put_field(struct buf *b, const char *name, const struct value *v)
{
	switch (v->kind) {
	case VALUE_NUMBER:
		put_number(b, name, v->number);
		break;
	case VALUE_WORD:
		put_word(b, name, v->text);
		break;
	case VALUE_TEXT:
		put_string(b, name, v->text, v->size);
		break;
	case VALUE_LIST:
		put_name(b, name);
		buf_puts(b, "[\"");
		buf_puts(b, v->text);
		buf_puts(b, "\"]");
		break;
	case VALUE_NONE:
		break;
	}
}

static void put_row(struct buf *b, const struct sheet *l, const struct record *r)
{
	const struct field *const *list = l->lists[r->kind];
	size_t start = b->len;
	struct value v;

	for (; *list; list++)
		put_field(b, field_name(*list, l->schema), field_value(*list, r, &v));
	if (!b->failed)
		b->data[start] = '{'; /* in the place of the first comma */
	buf_puts(b, "}\n");
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

/* The budget makes intervals longer, or lets them be as asked again. */
static void put_pace(struct buf *b, const struct event *ev)
{
	put_seconds(b, "sockwatch.interval_s", ev->pace.interval_ns);
	put_percent(b, "sockwatch.cpu_budget_percent", ev->pace.budget, 1000000000);
	put_name(b, "sockwatch.over_budget");
	buf_puts(b, ev->pace.over ? "true" : "false");
}

/* Own cost of the interval. */
static void put_cost(struct buf *b, const struct model_totals *t)
{
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
}

static void put_end(struct buf *b, const struct record *r)
{
	const struct model_totals *t = model_totals(r->model);
	uint64_t evicted = 0;

	for (int i = 0; i < TABLE_COUNT; i++)
		evicted += t->evicted[i];
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
	put_number(b, "sockwatch.dropped", r->dropped);
}

static void json_record(struct buf *b, const struct sheet *l, const struct record *r,
			const struct event *ev)
{
	if (r->kind == l->by || r->kind == RECORD_OTHER) {
		put_row(b, l, r);
		return;
	}
	record_begin(b, r);
	if (r->kind == RECORD_META)
		put_meta(b, l, r);
	else if (r->kind == RECORD_NOTE)
		put_string(b, "sockwatch.note", r->note, EVENT_TEXT);
	else if (r->kind == RECORD_INTERVAL)
		put_pace(b, ev);
	else if (r->kind == RECORD_COST)
		put_cost(b, model_totals(r->model));
	else if (r->kind == RECORD_DROPPED)
		put_number(b, "sockwatch.dropped", r->dropped);
	else
		put_end(b, r);
	record_end(b, l, r);
}

const struct format format_json = {
	.name = "json",
	.record = json_record,
	.has_meta = true,
};
