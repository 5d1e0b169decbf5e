/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tables of listeners, peers, users, control groups, network namespaces and failures: which
 * connection is in which row, and what is left when one goes into a row. */
#include "model_events.h"

#include "model/filter.h"

#include <errno.h>

static const struct row *find(const struct model *m, enum table_kind table,
			      bool is(const struct row *row, const void *arg), const void *arg)
{
	struct rows rows = rows_of(m, table);
	const struct row *found = NULL;

	for (size_t i = 0; i < rows.count; i++) {
		if (rows.row[i]->is_other || !is(rows.row[i], arg))
			continue;
		assert_null(found);
		found = rows.row[i];
	}
	return found;
}

static bool is_rest(const struct row *row, const void *arg)
{
	(void)arg;
	return row->is_rest;
}

static bool listens_at(const struct row *row, const void *addr)
{
	return !row->is_rest && !addr_cmp(&row->flow.local, addr);
}

static const struct row *listener(const struct model *m, struct addr a)
{
	return find(m, TABLE_LISTENERS, listens_at, &a);
}

static bool has_peer(const struct row *row, const void *addr)
{
	const struct addr *a = addr;

	return !row->is_rest && !memcmp(row->flow.peer.ip, a->ip, sizeof(a->ip));
}

static bool has_uid(const struct row *row, const void *uid)
{
	return !row->is_rest && row->proc.uid == *(const uint32_t *)uid;
}

static bool has_cgroup(const struct row *row, const void *id)
{
	return row->flow.cgroup_id == *(const uint64_t *)id;
}

static bool has_error(const struct row *row, const void *error)
{
	return row->error == *(const int *)error;
}

static int setup(void **state)
{
	*state = model_new(NULL);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	assert_sums_hold(*state);
	model_free(*state);
	return 0;
}

static struct flow at(struct flow f, struct addr local)
{
	f.local = local;
	return f;
}

/* The one of the very address first, then the one of all addresses of IPv4, then of all. */
static void connections_are_with_their_listener(void **state)
{
	struct model *m = *state;
	struct addr one = v4(10, 0, 0, 1, 80), two = v4(10, 0, 0, 2, 80), any = v4(0, 0, 0, 0, 80);
	struct addr all = {.port = 443};

	seen(m, a_proc(1), at(tcp(1, ROLE_LISTENER, 80, 0), any));
	seen(m, a_proc(2), at(tcp(2, ROLE_LISTENER, 80, 0), one));
	seen(m, a_proc(3), at(tcp(3, ROLE_LISTENER, 443, 0), all));
	moved(m, a_proc(2), at(tcp(11, ROLE_SERVER, 80, 1), one), 10, 1);
	moved(m, a_proc(1), at(tcp(12, ROLE_SERVER, 80, 2), two), 200, 2);
	moved(m, a_proc(3), at(tcp(13, ROLE_SERVER, 443, 3), v4(10, 0, 0, 1, 443)), 3000, 3);
	moved(m, a_proc(4), tcp(14, ROLE_CLIENT, 5000, 80), 40000, 4);
	assert_int_equal(listener(m, one)->count.tx_total, 10);
	assert_int_equal(listener(m, any)->count.tx_total, 200);
	assert_int_equal(listener(m, any)->count.open, 1);
	assert_int_equal(listener(m, any)->count.listening, 1);
	assert_int_equal(listener(m, all)->count.tx_total, 3000);
	assert_int_equal(find(m, TABLE_LISTENERS, is_rest, NULL)->count.tx_total, 40000);
	assert_int_equal(model_rows(m, TABLE_LISTENERS), 4);
	/* What was accepted outlives its listener, and stays where it is. */
	closed(m, a_proc(1), at(tcp(1, ROLE_LISTENER, 80, 0), any));
	tick(m);
	tick(m);
	moved(m, a_proc(1), at(tcp(12, ROLE_SERVER, 80, 2), two), 1, 0);
	assert_int_equal(listener(m, any)->count.tx_total, 201);
	assert_int_equal(listener(m, any)->count.listening, 0);
}

