/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Short ways to write events, and to look at the rows that they make, for tests of the model. */
#ifndef TESTS_UNIT_MODEL_EVENTS_H
#define TESTS_UNIT_MODEL_EVENTS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "model/model.h"

#define SECOND UINT64_C(1000000000)

/** A process: pid with start = 1000 * pid, and a name made from it. */
static inline struct proc a_proc(uint32_t pid)
{
	struct proc p = {.pid = pid, .start_ns = 1000 * (uint64_t)pid, .uid = pid % 7};

	snprintf(p.name, sizeof(p.name), "proc%u", pid);
	return p;
}

static inline struct proc no_proc(enum unattributed why)
{
	return (struct proc){.unattributed = (uint8_t)why};
}

static inline struct addr v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
	return (struct addr){.ip = {[10] = 0xff, 0xff, a, b, c, d}, .port = port};
}

/** A TCP connection from 10.0.0.1 to 10.0.0.2. */
static inline struct flow tcp(uint64_t cookie, enum role role, uint16_t local, uint16_t peer)
{
	return (struct flow){
		.cookie = cookie,
		.netns = 1,
		.protocol = 6,
		.transport = TRANSPORT_TCP,
		.family = 4,
		.role = (uint8_t)role,
		.state = role == ROLE_LISTENER ? STATE_LISTEN : STATE_ESTABLISHED,
		.local = v4(10, 0, 0, 1, local),
		.peer = role == ROLE_LISTENER ? (struct addr){.port = 0} : v4(10, 0, 0, 2, peer),
	};
}

static inline struct flow udp(uint64_t cookie, enum role role, uint16_t local, uint16_t peer)
{
	struct flow f = tcp(cookie, role, local, peer);

	f.protocol = 17;
	f.transport = TRANSPORT_UDP;
	f.state = STATE_OPEN;
	return f;
}

static inline struct event an_event(enum event_kind kind, uint64_t time_ns, struct proc p,
				    struct flow f)
{
	struct event ev;

	memset(&ev, 0, sizeof(ev));
	ev.kind = kind;
	ev.time_ns = time_ns;
	ev.proc = p;
	ev.flow = f;
	return ev;
}

static inline void seen(struct model *m, struct proc p, struct flow f)
{
	struct event ev = an_event(EVENT_SEEN, 1, p, f);

	model_apply(m, &ev);
}

static inline void closed(struct model *m, struct proc p, struct flow f)
{
	struct event ev = an_event(EVENT_CLOSE, 2, p, f);

	model_apply(m, &ev);
}

static inline void moved(struct model *m, struct proc p, struct flow f, uint64_t tx, uint64_t rx)
{
	struct event ev = an_event(EVENT_XFER, 1, p, f);

	ev.xfer.tx_bytes = tx;
	ev.xfer.rx_bytes = rx;
	model_apply(m, &ev);
}

static inline void failed(struct model *m, struct proc p, struct flow f, int error)
{
	struct event ev = an_event(EVENT_FAIL, 1, p, f);

	ev.fail.error = error;
	model_apply(m, &ev);
}

static inline void identified(struct model *m, struct proc p)
{
	struct event ev = an_event(EVENT_IDENT, 1, p, (struct flow){.cookie = 0});

	model_apply(m, &ev);
}

/** The end of an interval of @interval_ns at @time_ns. */
static inline void ticked(struct model *m, uint64_t time_ns, uint64_t interval_ns)
{
	struct event ev = an_event(EVENT_TICK, time_ns, no_proc(UNATTRIBUTED_NONE),
				   (struct flow){.cookie = 0});

	ev.tick.interval_ns = interval_ns;
	model_apply(m, &ev);
}

static inline void tick(struct model *m)
{
	ticked(m, SECOND, SECOND);
}

/* ---- looking ---- */

struct rows {
	const struct row *row[4096];
	size_t count;
};

static inline void rows_add(const struct row *row, void *arg)
{
	struct rows *rows = arg;

	assert_true(rows->count < sizeof(rows->row) / sizeof(rows->row[0]));
	rows->row[rows->count++] = row;
}

