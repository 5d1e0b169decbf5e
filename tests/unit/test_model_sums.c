/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What must hold whatever comes: long random streams of events, the same at every run. */
#include "model_events.h"

enum { SOCKETS = 300, PIDS = 40, SERVICES = 12, STREAM = 200000, PER_TICK = 500 };

struct random {
	uint64_t state;
};

static uint32_t next(struct random *r, uint32_t below)
{
	r->state = r->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(r->state >> 33) % below;
}

struct socket { /* what the generator knows of a socket that is open */
	struct flow flow;
	uint32_t pid, second;
	bool known, unaccepted;
	uint64_t tx, rx;
};

struct world {
	struct random random;
	struct socket sockets[SOCKETS];
	uint64_t next_cookie, time_ns;
	uint64_t process_tx[PIDS + 1];              /* of those that have a pid */
	uint64_t port_rx[ROLE_COUNT][SERVICES + 1]; /* of sockets that are gone; by service */
};

static uint16_t service(uint32_t i)
{
	return (uint16_t)(1000 + i);
}

static void open_socket(struct world *w, struct socket *s)
{
	static const enum role roles[] = {ROLE_UNKNOWN, ROLE_CLIENT, ROLE_SERVER, ROLE_LISTENER};
	enum role role = roles[next(&w->random, 4)];
	uint16_t local = service(next(&w->random, SERVICES)),
		 peer = service(next(&w->random, SERVICES));

	memset(s, 0, sizeof(*s));
	s->flow = next(&w->random, 3) ? tcp(++w->next_cookie, role, local, peer)
				      : udp(++w->next_cookie, role, local, peer);
	s->flow.netns = next(&w->random, 4);
	s->flow.cgroup_id = next(&w->random, 6);
	s->flow.peer.ip[15] = (uint8_t)next(&w->random, 20);
	if (role == ROLE_LISTENER && next(&w->random, 2))
		memset(s->flow.local.ip + 12, 0, 4);
	s->pid = 1 + next(&w->random, PIDS);
	s->second = 1 + next(&w->random, PIDS);
	s->unaccepted = role == ROLE_SERVER && !next(&w->random, 4);
	s->known = true;
}

static uint32_t service_index(const struct flow *f)
{
	uint16_t port = model_service_port(f);

	return port ? port - 1000U : SERVICES;
}

static uint8_t side(const struct flow *f)
{
	return f->role == ROLE_LISTENER ? ROLE_SERVER : f->role;
}

static void move_bytes(struct world *w, struct socket *s, struct model *m)
{
	uint64_t tx = next(&w->random, 1000), rx = next(&w->random, 1000);
	struct flow f = s->flow;
	uint32_t pid = s->pid;

	if (!next(&w->random, 4)) {
		pid = s->second;
		f.shared = pid != s->pid;
	}
	if (s->flow.transport == TRANSPORT_UDP && !next(&w->random, 2)) {
		f.per_peer = f.shared = true;
		f.peer = v4(10, 0, 1, (uint8_t)next(&w->random, 5), f.peer.port);
	}
	moved(m, a_proc(pid), f, tx, rx);
	w->process_tx[pid] += tx;
	s->rx += rx;
}

static void step(struct world *w, struct model *m)
{
	struct socket *s = &w->sockets[next(&w->random, SOCKETS)];
	struct proc p;

	if (!s->known) {
		open_socket(w, s);
		seen(m, s->unaccepted ? no_proc(UNATTRIBUTED_NOT_ACCEPTED) : a_proc(s->pid),
		     s->flow);
		return;
	}
	switch (next(&w->random, 12)) {
	case 0:
		closed(m, a_proc(s->pid), s->flow);
		w->port_rx[side(&s->flow)][service_index(&s->flow)] += s->rx;
		s->known = false;
		break;
	case 1:
		/* Of UDP each peer has a role of its own. */
		if (s->flow.role == ROLE_UNKNOWN && s->flow.transport == TRANSPORT_TCP)
			s->flow.role = ROLE_CLIENT;
		seen(m, a_proc(s->pid), s->flow);
		break;
	case 2:
		failed(m, a_proc(s->pid), s->flow, 111);
		break;
	case 3:
		p = a_proc(1 + next(&w->random, PIDS));
		p.uid = next(&w->random, 9);
		identified(m, p);
		break;
	default:
		move_bytes(w, s, m);
	}
}

/* Run the stream, with what is asked of the model checked at every tick. */
static void run(struct world *w, struct model *m, uint64_t seed, const struct model_limits *limits)
{
	int i;

	memset(w, 0, sizeof(*w));
	w->random.state = seed;
	for (i = 1; i <= STREAM; i++) {
		step(w, m);
		if (i % PER_TICK)
			continue;
		ticked(m, (uint64_t)i * SECOND, SECOND);
		assert_sums_hold(m);
		if (!limits)
			continue;
		for (int t = 0; t < TABLE_COUNT; t++)
			assert_true(!limits->rows[t] ||
				    model_rows(m, (enum table_kind)t) <= limits->rows[t] + 1);
	}
}

static void sums_hold_in_small_tables(void **state)
{
	static const struct model_limits limits[] = {
		{{16, 16, 8, 4, 3, 2, 2, 64, 3}},
		{{1, 1, 1, 1, 1, 1, 1, 64, 1}},
		{{16, 16, 4, 5, 6, 2, 1, 1, 2}},
		{{8, 4, 2, 300, 20, 20, 20, 1000, 0}},
	};
	struct world *w = malloc(sizeof(*w));
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct model *m = model_new(&limits[i]);

		model_keep_ended(m, i % 2 ? 300 * SECOND : 0);
		run(w, m, 7 + i, &limits[i]);
		assert_true(model_totals(m)->count.tx_total > 1000000);
		model_free(m);
	}
	free(w);
}