static void a_listener_found_late_gets_what_it_accepts(void **state)
{
	struct model *m = *state;
	struct addr own = v4(10, 0, 0, 1, 80), any = v4(0, 0, 0, 0, 80);

	moved(m, a_proc(1), tcp(11, ROLE_SERVER, 80, 1), 10, 1);
	assert_int_equal(listener(m, own)->count.tx_total, 10);
	seen(m, a_proc(1), at(tcp(1, ROLE_LISTENER, 80, 0), any));
	moved(m, a_proc(1), tcp(11, ROLE_SERVER, 80, 1), 10, 1);
	assert_null(listener(m, own));
	assert_int_equal(listener(m, any)->count.tx_total, 20);
}

static void the_same_address_elsewhere_is_another_listener(void **state)
{
	struct model *m = *state;
	struct flow f = tcp(1, ROLE_LISTENER, 80, 0), g = tcp(2, ROLE_SERVER, 80, 1);

	f.netns = 1;
	g.netns = 2;
	seen(m, a_proc(1), f);
	moved(m, a_proc(2), g, 5, 5);
	assert_int_equal(model_rows(m, TABLE_LISTENERS), 2);
	g.netns = 1;
	seen(m, a_proc(2), g);
	assert_int_equal(model_rows(m, TABLE_LISTENERS), 1);
}

static void peers_are_hosts_whatever_the_port(void **state)
{
	struct model *m = *state;
	struct addr peer = v4(10, 0, 0, 2, 0);
	const struct row *row;

	moved(m, a_proc(1), tcp(1, ROLE_CLIENT, 1000, 80), 10, 0);
	moved(m, a_proc(2), tcp(2, ROLE_CLIENT, 1001, 443), 20, 0);
	moved(m, a_proc(2), tcp(3, ROLE_SERVER, 22, 40000), 30, 0);
	seen(m, a_proc(3), tcp(4, ROLE_LISTENER, 22, 0));
	row = find(m, TABLE_PEERS, has_peer, &peer);
	assert_int_equal(row->count.tx_total, 60);
	assert_int_equal(row->count.open, 3);
	assert_int_equal(row->user_count, 2);
	assert_int_equal(find(m, TABLE_PEERS, is_rest, NULL)->count.listening, 1);
}

/* Who a process is may be learnt late, and change: its bytes go with it. */
static void users_are_those_of_their_processes(void **state)
{
	struct model *m = *state;
	struct proc p = a_proc(3);
	uint32_t first = p.uid, second = 77;

	moved(m, p, tcp(1, ROLE_CLIENT, 1000, 80), 10, 0);
	moved(m, no_proc(UNATTRIBUTED_EXITED), tcp(2, ROLE_CLIENT, 1001, 80), 500, 0);
	assert_int_equal(find(m, TABLE_USERS, has_uid, &first)->count.tx_total, 10);
	assert_int_equal(find(m, TABLE_USERS, is_rest, NULL)->count.tx_total, 500);
	p.uid = second;
	identified(m, p);
	assert_null(find(m, TABLE_USERS, has_uid, &first));
	assert_int_equal(find(m, TABLE_USERS, has_uid, &second)->count.tx_total, 10);
	assert_int_equal(find(m, TABLE_USERS, has_uid, &second)->user_count, 1);
}

static void control_groups_are_those_of_sockets(void **state)
{
	struct model *m = *state;
	struct flow f = tcp(1, ROLE_CLIENT, 1000, 80);
	uint64_t id = 9;

	moved(m, a_proc(1), f, 10, 0);
	assert_true(find(m, TABLE_CGROUPS, is_rest, NULL)->count.tx_total == 10);
	f.cgroup_id = id; /* known with a later record */
	moved(m, a_proc(1), f, 10, 0);
	assert_null(find(m, TABLE_CGROUPS, is_rest, NULL));
	assert_int_equal(find(m, TABLE_CGROUPS, has_cgroup, &id)->count.tx_total, 20);
}

