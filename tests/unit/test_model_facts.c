/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the model knows beside sockets: names, the host, notes, losses, classes of ports. */
#include "model_events.h"

static int setup(void **state)
{
	*state = model_new(NULL);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	model_free(*state);
	return 0;
}

static void model_knows_names(void **state)
{
	struct model *m = *state;
	struct event ev = {.kind = EVENT_USER, .user = {.uid = 33, .name = "www-data"}};
	uint32_t i;

	assert_null(model_user(m, 33));
	model_apply(m, &ev);
	assert_string_equal(model_user(m, 33), "www-data");
	strcpy(ev.user.name, "web");
	model_apply(m, &ev);
	assert_string_equal(model_user(m, 33), "web");
	assert_null(model_user(m, 34));
	ev = (struct event){.kind = EVENT_SERVICE,
			    .service = {.port = 443, .transport = TRANSPORT_TCP, .name = "https"}};
	model_apply(m, &ev);
	assert_string_equal(model_service(m, TRANSPORT_TCP, 443), "https");
	assert_string_equal(model_service(m, TRANSPORT_MPTCP, 443), "https");
	assert_null(model_service(m, TRANSPORT_UDP, 443));
	ev = (struct event){.kind = EVENT_USER};
	for (i = 0; i < 40000; i++) { /* more than are kept */
		ev.user.uid = 1000 + i;
		snprintf(ev.user.name, sizeof(ev.user.name), "u%u", i);
		model_apply(m, &ev);
	}
	assert_string_equal(model_user(m, 1000 + 9999), "u9999");
	assert_string_equal(model_user(m, 33), "web");
	assert_null(model_user(m, 1000 + 39999));
}

static void model_keeps_facts(void **state)
{
	struct model *m = *state;
	struct event ev = {.kind = EVENT_HOST,
			   .time_ns = 77,
			   .host = {.ephemeral_min = 2000, .ephemeral_max = 3000}};
	int i;

	assert_int_equal(model_port_class(m, 50000), PORT_CLASS_EPHEMERAL);
	model_apply(m, &ev);
	assert_int_equal(model_totals(m)->start_ns, 77);
	assert_int_equal(model_port_class(m, 0), PORT_CLASS_NONE);
	assert_int_equal(model_port_class(m, 1023), PORT_CLASS_WELL_KNOWN);
	assert_int_equal(model_port_class(m, 1024), PORT_CLASS_REGISTERED);
	assert_int_equal(model_port_class(m, 2000), PORT_CLASS_EPHEMERAL);
	assert_int_equal(model_port_class(m, 3000), PORT_CLASS_EPHEMERAL);
	assert_int_equal(model_port_class(m, 3001), PORT_CLASS_REGISTERED);
	for (i = 0; i < 40; i++) {
		ev = (struct event){.kind = EVENT_NOTE};
		snprintf(ev.note.text, sizeof(ev.note.text), "note %d", i / 2);
		model_apply(m, &ev);
	}
	assert_int_equal(model_totals(m)->note_count, 16);
	assert_string_equal(model_totals(m)->notes[15], "note 15");
	ev = (struct event){.kind = EVENT_LOST, .lost.total = {[LOST_TABLE] = 9}};
	model_apply(m, &ev);
	assert_int_equal(model_totals(m)->lost[LOST_TABLE], 9);
	ev = (struct event){.kind = EVENT_TICK, .tick = {.cpu_ns = 50, .records_seen = 8}};
	model_apply(m, &ev);
	ev.tick.cpu_ns = 70;
	model_apply(m, &ev);
	assert_int_equal(model_totals(m)->cpu_tick_ns, 20);
	assert_int_equal(model_totals(m)->records_seen, 8);
}

static void model_finds_the_service_port(void **state)
{
	struct flow f = tcp(1, ROLE_CLIENT, 40000, 443);

	(void)state;
	assert_int_equal(model_service_port(&f), 443);
	f.role = ROLE_SERVER;
	assert_int_equal(model_service_port(&f), 40000);
	f.role = ROLE_LISTENER;
	assert_int_equal(model_service_port(&f), 40000);
	f.role = ROLE_UNKNOWN;
	assert_int_equal(model_service_port(&f), 0);
	f.role = ROLE_CLIENT;
	f.transport = TRANSPORT_ICMP;
	assert_int_equal(model_service_port(&f), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static void model_lets_a_process_that_ended_go_when_it_was_shown(void **state)
{
	struct event gone = {.kind = EVENT_EXIT, .proc = a_proc(1)};
	struct model *m = *state;
	struct flow f = tcp(1, ROLE_CLIENT, 1000, 443);

	moved(m, a_proc(1), f, 10, 20);
	moved(m, a_proc(2), tcp(2, ROLE_CLIENT, 1001, 443), 1, 2);
	model_apply(m, &gone);
	tick(m);
	tick(m);
	tick(m);
	assert_non_null(process_row(m, 1)); /* its socket is still open */
	closed(m, a_proc(1), f);
	tick(m);
	assert_non_null(process_row(m, 1)); /* the tick that shows its last bytes and its end */
	tick(m);
	tick(m);
	assert_null(process_row(m, 1));
	assert_non_null(process_row(m, 2));
	assert_int_equal(other_row(m, TABLE_PROCESSES)->count.tx_total, 10);
	assert_int_equal(other_row(m, TABLE_PROCESSES)->count.rx_total, 20);
	assert_int_equal(model_totals(m)->evicted[TABLE_PROCESSES], 0);
}

static void model_keeps_a_quiet_process_that_lives(void **state)
{
	struct model *m = *state;
	struct flow f = tcp(1, ROLE_CLIENT, 1000, 443);

	moved(m, a_proc(1), f, 10, 20);
	closed(m, a_proc(1), f);
	for (int i = 0; i < 5; i++)
		tick(m);
	assert_int_equal(process_row(m, 1)->count.tx_total, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(model_knows_names),
		TEST(model_keeps_facts),
		TEST(model_finds_the_service_port),
		TEST(model_lets_a_process_that_ended_go_when_it_was_shown),
		TEST(model_keeps_a_quiet_process_that_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
