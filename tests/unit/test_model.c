/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model_events.h"

#include <errno.h>

static int setup(void **state)
{
	*state = model_new(NULL);
	return *state ? 0 : -1;
}

static int setup_small(void **state)
{
	const struct model_limits limits = {
		.rows[TABLE_CONNECTIONS] = 4, .rows[TABLE_PROCESSES] = 2, .rows[TABLE_PORTS] = 2};

	*state = model_new(&limits);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	assert_sums_hold(*state);
	model_free(*state);
	return 0;
}

/* ---- bytes and ticks ---- */

static void model_adds_bytes_to_all_tables(void **state)
{
	struct model *m = *state;
	struct flow f = tcp(1, ROLE_CLIENT, 40000, 443);

	seen(m, a_proc(10), f);
	moved(m, a_proc(10), f, UINT64_C(1) << 40, 7);
	moved(m, a_proc(10), f, 1, 0);
	assert_int_equal(conn_row(m, 1, 10)->count.tx_total, (UINT64_C(1) << 40) + 1);
	assert_int_equal(process_row(m, 10)->count.tx_total, (UINT64_C(1) << 40) + 1);
	assert_int_equal(port_row(m, 443, ROLE_CLIENT)->count.rx_total, 7);
	assert_int_equal(model_totals(m)->count.rx_total, 7);
	assert_int_equal(port_row(m, 443, ROLE_CLIENT)->transport, TRANSPORT_TCP);
	assert_int_equal(conn_row(m, 1, 10)->transport, TRANSPORT_TCP);
}

static void model_makes_rates_of_ticks(void **state)
{
	struct model *m = *state;
	struct flow f = tcp(1, ROLE_SERVER, 80, 40000);

	moved(m, a_proc(1), f, 1000, 3);
	ticked(m, 5 * SECOND, SECOND / 2);
	assert_int_equal(conn_row(m, 1, 1)->count.tx_tick, 1000);
	assert_int_equal(conn_row(m, 1, 1)->count.tx_rate, 2000);
	assert_int_equal(process_row(m, 1)->count.rx_rate, 6);
	assert_int_equal(port_row(m, 80, ROLE_SERVER)->count.tx_rate, 2000);
	assert_int_equal(model_totals(m)->count.tx_rate, 2000);
	assert_int_equal(conn_row(m, 1, 1)->count.tx_now, 0);
	assert_sums_hold(m);
	moved(m, a_proc(1), f, 5, 0);
	assert_int_equal(conn_row(m, 1, 1)->count.tx_tick, 1000);
	assert_int_equal(conn_row(m, 1, 1)->count.tx_now, 5);
	ticked(m, 6 * SECOND, SECOND);
	assert_int_equal(conn_row(m, 1, 1)->count.tx_rate, 5);
	assert_true(conn_row(m, 1, 1)->changed);
	ticked(m, 7 * SECOND, SECOND);
	assert_int_equal(conn_row(m, 1, 1)->count.tx_rate, 0);
	assert_int_equal(conn_row(m, 1, 1)->count.tx_tick, 0);
	assert_false(conn_row(m, 1, 1)->changed);
	assert_false(process_row(m, 1)->changed);
	assert_int_equal(model_totals(m)->ticks, 3);
	assert_int_equal(model_totals(m)->time_ns, 7 * SECOND);
}

static void model_survives_odd_intervals(void **state)
{
	struct model *m = *state;
	struct flow f = tcp(1, ROLE_SERVER, 80, 40000);

	moved(m, a_proc(1), f, UINT64_MAX / 2, 1);
	ticked(m, 1, 0);
	assert_int_equal(conn_row(m, 1, 1)->count.tx_rate, 0);
	assert_int_equal(conn_row(m, 1, 1)->count.tx_tick, UINT64_MAX / 2);
	moved(m, a_proc(1), f, UINT64_MAX / 2, 1);
	ticked(m, 2, 1);
	assert_int_equal(conn_row(m, 1, 1)->count.tx_rate, UINT64_MAX);
	moved(m, a_proc(1), f, 1, 1);
	ticked(m, 2, UINT64_MAX);
	assert_int_equal(conn_row(m, 1, 1)->count.tx_rate, 0);
}