static inline struct rows rows_of(const struct model *m, enum table_kind table)
{
	struct rows rows = {.count = 0};

	model_each(m, table, rows_add, &rows);
	assert_int_equal(rows.count, model_rows(m, table));
	return rows;
}

static inline struct rows rows_changed(const struct model *m)
{
	struct rows rows = {.count = 0};

	model_each_changed(m, rows_add, &rows);
	return rows;
}

static inline const struct row *process_row(const struct model *m, uint32_t pid)
{
	struct rows rows = rows_of(m, TABLE_PROCESSES);

	for (size_t i = 0; i < rows.count; i++) {
		if (!rows.row[i]->is_other && rows.row[i]->proc.pid == pid)
			return rows.row[i];
	}
	return NULL;
}

static inline const struct row *port_row(const struct model *m, uint16_t port, enum role role)
{
	struct rows rows = rows_of(m, TABLE_PORTS);

	for (size_t i = 0; i < rows.count; i++) {
		const struct row *row = rows.row[i];

		if (!row->is_other && row->port == port && row->role == role)
			return row;
	}
	return NULL;
}

static inline const struct row *conn_row(const struct model *m, uint64_t cookie, uint32_t pid)
{
	struct rows rows = rows_of(m, TABLE_CONNECTIONS);

	for (size_t i = 0; i < rows.count; i++) {
		const struct row *row = rows.row[i];

		if (!row->is_other && row->flow.cookie == cookie && row->proc.pid == pid)
			return row;
	}
	return NULL;
}

static inline const struct row *other_row(const struct model *m, enum table_kind table)
{
	struct rows rows = rows_of(m, table);
	const struct row *last = rows.count ? rows.row[rows.count - 1] : NULL;

	return last && last->is_other ? last : NULL;
}

static inline void sum_row(const struct row *row, void *arg)
{
	struct counters *sum = arg;

	sum->tx_total += row->count.tx_total;
	sum->rx_total += row->count.rx_total;
	sum->tx_tick += row->count.tx_tick;
	sum->rx_tick += row->count.rx_tick;
	sum->tx_now += row->count.tx_now;
	sum->rx_now += row->count.rx_now;
	sum->open += row->count.open;
	sum->listening += row->count.listening;
	sum->opened += row->count.opened;
	sum->failed += row->count.failed;
}

static inline struct counters sum_of(const struct model *m, enum table_kind table)
{
	struct counters sum = {.open = 0};

	model_each(m, table, sum_row, &sum);
	return sum;
}

/** Sum over connections = each table of groups = totals, for all that is summed; and over failures,
 *  if there is no filter: their rows are of any program of that name. */
static inline void assert_sums_hold(const struct model *m)
{
	const struct counters *t = &model_totals(m)->count;

	for (int k = 0; k < TABLE_COUNT; k++) {
		struct counters sum = sum_of(m, (enum table_kind)k);

		if (k == TABLE_FAILURES) {
			if (t == model_everything(m))
				assert_int_equal(sum.failed, t->failed);
			continue;
		}
		assert_int_equal(sum.tx_total, t->tx_total);
		assert_int_equal(sum.rx_total, t->rx_total);
		assert_int_equal(sum.tx_tick, t->tx_tick);
		assert_int_equal(sum.rx_tick, t->rx_tick);
		assert_int_equal(sum.tx_now, t->tx_now);
		assert_int_equal(sum.rx_now, t->rx_now);
		assert_int_equal(sum.failed, t->failed);
		if (k == TABLE_PROCESSES) { /* counts a socket for each process that uses it */
			assert_true(sum.open >= t->open && sum.open < UINT32_MAX / 2);
			assert_true(sum.listening >= t->listening);
			assert_true(sum.opened >= t->opened);
			continue;
		}
		assert_int_equal(sum.open, t->open);
		assert_int_equal(sum.listening, t->listening);
		assert_int_equal(sum.opened, t->opened);
	}
}

#endif
