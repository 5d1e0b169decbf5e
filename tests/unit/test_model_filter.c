/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a model with a filter shows, compared with what was moved and with a model without one. */
#include "model_events.h"

#include "model/filter.h"

enum { SOCKETS = 200, PIDS = 20, SERVICES = 6, STREAM = 60000, PER_TICK = 250 };

static struct filter *a_filter(const char *text)
{
	struct filter_error e;
	struct filter *f = filter_new(text, NULL, &e);

	if (!f)
		fail_msg("`%s`: %s", text, e.message);
	return f;
}

/* ---- small cases ---- */

struct case_model {
	struct model *m;
	struct filter *f;
};

static struct case_model filtered(const char *text)
{
	struct case_model c = {.m = model_new(NULL), .f = a_filter(text)};

	model_set_filter(c.m, c.f);
	assert_ptr_equal(model_filter(c.m), c.f);
	return c;
}

static void done(struct case_model *c)
{
	model_free(c->m);
	filter_free(c->f);
}

/* One process on two ports: its row, the ports, the totals and `other` are of one of them. */
static void groups_are_sums_over_what_matches(void **state)
{
	struct case_model c = filtered("port 443");
	struct flow good = tcp(1, ROLE_CLIENT, 1000, 443), bad = tcp(2, ROLE_CLIENT, 1001, 80);
	const struct row *process;

	(void)state;
	moved(c.m, a_proc(7), good, 100, 10);
	moved(c.m, a_proc(7), bad, 5000, 500);
	moved(c.m, a_proc(8), bad, 7000, 700);
	tick(c.m);
	process = process_row(c.m, 7);
	assert_int_equal(process->count.tx_total, 100);
	assert_int_equal(process->count.tx_rate, 100);
	assert_int_equal(process->count.open, 1);
	assert_int_equal(process->count.opened, 1);
	assert_null(process_row(c.m, 8));
	assert_null(port_row(c.m, 80, ROLE_CLIENT));
	assert_int_equal(port_row(c.m, 443, ROLE_CLIENT)->count.rx_total, 10);
	assert_null(conn_row(c.m, 2, 7));
	assert_int_equal(rows_changed(c.m).count, 1);
	assert_int_equal(model_totals(c.m)->count.tx_total, 100);
	assert_int_equal(model_totals(c.m)->count.tx_rate, 100);
	assert_int_equal(model_everything(c.m)->tx_total, 12100);
	assert_int_equal(model_everything(c.m)->tx_rate, 12100);
	assert_sums_hold(c.m);
	closed(c.m, a_proc(7), good);
	closed(c.m, a_proc(7), bad);
	tick(c.m);
	assert_int_equal(rows_changed(c.m).count, 1); /* its end is news, the other's is not */
	tick(c.m);
	assert_int_equal(other_row(c.m, TABLE_CONNECTIONS)->count.tx_total, 100);
	assert_int_equal(process_row(c.m, 7)->count.tx_total, 100);
	assert_int_equal(process_row(c.m, 7)->count.open, 0);
	assert_int_equal(model_totals(c.m)->count.tx_total, 100);
	assert_sums_hold(c.m);
	done(&c);
}

static void rates_come_and_go(void **state)
{
	struct case_model c = filtered("rx > 1K");
	struct flow f = tcp(1, ROLE_CLIENT, 1000, 443);

	(void)state;
	moved(c.m, a_proc(1), f, 7, 1000);
	tick(c.m);
	assert_int_equal(rows_of(c.m, TABLE_CONNECTIONS).count, 0);
	assert_int_equal(rows_of(c.m, TABLE_PROCESSES).count, 0);
	moved(c.m, a_proc(1), f, 7, 2000);
	tick(c.m);
	assert_int_equal(conn_row(c.m, 1, 1)->count.rx_total, 3000);
	assert_int_equal(process_row(c.m, 1)->count.rx_total, 3000);
	assert_int_equal(process_row(c.m, 1)->count.rx_rate, 2000);
	assert_int_equal(model_totals(c.m)->count.rx_rate, 2000);
	assert_sums_hold(c.m);
	tick(c.m); /* quiet: without any event */
	assert_int_equal(rows_of(c.m, TABLE_CONNECTIONS).count, 0);
	assert_int_equal(rows_of(c.m, TABLE_PORTS).count, 0);
	assert_int_equal(model_totals(c.m)->count.rx_total, 0);
	assert_sums_hold(c.m);
	done(&c);
}