/* Each time from a new process and a new port: one row, as long as the reason is the same. */
static void failures_are_counted_by_who_where_and_why(void **state)
{
	struct model *m = *state;
	int refused = ECONNREFUSED, late = ETIMEDOUT;
	const struct row *row;

	for (uint32_t i = 1; i <= 20; i++) {
		struct proc p = a_proc(1000 + i);

		strcpy(p.name, "curl");
		p.uid = 5;
		failed(m, p, tcp(i, ROLE_CLIENT, (uint16_t)(2000 + i), 81), i % 4 ? refused : late);
	}
	row = find(m, TABLE_FAILURES, has_error, &refused);
	assert_int_equal(row->count.failed, 15);
	assert_int_equal(row->proc.pid, 1019);
	assert_int_equal(find(m, TABLE_FAILURES, has_error, &late)->count.failed, 5);
	assert_int_equal(model_rows(m, TABLE_FAILURES), 2);
	assert_int_equal(model_totals(m)->count.failed, 20);
}

static void failures_are_bounded(void **state)
{
	const struct model_limits limits = {.rows[TABLE_FAILURES] = 8};
	struct model *m = model_new(&limits);

	(void)state;
	for (uint32_t i = 1; i <= 100; i++)
		failed(m, a_proc(i), tcp(i, ROLE_CLIENT, 0, 81), ECONNREFUSED);
	assert_int_equal(model_rows(m, TABLE_FAILURES), 9);
	assert_int_equal(other_row(m, TABLE_FAILURES)->count.failed, 92);
	assert_int_equal(model_totals(m)->evicted[TABLE_FAILURES], 92);
	assert_sums_hold(m);
	model_free(m);
}

/* ---- into a row ---- */

static struct row copy_of_process(const struct model *m, uint32_t pid)
{
	return *process_row(m, pid);
}

static void a_row_holds_what_belongs_to_it(void **state)
{
	struct model *m = *state;
	struct row rows[2];
	struct addr peer = v4(10, 0, 0, 2, 0);

	moved(m, a_proc(1), tcp(1, ROLE_CLIENT, 1000, 80), 10, 0);
	moved(m, a_proc(1), tcp(2, ROLE_CLIENT, 1001, 443), 200, 0);
	moved(m, a_proc(2), tcp(3, ROLE_CLIENT, 1002, 80), 3000, 0);
	failed(m, a_proc(2), tcp(4, ROLE_CLIENT, 0, 81), ECONNREFUSED);
	rows[0] = copy_of_process(m, 1);
	assert_int_equal(model_choose(m, NULL, rows, 1), 0);
	assert_int_equal(model_rows(m, TABLE_CONNECTIONS), 2);
	assert_int_equal(model_rows(m, TABLE_PROCESSES), 1);
	assert_int_equal(model_rows(m, TABLE_PORTS), 2);
	assert_int_equal(model_rows(m, TABLE_FAILURES), 0);
	assert_int_equal(model_totals(m)->count.tx_total, 210);
	assert_int_equal(model_everything(m)->tx_total, 3210);
	assert_int_equal(find(m, TABLE_PEERS, has_peer, &peer)->count.tx_total, 210);
	rows[1] = *port_row(m, 443, ROLE_CLIENT);
	assert_int_equal(model_choose(m, NULL, rows, 2), 0);
	assert_int_equal(model_totals(m)->count.tx_total, 200);
	moved(m, a_proc(1), tcp(5, ROLE_CLIENT, 1005, 443), 4, 0); /* what comes later, too */
	moved(m, a_proc(1), tcp(6, ROLE_CLIENT, 1006, 80), 4, 0);
	assert_int_equal(model_totals(m)->count.tx_total, 204);
	assert_sums_hold(m);
	assert_int_equal(model_choose(m, NULL, NULL, 0), 0);
	assert_int_equal(model_totals(m)->count.tx_total, 3218);
	assert_int_equal(model_rows(m, TABLE_FAILURES), 1);
}

/* The pid is the same, the process is not. */
static void a_row_holds_no_namesake(void **state)
{
	struct model *m = *state;
	struct proc reused = a_proc(1);
	struct row row;

	moved(m, a_proc(1), tcp(1, ROLE_CLIENT, 1000, 80), 10, 0);
	row = copy_of_process(m, 1);
	assert_int_equal(model_choose(m, NULL, &row, 1), 0);
	reused.start_ns += 5;
	moved(m, reused, tcp(2, ROLE_CLIENT, 1001, 80), 500, 0);
	assert_int_equal(model_totals(m)->count.tx_total, 10);
}