static void model_lists_what_changed(void **state)
{
	struct model *m = *state;
	struct rows rows;

	seen(m, a_proc(1), tcp(1, ROLE_SERVER, 80, 1));
	seen(m, a_proc(1), tcp(2, ROLE_SERVER, 80, 2));
	seen(m, a_proc(1), tcp(3, ROLE_SERVER, 80, 3));
	assert_int_equal(rows_changed(m).count, 0);
	tick(m);
	assert_int_equal(rows_changed(m).count, 3);
	seen(m, a_proc(1), tcp(3, ROLE_SERVER, 80, 3)); /* nothing new */
	moved(m, a_proc(1), tcp(2, ROLE_SERVER, 80, 2), 0, 0);
	moved(m, a_proc(1), tcp(1, ROLE_SERVER, 80, 1), 5, 5);
	assert_int_equal(rows_changed(m).count, 3); /* until the next tick */
	tick(m);
	rows = rows_changed(m);
	assert_int_equal(rows.count, 1);
	assert_int_equal(rows.row[0]->flow.cookie, 1);
	tick(m);
	assert_int_equal(rows_changed(m).count, 0);
}

static void model_marks_changes_of_state(void **state)
{
	struct model *m = *state;
	struct flow f = tcp(1, ROLE_CLIENT, 40000, 443);

	f.state = STATE_SYN_SENT;
	seen(m, a_proc(1), f);
	tick(m);
	tick(m);
	f.state = STATE_ESTABLISHED;
	seen(m, a_proc(1), f);
	f.state = STATE_NONE;
	f.role = ROLE_UNKNOWN;
	moved(m, a_proc(1), f, 1, 1);
	tick(m);
	assert_true(conn_row(m, 1, 1)->changed);
	assert_int_equal(conn_row(m, 1, 1)->flow.state, STATE_ESTABLISHED);
	assert_int_equal(conn_row(m, 1, 1)->flow.role, ROLE_CLIENT);
}

/* ---- what is open ---- */

static void model_counts_open_and_listening(void **state)
{
	struct model *m = *state;
	struct flow f = tcp(3, ROLE_CLIENT, 40000, 443);

	seen(m, a_proc(1), tcp(1, ROLE_LISTENER, 80, 0));
	seen(m, a_proc(1), tcp(2, ROLE_SERVER, 80, 40000));
	f.state = STATE_BOUND;
	seen(m, a_proc(1), f);
	assert_int_equal(process_row(m, 1)->count.open, 1);
	assert_int_equal(process_row(m, 1)->count.opened, 1);
	assert_int_equal(process_row(m, 1)->count.listening, 1);
	f.state = STATE_SYN_SENT;
	seen(m, a_proc(1), f);
	f.state = STATE_ESTABLISHED;
	seen(m, a_proc(1), f);
	assert_int_equal(process_row(m, 1)->count.open, 2);
	assert_int_equal(process_row(m, 1)->count.opened, 2);
	assert_int_equal(port_row(m, 80, ROLE_SERVER)->count.open, 1);
	assert_int_equal(port_row(m, 80, ROLE_SERVER)->count.listening, 1);
	f.state = STATE_CLOSE;
	seen(m, a_proc(1), f);
	closed(m, a_proc(1), tcp(1, ROLE_LISTENER, 80, 0));
	assert_int_equal(process_row(m, 1)->count.open, 1);
	assert_int_equal(process_row(m, 1)->count.opened, 2);
	assert_int_equal(process_row(m, 1)->count.listening, 0);
	assert_int_equal(model_totals(m)->count.open, 1);
	assert_int_equal(model_totals(m)->count.opened, 2);
}