static void ages_come_without_events(void **state)
{
	struct case_model c = filtered("age > 5s");

	(void)state;
	assert_true(filter_ages(c.f));
	moved(c.m, a_proc(1), tcp(1, ROLE_CLIENT, 1000, 443), 7, 1000);
	ticked(c.m, 4 * SECOND, SECOND);
	assert_int_equal(rows_of(c.m, TABLE_CONNECTIONS).count, 0);
	ticked(c.m, 6 * SECOND, SECOND);
	assert_int_equal(conn_row(c.m, 1, 1)->count.rx_total, 1000);
	assert_int_equal(process_row(c.m, 1)->count.rx_total, 1000);
	assert_sums_hold(c.m);
	done(&c);
}

static void names_come_later(void **state)
{
	struct case_model c = filtered("proc new or user bob");
	struct event ev = {.kind = EVENT_USER};
	struct proc p = a_proc(3), q = a_proc(4);

	(void)state;
	moved(c.m, p, tcp(1, ROLE_CLIENT, 1000, 443), 1, 2);
	moved(c.m, q, tcp(2, ROLE_CLIENT, 1000, 443), 3, 4);
	tick(c.m);
	tick(c.m);
	assert_int_equal(rows_of(c.m, TABLE_PROCESSES).count, 0);
	strcpy(p.name, "new");
	identified(c.m, p);
	assert_string_equal(conn_row(c.m, 1, 3)->proc.name, "new");
	assert_int_equal(process_row(c.m, 3)->count.tx_total, 1);
	ev.user.uid = q.uid;
	strcpy(ev.user.name, "bob");
	model_apply(c.m, &ev);
	tick(c.m);
	assert_int_equal(process_row(c.m, 4)->count.rx_total, 4);
	strcpy(p.name, "newer"); /* by exec, told by a record of the socket */
	seen(c.m, p, tcp(1, ROLE_CLIENT, 1000, 443));
	assert_null(conn_row(c.m, 1, 3));
	assert_sums_hold(c.m);
	done(&c);
}

/* However many control groups there have been, those of sockets keep their names. */
static void control_groups_come_and_go(void **state)
{
	enum { GROUPS = 40000 };
	struct case_model c = filtered("unit ssh or unit last");
	struct flow f = tcp(1, ROLE_SERVER, 22, 1000), g = tcp(2, ROLE_SERVER, 23, 1000);
	struct event ev = {.kind = EVENT_CGROUP};

	(void)state;
	f.cgroup_id = 7;
	g.cgroup_id = 100 + GROUPS;
	moved(c.m, a_proc(3), f, 1, 2);
	moved(c.m, a_proc(4), g, 3, 4);
	tick(c.m);
	assert_int_equal(rows_of(c.m, TABLE_PROCESSES).count, 0);
	ev.cgroup.id = 7;
	ev.cgroup.path = "/system.slice/ssh.service";
	model_apply(c.m, &ev);
	for (uint64_t i = 1; i <= GROUPS; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/%llu.scope", (unsigned long long)i);
		ev.cgroup.id = 100 + i;
		ev.cgroup.path = i == GROUPS ? "/last.service" : path;
		model_apply(c.m, &ev);
	}
	tick(c.m);
	assert_int_equal(process_row(c.m, 3)->count.tx_total, 1);
	assert_int_equal(process_row(c.m, 4)->count.tx_total, 3);
	assert_string_equal(model_cgroup(c.m, 7), "/system.slice/ssh.service");
	assert_string_equal(model_cgroup(c.m, 100 + GROUPS), "/last.service");
	assert_null(model_cgroup(c.m, 101));
	assert_sums_hold(c.m);
	done(&c);
}

static void a_new_connection_shows_at_once(void **state)
{
	struct case_model c = filtered("role server");

	(void)state;
	seen(c.m, a_proc(3), tcp(1, ROLE_SERVER, 80, 5));
	seen(c.m, a_proc(3), tcp(2, ROLE_CLIENT, 80, 5));
	assert_int_equal(rows_of(c.m, TABLE_CONNECTIONS).count, 1);
	assert_int_equal(process_row(c.m, 3)->count.open, 1);
	seen(c.m, a_proc(3), tcp(2, ROLE_SERVER, 80, 5));
	assert_int_equal(rows_of(c.m, TABLE_CONNECTIONS).count, 2);
	assert_sums_hold(c.m);
	done(&c);
}