/* With room for all, nothing may be in the wrong row either. */
static void processes_and_ports_are_exact(void **state)
{
	struct world *w = malloc(sizeof(*w));
	struct model *m = model_new(NULL);
	uint32_t i, role;

	(void)state;
	run(w, m, 3, NULL);
	for (i = 1; i <= PIDS; i++)
		assert_int_equal(process_row(m, i)->count.tx_total, w->process_tx[i]);
	for (i = 0; i < SOCKETS; i++) {
		struct socket *s = &w->sockets[i];

		if (s->known)
			w->port_rx[side(&s->flow)][service_index(&s->flow)] += s->rx;
	}
	for (role = 0; role < ROLE_COUNT; role++) {
		for (i = 0; i <= SERVICES; i++) {
			uint16_t port = i < SERVICES ? service(i) : 0;
			struct rows rows = rows_of(m, TABLE_PORTS);
			uint64_t sum = 0;

			for (size_t k = 0; k < rows.count; k++) {
				if (rows.row[k]->port == port && rows.row[k]->role == role)
					sum += rows.row[k]->count.rx_total;
			}
			assert_int_equal(sum, w->port_rx[role][i]);
		}
	}
	assert_int_equal(model_totals(m)->evicted[TABLE_CONNECTIONS], 0);
	model_free(m);
	free(w);
}

static void same_events_give_same_tables(void **state)
{
	const struct model_limits limits = {.rows[TABLE_CONNECTIONS] = 64,
					    .rows[TABLE_PROCESSES] = 16,
					    .rows[TABLE_PORTS] = 16};
	struct world *w = malloc(sizeof(*w));
	struct model *a = model_new(&limits), *b = model_new(&limits);
	int kind;

	(void)state;
	run(w, a, 11, &limits);
	run(w, b, 11, &limits);
	for (kind = 0; kind < TABLE_COUNT; kind++) {
		struct rows x = rows_of(a, (enum table_kind)kind),
			    y = rows_of(b, (enum table_kind)kind);

		assert_int_equal(x.count, y.count);
		for (size_t i = 0; i < x.count; i++) {
			struct row r = *x.row[i], s = *y.row[i];
			uint32_t users = r.user_count < ROW_USERS ? r.user_count : ROW_USERS;

			if (users)
				assert_memory_equal(r.users, s.users, users * sizeof(*r.users));
			r.users = s.users = NULL;
			assert_memory_equal(&r, &s, sizeof(r));
		}
	}
	assert_memory_equal(model_totals(a), model_totals(b), sizeof(struct model_totals));
	model_free(a);
	model_free(b);
	free(w);
}

/* Every user that a port counts is one that a row of connections tells of, and the other way. */
static void users_of_ports_are_exact(void **state)
{
	const struct model_limits limits = {.rows[TABLE_CONNECTIONS] = 128,
					    .rows[TABLE_PROCESSES] = 64,
					    .rows[TABLE_PORTS] = 64};
	struct world *w = malloc(sizeof(*w));
	struct model *m = model_new(&limits);
	struct rows ports, conns;

	(void)state;
	run(w, m, 5, &limits);
	ports = rows_of(m, TABLE_PORTS);
	conns = rows_of(m, TABLE_CONNECTIONS);
	for (size_t p = 0; p < ports.count; p++) {
		const struct row *port = ports.row[p];
		bool uses[PIDS + 1] = {false};
		uint32_t users = 0;

		for (size_t c = 0; c < conns.count; c++) {
			const struct row *conn = conns.row[c];

			if (conn->is_other || model_service_port(&conn->flow) != port->port ||
			    side(&conn->flow) != port->role || conn->transport != port->transport)
				continue;
			users += !uses[conn->proc.pid];
			uses[conn->proc.pid] = true;
		}
		if (port->is_other)
			continue;
		assert_int_equal(port->user_count, users ? users : 1);
		for (uint32_t i = 0; users && i < users && i < ROW_USERS; i++) {
			assert_true(uses[port->users[i].pid]);
			uses[port->users[i].pid] = false; /* named once */
		}
	}
	model_free(m);
	free(w);
}

static void million_connections_lose_no_byte(void **state)
{
	const struct model_limits limits = {.rows[TABLE_CONNECTIONS] = 65536};
	struct model *m = model_new(&limits);
	uint64_t i, tx = 0;

	(void)state;
	for (i = 1; i <= 1000000; i++) {
		struct flow f = tcp(i, ROLE_SERVER, 80, (uint16_t)i);
		struct proc p = a_proc(1);

		p.pid = 1 + (uint32_t)(i % 30000);
		seen(m, p, f);
		moved(m, p, f, i, 1);
		tx += i;
		if (i % 3 == 0)
			closed(m, p, f);
		if (i % 50000 == 0)
			ticked(m, i, SECOND);
	}
	assert_sums_hold(m);
	assert_int_equal(model_totals(m)->count.tx_total, tx);
	assert_int_equal(model_totals(m)->count.rx_total, 1000000);
	assert_int_equal(model_totals(m)->count.opened, 1000000);
	assert_int_equal(model_rows(m, TABLE_CONNECTIONS), 65537);
	assert_true(model_totals(m)->evicted[TABLE_CONNECTIONS] > 500000);
	assert_int_equal(sum_of(m, TABLE_CONNECTIONS).tx_total, tx);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_hold_in_small_tables),
		cmocka_unit_test(processes_and_ports_are_exact),
		cmocka_unit_test(same_events_give_same_tables),
		cmocka_unit_test(users_of_ports_are_exact),
		cmocka_unit_test(million_connections_lose_no_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