static void model_counts_a_shared_socket_once(void **state)
{
	struct model *m = *state;
	struct flow f = tcp(1, ROLE_SERVER, 80, 40000), g = f, l = tcp(2, ROLE_LISTENER, 80, 0);

	seen(m, a_proc(1), f);
	seen(m, a_proc(1), l);
	g.shared = l.shared = true;
	seen(m, a_proc(2), g);
	seen(m, a_proc(2), l);
	moved(m, a_proc(2), g, 10, 20);
	assert_int_equal(process_row(m, 1)->count.open, 1);
	assert_int_equal(process_row(m, 2)->count.open, 1);
	assert_int_equal(process_row(m, 2)->count.listening, 1);
	assert_int_equal(process_row(m, 2)->count.tx_total, 10);
	assert_int_equal(process_row(m, 1)->count.tx_total, 0);
	assert_int_equal(port_row(m, 80, ROLE_SERVER)->count.open, 1);
	assert_int_equal(port_row(m, 80, ROLE_SERVER)->count.listening, 1);
	assert_int_equal(port_row(m, 80, ROLE_SERVER)->count.opened, 1);
	assert_int_equal(port_row(m, 80, ROLE_SERVER)->user_count, 2);
	assert_int_equal(model_totals(m)->count.open, 1);
	closed(m, a_proc(1), f);
	assert_int_equal(process_row(m, 2)->count.open, 0);
	assert_int_equal(model_totals(m)->count.open, 0);
	assert_int_equal(model_totals(m)->count.opened, 1);
	assert_true(conn_row(m, 1, 2)->ended);
}

static void model_keeps_rows_per_peer(void **state)
{
	struct model *m = *state;
	struct flow f = udp(1, ROLE_SERVER, 53, 0), a, b;

	f.peer = (struct addr){.port = 0};
	seen(m, a_proc(1), f);
	a = udp(1, ROLE_SERVER, 53, 1111);
	a.per_peer = true;
	b = a;
	b.peer = v4(10, 0, 0, 9, 1111);
	moved(m, a_proc(1), a, 1, 2);
	moved(m, a_proc(1), b, 3, 4);
	moved(m, a_proc(1), a, 10, 20);
	assert_int_equal(model_rows(m, TABLE_CONNECTIONS), 3);
	assert_int_equal(model_totals(m)->count.open, 2); /* the peers; not the socket itself */
	assert_int_equal(process_row(m, 1)->count.open, 2);
	assert_int_equal(port_row(m, 53, ROLE_SERVER)->count.tx_total, 14);
	assert_int_equal(port_row(m, 53, ROLE_SERVER)->user_count, 1);
	closed(m, a_proc(1), f);
	tick(m);
	assert_int_equal(rows_changed(m).count, 3);
	tick(m);
	assert_int_equal(model_rows(m, TABLE_CONNECTIONS), 1); /* other */
	assert_int_equal(other_row(m, TABLE_CONNECTIONS)->count.rx_total, 26);
}

/* ---- coming and going ---- */

static void model_shows_short_connection_once(void **state)
{
	struct model *m = *state;
	struct flow f = tcp(1, ROLE_CLIENT, 40000, 443);
	struct rows rows;

	seen(m, a_proc(1), f);
	moved(m, a_proc(1), f, 100, 200);
	closed(m, a_proc(1), f);
	assert_int_equal(model_totals(m)->count.open, 0);
	assert_int_equal(model_totals(m)->count.opened, 1);
	tick(m);
	rows = rows_changed(m);
	assert_int_equal(rows.count, 1);
	assert_true(rows.row[0]->ended && rows.row[0]->changed);
	assert_int_equal(rows.row[0]->flow.state, STATE_CLOSE);
	assert_int_equal(rows.row[0]->count.tx_tick, 100);
	assert_null(other_row(m, TABLE_CONNECTIONS));
	tick(m);
	assert_int_equal(rows_changed(m).count, 0);
	assert_null(conn_row(m, 1, 1));
	assert_int_equal(other_row(m, TABLE_CONNECTIONS)->count.rx_total, 200);
	assert_int_equal(process_row(m, 1)->count.opened, 1);
	assert_int_equal(model_totals(m)->evicted[TABLE_CONNECTIONS], 0);
}