static void ports_name_who_matches(void **state)
{
	struct case_model c = filtered("pid 2 or 9");
	const struct row *port;
	uint32_t pid;

	(void)state;
	for (pid = 1; pid <= 9; pid++)
		moved(c.m, a_proc(pid), tcp(pid, ROLE_SERVER, 80, 5), 1, 1);
	port = port_row(c.m, 80, ROLE_SERVER);
	assert_int_equal(port->user_count, 2);
	assert_int_equal(port->users[0].pid, 2);
	assert_int_equal(port->users[1].pid, 9);
	model_set_filter(c.m, NULL);
	assert_int_equal(port_row(c.m, 80, ROLE_SERVER)->user_count, 9);
	assert_int_equal(port_row(c.m, 80, ROLE_SERVER)->users[0].pid, 1);
	done(&c);
}

/* Of what ended before, nothing is known; all that is left is summed, and nothing is forgotten. */
static void a_filter_that_comes_later(void **state)
{
	struct model *m = model_new(NULL);
	struct filter *f = a_filter("port 443"), *g = a_filter("port 80");

	(void)state;
	moved(m, a_proc(1), tcp(1, ROLE_CLIENT, 1000, 443), 100, 0);
	moved(m, a_proc(1), tcp(2, ROLE_CLIENT, 1001, 443), 1000, 0);
	moved(m, a_proc(1), tcp(3, ROLE_CLIENT, 1002, 80), 10000, 0);
	closed(m, a_proc(1), tcp(1, ROLE_CLIENT, 1000, 443));
	tick(m);
	tick(m);
	assert_int_equal(model_totals(m)->count.tx_total, 11100);
	model_set_filter(m, f);
	assert_int_equal(process_row(m, 1)->count.tx_total, 1000);
	assert_int_equal(model_totals(m)->count.tx_total, 1000);
	assert_int_equal(model_everything(m)->tx_total, 11100);
	assert_null(other_row(m, TABLE_CONNECTIONS));
	assert_sums_hold(m);
	model_set_filter(m, g);
	assert_int_equal(process_row(m, 1)->count.tx_total, 10000);
	assert_sums_hold(m);
	moved(m, a_proc(1), tcp(2, ROLE_CLIENT, 1001, 443), 1, 0);
	model_set_filter(m, NULL);
	assert_int_equal(process_row(m, 1)->count.tx_total, 11101);
	assert_int_equal(model_totals(m)->count.tx_total, 11101);
	assert_int_equal(other_row(m, TABLE_CONNECTIONS)->count.tx_total, 100);
	assert_sums_hold(m);
	filter_free(f);
	filter_free(g);
	model_free(m);
}

/* ---- long random streams, the same at every run ---- */

static uint64_t seed;

static uint32_t next(uint32_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33) % below;
}

struct socket {
	struct flow flow;
	uint32_t pid, second;
	bool known;
};

struct world {
	struct socket sockets[SOCKETS];
	uint64_t cookies;
	struct model *plain, *filtered;
	/* What `lport 1003 and not pid 5` chooses: it holds for a connection for all its life. */
	uint64_t tx, rx, process_tx[PIDS + 1];
};

static const char chosen_text[] = "lport 1003 and not pid 5";

static void both(struct world *w, enum event_kind kind, struct proc p, const struct flow *f,
		 uint64_t tx, uint64_t rx)
{
	struct event ev = an_event(kind, w->cookies * 1000, p, *f);

	if (kind == EVENT_FAIL)
		ev.fail.error = 111;
	if (kind == EVENT_XFER) {
		ev.xfer.tx_bytes = tx;
		ev.xfer.rx_bytes = rx;
	}
	model_apply(w->plain, &ev);
	model_apply(w->filtered, &ev);
}

static void open_socket(struct world *w, struct socket *s)
{
	enum role role = (enum role)next(ROLE_COUNT);
	uint16_t local = (uint16_t)(1000 + next(SERVICES)),
		 peer = (uint16_t)(1000 + next(SERVICES));

	memset(s, 0, sizeof(*s));
	s->flow = next(3) ? tcp(++w->cookies, role, local, peer)
			  : udp(++w->cookies, role, local, peer);
	s->pid = 1 + next(PIDS);
	s->second = 1 + next(PIDS);
	s->known = true;
	both(w, EVENT_SEEN,
	     role == ROLE_SERVER && !next(4) ? no_proc(UNATTRIBUTED_NOT_ACCEPTED) : a_proc(s->pid),
	     &s->flow, 0, 0);
}

