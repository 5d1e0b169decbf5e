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
	for (i = 0; i < 24; i++) {
		ev = (struct event){.kind = EVENT_NOTE};
		snprintf(ev.note.text, sizeof(ev.note.text), "note %d", i / 2);
		model_apply(m, &ev);
	}
	assert_int_equal(model_totals(m)->note_count, 8);
	assert_string_equal(model_totals(m)->notes[7], "note 7");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(model_knows_names),
		TEST(model_keeps_facts),
		TEST(model_finds_the_service_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