static void model_ignores_close_of_unknown(void **state)
{
	struct model *m = *state;
	struct flow f = tcp(1, ROLE_CLIENT, 40000, 443);

	closed(m, a_proc(1), f);
	assert_int_equal(model_rows(m, TABLE_CONNECTIONS), 0);
	assert_int_equal(model_rows(m, TABLE_PROCESSES), 0);
	moved(m, a_proc(1), f, 1, 1);
	closed(m, a_proc(2), f); /* whoever says so */
	closed(m, a_proc(1), f);
	assert_true(conn_row(m, 1, 1)->ended);
	assert_int_equal(model_totals(m)->count.open, 0);
}

static void model_learns_from_the_last_record(void **state)
{
	struct model *m = *state;
	struct flow f = tcp(1, ROLE_UNKNOWN, 40000, 443);

	moved(m, a_proc(1), f, 1, 1);
	assert_non_null(port_row(m, 0, ROLE_UNKNOWN));
	f.role = ROLE_CLIENT;
	f.so_cookie = 77;
	seen(m, a_proc(1), f);
	f.so_cookie = 0; /* not known is no news */
	closed(m, a_proc(1), f);
	assert_null(port_row(m, 0, ROLE_UNKNOWN));
	assert_int_equal(port_row(m, 443, ROLE_CLIENT)->count.tx_total, 1);
	assert_int_equal(conn_row(m, 1, 1)->flow.so_cookie, 77);
}

static void model_counts_late_bytes_of_ended(void **state)
{
	struct model *m = *state;
	struct flow f = tcp(1, ROLE_CLIENT, 40000, 443);

	seen(m, a_proc(1), f);
	closed(m, a_proc(1), f);
	tick(m);
	moved(m, a_proc(1), f, 5, 5);
	tick(m);
	assert_int_equal(rows_changed(m).count, 1);
	assert_true(conn_row(m, 1, 1)->ended);
	assert_int_equal(model_totals(m)->count.open, 0);
	tick(m);
	assert_null(conn_row(m, 1, 1));
	assert_int_equal(process_row(m, 1)->count.tx_total, 5);
}

static void model_counts_failures(void **state)
{
	struct model *m = *state;
	struct flow f = tcp(1, ROLE_CLIENT, 40000, 443);

	f.state = STATE_SYN_SENT;
	seen(m, a_proc(1), f);
	failed(m, a_proc(1), f, ECONNREFUSED);
	f.state = STATE_CLOSE;
	closed(m, a_proc(1), f);
	assert_int_equal(conn_row(m, 1, 1)->error, ECONNREFUSED);
	assert_int_equal(process_row(m, 1)->count.failed, 1);
	assert_int_equal(port_row(m, 443, ROLE_CLIENT)->count.failed, 1);
	assert_int_equal(model_totals(m)->count.failed, 1);
	assert_int_equal(model_totals(m)->count.open, 0);
	f.cookie = 2;
	failed(m, a_proc(1), f, 0); /* of a socket that nothing was known of */
	assert_int_equal(process_row(m, 1)->count.failed, 2);
}

/* ---- who and where ---- */

static void model_moves_bytes_with_the_role(void **state)
{
	struct model *m = *state;
	struct flow f = tcp(1, ROLE_UNKNOWN, 80, 40000);

	seen(m, a_proc(1), f);
	moved(m, a_proc(1), f, 10, 20);
	tick(m);
	moved(m, a_proc(1), f, 1, 2);
	assert_int_equal(port_row(m, 0, ROLE_UNKNOWN)->count.tx_total, 11);
	f.role = ROLE_SERVER;
	seen(m, a_proc(1), f);
	assert_null(port_row(m, 0, ROLE_UNKNOWN));
	assert_int_equal(port_row(m, 80, ROLE_SERVER)->count.tx_total, 11);
	assert_int_equal(port_row(m, 80, ROLE_SERVER)->count.rx_now, 2);
	assert_int_equal(port_row(m, 80, ROLE_SERVER)->count.rx_tick, 20);
	assert_int_equal(port_row(m, 80, ROLE_SERVER)->count.rx_rate, 20);
	assert_int_equal(port_row(m, 80, ROLE_SERVER)->count.opened, 1);
	assert_int_equal(port_row(m, 80, ROLE_SERVER)->user_count, 1);
	f.role = ROLE_UNKNOWN;
	moved(m, a_proc(1), f, 1, 0);
	assert_int_equal(port_row(m, 80, ROLE_SERVER)->count.tx_total, 12);
	f.role = ROLE_CLIENT;
	seen(m, a_proc(1), f);
	assert_int_equal(port_row(m, 40000, ROLE_CLIENT)->count.tx_total, 12);
	f.role = ROLE_LISTENER;
	f.state = STATE_LISTEN;
	seen(m, a_proc(1), f);
	assert_int_equal(port_row(m, 80, ROLE_SERVER)->count.listening, 1);
	assert_int_equal(port_row(m, 80, ROLE_SERVER)->count.open, 0);
	assert_int_equal(model_rows(m, TABLE_PORTS), 1);
}