static void move_bytes(struct world *w, struct socket *s)
{
	uint64_t tx = next(1000), rx = next(4) ? next(100) : next(4000);
	struct flow f = s->flow;
	uint32_t pid = s->pid;

	if (!next(4)) {
		pid = s->second;
		f.shared = pid != s->pid;
	}
	if (f.transport == TRANSPORT_UDP && !next(2)) {
		f.per_peer = f.shared = true;
		f.peer = v4(10, 0, 1, (uint8_t)next(5), f.peer.port);
	}
	both(w, EVENT_XFER, a_proc(pid), &f, tx, rx);
	if (f.local.port != 1003 || pid == 5)
		return;
	w->tx += tx;
	w->rx += rx;
	w->process_tx[pid] += tx;
}

static void step(struct world *w)
{
	struct socket *s = &w->sockets[next(SOCKETS)];
	struct proc p = a_proc(1 + next(PIDS));

	if (!s->known) {
		open_socket(w, s);
		return;
	}
	switch (next(14)) {
	case 0:
	case 1:
		both(w, EVENT_CLOSE, a_proc(s->pid), &s->flow, 0, 0);
		s->known = false;
		break;
	case 2:
		if (s->flow.role == ROLE_UNKNOWN && s->flow.transport == TRANSPORT_TCP)
			s->flow.role = ROLE_CLIENT;
		if (s->flow.role == ROLE_CLIENT)
			s->flow.state = next(2) ? STATE_CLOSE_WAIT : STATE_ESTABLISHED;
		both(w, EVENT_SEEN, a_proc(s->pid), &s->flow, 0, 0);
		break;
	case 3:
		both(w, EVENT_FAIL, a_proc(s->pid), &s->flow, 0, 0);
		break;
	case 4:
		snprintf(p.name, sizeof(p.name), "name%u", next(3));
		both(w, EVENT_IDENT, p, &s->flow, 0, 0);
		break;
	default:
		move_bytes(w, s);
	}
}

static void both_tick(struct world *w, int i)
{
	ticked(w->plain, (uint64_t)i * SECOND, SECOND);
	ticked(w->filtered, (uint64_t)i * SECOND, SECOND);
}

/* Every row of connections without a filter is one with it exactly if it matches. */
static void assert_rows_are_those_that_match(const struct world *w, const struct filter *f)
{
	struct rows all = rows_of(w->plain, TABLE_CONNECTIONS);
	struct rows some = rows_of(w->filtered, TABLE_CONNECTIONS);
	size_t n = 0;

	for (size_t i = 0; i < all.count; i++) {
		const struct row *row = all.row[i];

		if (row->is_other || !filter_match(f, row, w->plain))
			continue;
		assert_true(n < some.count);
		assert_memory_equal(row, some.row[n++], sizeof(*row));
	}
	assert_true(n == some.count || (n + 1 == some.count && some.row[n]->is_other));
}

static void assert_users_are_those_that_match(const struct model *m)
{
	struct rows ports = rows_of(m, TABLE_PORTS), conns = rows_of(m, TABLE_CONNECTIONS);

	for (size_t i = 0; i < ports.count; i++) {
		const struct row *port = ports.row[i];
		bool uses[PIDS + 1] = {false};
		uint32_t users = 0;

		for (size_t c = 0; c < conns.count && !port->is_other; c++) {
			const struct row *conn = conns.row[c];
			uint8_t role = conn->flow.role;

			role = role == ROLE_LISTENER ? (uint8_t)ROLE_SERVER : role;
			if (conn->is_other || conn->transport != port->transport ||
			    role != port->role || model_service_port(&conn->flow) != port->port)
				continue;
			users += !uses[conn->proc.pid];
			uses[conn->proc.pid] = true;
		}
		if (users)
			assert_int_equal(port->user_count, users);
		for (uint32_t k = 0; k < users && k < ROW_USERS; k++) {
			assert_true(uses[port->users[k].pid]);
			uses[port->users[k].pid] = false;
		}
	}
}

static struct world *new_world(const struct model_limits *limits, uint64_t from)
{
	struct world *w = calloc(1, sizeof(*w));

	seed = from;
	w->plain = model_new(limits);
	w->filtered = model_new(limits);
	return w;
}

static void free_world(struct world *w)
{
	model_free(w->plain);
	model_free(w->filtered);
	free(w);
}