static void a_row_and_a_filter_are_both_asked(void **state)
{
	struct model *m = *state;
	struct filter_error e;
	struct filter *f = filter_new("port 443", NULL, &e);
	struct row row;

	moved(m, a_proc(1), tcp(1, ROLE_CLIENT, 1000, 80), 10, 0);
	moved(m, a_proc(1), tcp(2, ROLE_CLIENT, 1001, 443), 200, 0);
	moved(m, a_proc(2), tcp(3, ROLE_CLIENT, 1002, 443), 3000, 0);
	row = copy_of_process(m, 1);
	assert_int_equal(model_choose(m, f, &row, 1), 0);
	assert_int_equal(model_totals(m)->count.tx_total, 200);
	assert_sums_hold(m);
	assert_int_equal(model_choose(m, NULL, NULL, 0), 0);
	filter_free(f);
}

static void every_row_of_a_group_can_be_gone_into(void **state)
{
	struct model *m = *state;
	struct flow f = tcp(9, ROLE_SERVER, 22, 4000);

	moved(m, a_proc(1), tcp(1, ROLE_CLIENT, 1000, 80), 10, 0);
	seen(m, a_proc(2), tcp(2, ROLE_LISTENER, 22, 0));
	f.cgroup_id = f.netns = 3;
	moved(m, a_proc(2), f, 70, 7);
	moved(m, no_proc(UNATTRIBUTED_KERNEL), udp(3, ROLE_UNKNOWN, 5, 6), 900, 9);
	for (int kind = 0; kind < GROUP_KINDS; kind++) {
		struct rows rows = rows_of(m, (enum table_kind)kind);

		for (size_t i = 0; i < rows.count; i++) {
			struct row row = *rows.row[i];

			assert_int_equal(model_choose(m, NULL, &row, 1), 0);
			assert_int_equal(model_totals(m)->count.tx_total, row.count.tx_total);
			assert_int_equal(model_totals(m)->count.rx_total, row.count.rx_total);
			assert_int_equal(model_rows(m, (enum table_kind)kind), 1);
			assert_sums_hold(m);
			model_choose(m, NULL, NULL, 0);
		}
	}
}

static void what_has_no_members_is_refused(void **state)
{
	struct model *m = *state;
	struct row row = {.table = TABLE_PROCESSES, .is_other = true}, rows[MODEL_SCOPES + 1];

	moved(m, a_proc(1), tcp(1, ROLE_CLIENT, 1000, 80), 10, 0);
	assert_int_equal(model_choose(m, NULL, &row, 1), -EINVAL);
	row = (struct row){.table = TABLE_CONNECTIONS};
	assert_int_equal(model_choose(m, NULL, &row, 1), -EINVAL);
	for (int i = 0; i <= MODEL_SCOPES; i++)
		rows[i] = copy_of_process(m, 1);
	assert_int_equal(model_choose(m, NULL, rows, MODEL_SCOPES + 1), -EINVAL);
	assert_int_equal(model_choose(m, NULL, rows, MODEL_SCOPES), 0);
	assert_int_equal(model_totals(m)->count.tx_total, 10);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(connections_are_with_their_listener),
		TEST(a_listener_found_late_gets_what_it_accepts),
		TEST(the_same_address_elsewhere_is_another_listener),
		TEST(peers_are_hosts_whatever_the_port),
		TEST(users_are_those_of_their_processes),
		TEST(control_groups_are_those_of_sockets),
		TEST(failures_are_counted_by_who_where_and_why),
		TEST(failures_are_bounded),
		TEST(a_row_holds_what_belongs_to_it),
		TEST(a_row_holds_no_namesake),
		TEST(a_row_and_a_filter_are_both_asked),
		TEST(every_row_of_a_group_can_be_gone_into),
		TEST(what_has_no_members_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