static void model_tells_all_users_of_a_socket(void **state)
{
	struct model *m = *state;
	struct flow f = tcp(1, ROLE_UNKNOWN, 80, 40000), g = f;

	g.shared = true;
	moved(m, a_proc(1), f, 1, 0);
	moved(m, a_proc(2), g, 2, 0);
	g.role = ROLE_SERVER;
	g.state = STATE_CLOSE_WAIT;
	moved(m, a_proc(2), g, 4, 0);
	assert_int_equal(port_row(m, 80, ROLE_SERVER)->count.tx_total, 7);
	assert_null(port_row(m, 0, ROLE_UNKNOWN));
	assert_int_equal(conn_row(m, 1, 1)->flow.state, STATE_CLOSE_WAIT);
	assert_false(conn_row(m, 1, 1)->flow.shared);
	assert_true(conn_row(m, 1, 2)->flow.shared);
	assert_int_equal(model_totals(m)->count.open, 1);
}

static void model_hands_over_unaccepted(void **state)
{
	struct model *m = *state;
	struct flow f = tcp(1, ROLE_SERVER, 80, 40000);

	seen(m, no_proc(UNATTRIBUTED_NOT_ACCEPTED), f);
	assert_int_equal(port_row(m, 80, ROLE_SERVER)->users[0].unattributed,
			 UNATTRIBUTED_NOT_ACCEPTED);
	tick(m);
	f.shared = true; /* the second to be seen, but the first that is a process */
	moved(m, a_proc(1), f, 5, 6);
	assert_int_equal(model_rows(m, TABLE_CONNECTIONS), 1);
	assert_int_equal(model_rows(m, TABLE_PROCESSES), 1);
	assert_int_equal(model_totals(m)->count.open, 1);
	assert_int_equal(model_totals(m)->count.opened, 1);
	assert_int_equal(process_row(m, 1)->count.opened, 1);
	assert_int_equal(process_row(m, 1)->count.tx_total, 5);
	assert_int_equal(port_row(m, 80, ROLE_SERVER)->user_count, 1);
	assert_int_equal(port_row(m, 80, ROLE_SERVER)->users[0].pid, 1);
	moved(m, a_proc(1), f, 5, 6); /* found under its new key */
	assert_int_equal(model_rows(m, TABLE_CONNECTIONS), 1);
	closed(m, a_proc(1), f);
	assert_int_equal(model_totals(m)->count.open, 0);
}

static void model_keeps_unattributed_bytes_apart(void **state)
{
	struct model *m = *state;
	struct flow f = tcp(1, ROLE_SERVER, 80, 40000);

	moved(m, no_proc(UNATTRIBUTED_BEFORE_START), f, 5, 6);
	f.shared = true;
	moved(m, a_proc(1), f, 1, 2);
	moved(m, no_proc(UNATTRIBUTED_OVERFLOW), f, 1, 1);
	assert_int_equal(model_rows(m, TABLE_CONNECTIONS), 3);
	assert_int_equal(model_rows(m, TABLE_PROCESSES), 3);
	assert_int_equal(model_totals(m)->count.open, 1);
	assert_int_equal(process_row(m, 1)->count.tx_total, 1);
}