static void what_is_chosen_is_exact(void **state)
{
	static const struct model_limits limits[] = {
		{.rows[TABLE_CONNECTIONS] = 0},
		{.rows[TABLE_CONNECTIONS] = 64, .rows[TABLE_PROCESSES] = 8, .rows[TABLE_PORTS] = 4},
		{.rows[TABLE_CONNECTIONS] = 1, .rows[TABLE_PROCESSES] = 1, .rows[TABLE_PORTS] = 1},
	};

	(void)state;
	for (size_t l = 0; l < sizeof(limits) / sizeof(limits[0]); l++) {
		struct world *w = new_world(&limits[l], 5 + l);
		struct filter *f = a_filter(chosen_text);

		model_set_filter(w->filtered, f);
		for (int i = 1; i <= STREAM; i++) {
			step(w);
			if (i % PER_TICK)
				continue;
			both_tick(w, i);
			assert_sums_hold(w->filtered);
			assert_rows_are_those_that_match(w, f);
			assert_int_equal(model_totals(w->filtered)->count.tx_total, w->tx);
			assert_int_equal(model_totals(w->filtered)->count.rx_total, w->rx);
			assert_memory_equal(model_everything(w->filtered),
					    model_everything(w->plain), sizeof(struct counters));
		}
		for (uint32_t pid = 1; !limits[l].rows[TABLE_CONNECTIONS] && pid <= PIDS; pid++) {
			const struct row *row = process_row(w->filtered, pid);

			assert_int_equal(row ? row->count.tx_total : 0, w->process_tx[pid]);
		}
		if (!limits[l].rows[TABLE_PORTS])
			assert_users_are_those_that_match(w->filtered);
		assert_true(w->tx > 1000000);
		free_world(w);
		filter_free(f);
	}
}

static const char *const texts[] = {
	"rx > 1K",
	"state established",
	"role client or failed",
	"proc name1",
	"pid < 7",
	"age > 90s",
	"udp",
	"not host 10.0.1.2",
	"total > 1M",
	"",
	"state closed",
	"lport 1001-1003 and rx < 100 or service 1002 and not proc name2",
};

enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };

/* Whatever is asked for, and whenever that changes. */
static void filters_may_change_at_any_time(void **state)
{
	static const struct model_limits limits[] = {
		{.rows[TABLE_CONNECTIONS] = 0},
		{.rows[TABLE_CONNECTIONS] = 64, .rows[TABLE_PROCESSES] = 8, .rows[TABLE_PORTS] = 4},
	};

	(void)state;
	for (size_t l = 0; l < 2; l++) {
		struct world *w = new_world(&limits[l], 77 + l);
		struct filter *filters[TEXTS + 1] = {NULL}, *f = NULL;

		for (int t = 0; t < TEXTS; t++)
			filters[t] = a_filter(texts[t]);
		for (int i = 1; i <= STREAM; i++) {
			step(w);
			if (!next(400)) {
				f = filters[next(TEXTS + 1)];
				model_set_filter(w->filtered, f);
				assert_sums_hold(w->filtered);
				if (f)
					assert_rows_are_those_that_match(w, f);
			}
			if (i % PER_TICK)
				continue;
			both_tick(w, i);
			assert_sums_hold(w->filtered);
			if (!limits[l].rows[TABLE_PORTS]) /* an evicted port forgets who uses it */
				assert_users_are_those_that_match(w->filtered);
			if (f)
				assert_rows_are_those_that_match(w, f);
			assert_memory_equal(model_everything(w->filtered),
					    model_everything(w->plain), sizeof(struct counters));
		}
		model_set_filter(w->filtered, NULL); /* and nothing has been lost by it */
		for (int kind = 0; kind < TABLE_COUNT; kind++) {
			struct rows a = rows_of(w->plain, (enum table_kind)kind);
			struct rows b = rows_of(w->filtered, (enum table_kind)kind);

			assert_int_equal(a.count, b.count);
			for (size_t i = 0; i < a.count; i++) {
				struct row x = *a.row[i], y = *b.row[i];

				x.users = y.users = NULL;
				assert_memory_equal(&x, &y, sizeof(x));
			}
		}
		for (int t = 0; t < TEXTS; t++)
			filter_free(filters[t]);
		free_world(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_sums_over_what_matches),
		cmocka_unit_test(rates_come_and_go),
		cmocka_unit_test(ages_come_without_events),
		cmocka_unit_test(names_come_later),
		cmocka_unit_test(control_groups_come_and_go),
		cmocka_unit_test(a_new_connection_shows_at_once),
		cmocka_unit_test(ports_name_who_matches),
		cmocka_unit_test(a_filter_that_comes_later),
		cmocka_unit_test(what_is_chosen_is_exact),
		cmocka_unit_test(filters_may_change_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