static void model_tells_reused_pids_apart(void **state)
{
	struct model *m = *state;
	struct proc young = a_proc(1);

	young.start_ns++;
	moved(m, a_proc(1), tcp(1, ROLE_CLIENT, 1, 443), 1, 0);
	moved(m, young, tcp(2, ROLE_CLIENT, 2, 443), 2, 0);
	assert_int_equal(model_rows(m, TABLE_PROCESSES), 2);
	assert_int_equal(port_row(m, 443, ROLE_CLIENT)->user_count, 2);
}

static void model_renames_after_exec(void **state)
{
	struct model *m = *state;
	struct proc p = a_proc(1);
	struct flow f = tcp(1, ROLE_CLIENT, 40000, 443);

	seen(m, p, f);
	strcpy(p.name, "curl");
	p.uid = 99;
	identified(m, p);
	assert_string_equal(process_row(m, 1)->proc.name, "curl");
	assert_string_equal(conn_row(m, 1, 1)->proc.name, "curl");
	assert_int_equal(conn_row(m, 1, 1)->proc.uid, 99);
	assert_string_equal(port_row(m, 443, ROLE_CLIENT)->users[0].name, "curl");
	moved(m, a_proc(1), f, 1, 1); /* an old name in a late record */
	assert_string_equal(process_row(m, 1)->proc.name, "curl");
	identified(m, a_proc(2));
	assert_int_equal(model_rows(m, TABLE_PROCESSES), 1);
	strcpy(p.name, "wget");
	f.cookie = 2;
	seen(m, p, f);
	assert_string_equal(process_row(m, 1)->proc.name, "wget");
}

static void model_bounds_hostile_names(void **state)
{
	struct model *m = *state;
	struct proc p = a_proc(1);

	memset(p.name, 'x', sizeof(p.name)); /* without an end */
	seen(m, p, tcp(1, ROLE_CLIENT, 40000, 443));
	identified(m, p);
	assert_int_equal(strlen(conn_row(m, 1, 1)->proc.name), EVENT_NAME - 1);
	assert_int_equal(strlen(process_row(m, 1)->proc.name), EVENT_NAME - 1);
	assert_int_equal(strlen(port_row(m, 443, ROLE_CLIENT)->users[0].name), EVENT_NAME - 1);
}

static void model_names_users_of_ports(void **state)
{
	struct model *m = *state;
	const struct row *port;
	bool named[8] = {false};
	uint32_t i;

	for (i = 1; i <= 6; i++)
		seen(m, a_proc(i), tcp(i, ROLE_CLIENT, (uint16_t)(40000 + i), 443));
	seen(m, a_proc(1), tcp(7, ROLE_CLIENT, 40007, 443));
	port = port_row(m, 443, ROLE_CLIENT);
	assert_int_equal(port->user_count, 6);
	closed(m, a_proc(1), tcp(1, ROLE_CLIENT, 0, 0));
	closed(m, a_proc(2), tcp(2, ROLE_CLIENT, 0, 0));
	closed(m, a_proc(3), tcp(3, ROLE_CLIENT, 0, 0));
	assert_int_equal(port->user_count, 6); /* until they were shown */
	tick(m);
	tick(m);
	assert_int_equal(port->user_count, 4);
	for (i = 0; i < 4; i++)
		named[port->users[i].pid] = true;
	assert_true(named[1] && named[4] && named[5] && named[6]);
	for (i = 4; i <= 7; i++)
		closed(m, a_proc(i), tcp(i, ROLE_CLIENT, 0, 0));
	tick(m);
	tick(m);
	assert_int_equal(port->user_count, 1); /* the last one stays named */
	seen(m, a_proc(7), tcp(8, ROLE_CLIENT, 40008, 443));
	assert_int_equal(port->user_count, 1);
	assert_int_equal(port->users[0].pid, 7);
}

/* ---- bounds ---- */

static void model_evicts_ended_then_idlest(void **state)
{
	struct model *m = *state; /* 4 connections, 2 processes, 2 ports */
	uint64_t i;

	for (i = 1; i <= 4; i++)
		moved(m, a_proc(1), tcp(i, ROLE_CLIENT, 40000, 443), i, 0);
	tick(m);
	moved(m, a_proc(1), tcp(1, ROLE_CLIENT, 40000, 443), 1, 0);
	closed(m, a_proc(1), tcp(3, ROLE_CLIENT, 40000, 443));
	tick(m);
	seen(m, a_proc(1), tcp(5, ROLE_CLIENT, 40000, 443));
	assert_null(conn_row(m, 3, 1));
	assert_int_equal(model_totals(m)->evicted[TABLE_CONNECTIONS], 0); /* was ended and shown */
	seen(m, a_proc(1), tcp(6, ROLE_CLIENT, 40000, 443));
	assert_null(conn_row(m, 2, 1));
	assert_int_equal(model_totals(m)->evicted[TABLE_CONNECTIONS], 1);
	assert_int_equal(other_row(m, TABLE_CONNECTIONS)->count.tx_total, 5);
	assert_int_equal(model_totals(m)->count.open, 4);
	moved(m, a_proc(1), tcp(2, ROLE_CLIENT, 40000, 443), 100, 0);
	assert_int_equal(conn_row(m, 2, 1)->count.tx_total, 100);
	assert_int_equal(process_row(m, 1)->count.tx_total, 111);
	assert_int_equal(model_rows(m, TABLE_CONNECTIONS), 5);
}

static void model_brings_back_evicted_process(void **state)
{
	struct model *m = *state;
	uint32_t i;

	for (i = 1; i <= 3; i++)
		moved(m, a_proc(i), tcp(i, ROLE_CLIENT, 40000, (uint16_t)(440 + i)), i, 0);
	assert_null(process_row(m, 1));
	assert_null(port_row(m, 441, ROLE_CLIENT));
	assert_int_equal(other_row(m, TABLE_PROCESSES)->count.open, 1);
	assert_int_equal(other_row(m, TABLE_PORTS)->count.tx_total, 1);
	assert_int_equal(model_totals(m)->evicted[TABLE_PROCESSES], 1);
	assert_sums_hold(m);
	moved(m, a_proc(1), tcp(1, ROLE_CLIENT, 40000, 441), 10, 0);
	assert_int_equal(process_row(m, 1)->count.tx_total, 11); /* all of what is still its own */
	assert_int_equal(process_row(m, 1)->count.open, 1);
	assert_int_equal(port_row(m, 441, ROLE_CLIENT)->user_count, 1);
	assert_int_equal(other_row(m, TABLE_PROCESSES)->count.tx_total, 2);
	closed(m, a_proc(2), tcp(2, ROLE_CLIENT, 40000, 442));
	assert_int_equal(other_row(m, TABLE_PROCESSES)->count.open, 0);
	tick(m);
	tick(m);
	assert_sums_hold(m);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define TEST_SMALL(fn) cmocka_unit_test_setup_teardown(fn, setup_small, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(model_adds_bytes_to_all_tables),
		TEST(model_makes_rates_of_ticks),
		TEST(model_survives_odd_intervals),
		TEST(model_lists_what_changed),
		TEST(model_marks_changes_of_state),
		TEST(model_counts_open_and_listening),
		TEST(model_counts_a_shared_socket_once),
		TEST(model_keeps_rows_per_peer),
		TEST(model_shows_short_connection_once),
		TEST(model_ignores_close_of_unknown),
		TEST(model_learns_from_the_last_record),
		TEST(model_counts_late_bytes_of_ended),
		TEST(model_counts_failures),
		TEST(model_moves_bytes_with_the_role),
		TEST(model_tells_all_users_of_a_socket),
		TEST(model_hands_over_unaccepted),
		TEST(model_keeps_unattributed_bytes_apart),
		TEST(model_tells_reused_pids_apart),
		TEST(model_renames_after_exec),
		TEST(model_bounds_hostile_names),
		TEST(model_names_users_of_ports),
		TEST_SMALL(model_evicts_ended_then_idlest),
		TEST_SMALL(model_brings_back_evicted_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
