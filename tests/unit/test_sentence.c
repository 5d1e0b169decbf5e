/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/sentence.h"

#include <errno.h>

#include "fixture.h"
#include "model_events.h"
#include "util/buf.h"

static struct model *m;
static struct buf out;

/* Host facts at 0 s, three ticks. */
static int setup(void **state)
{
	(void)state;
	m = model_new(NULL);
	fixture_host(m);
	fixture_tick(m, 30);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	model_free(m);
	buf_done(&out);
	return 0;
}

static struct row a_row(struct flow flow)
{
	uint64_t now_ns = model_totals(m)->time_ns;

	return (struct row){
		.table = TABLE_CONNECTIONS,
		.proc = fixture_proc(4242, 0, "curl"),
		.flow = flow,
		.transport = flow.transport,
		.count = {.first_ns = now_ns - 12 * SECOND, .last_ns = now_ns - 3 * SECOND},
	};
}

static const char *said(const struct row *row)
{
	buf_reset(&out);
	sentence(&out, row, m);
	return out.data;
}

static const char *said_more(const struct row *row)
{
	buf_reset(&out);
	buf_puts(&out, "");
	sentence_more(&out, row, m);
	return out.len ? out.data : "";
}

static void sentence_tells_client_from_server(void **state)
{
	struct row row = a_row(tcp(1, ROLE_CLIENT, 40000, 443));

	(void)state;
	assert_string_equal(said(&row), "curl, process 4242 of user root, is the client: it opened "
					"this connection to TCP port 443 (https) of the server "
					"10.0.0.2 12s ago.");
	row.flow = tcp(1, ROLE_SERVER, 443, 40000);
	assert_string_equal(said(&row),
			    "curl, process 4242 of user root, is the server: the client "
			    "10.0.0.2 connected to its TCP port 443 (https) 12s ago.");
	row.count.first_ns = model_totals(m)->live_ns;
	row.flow.peer.ip[12] = 127;
	assert_non_null(strstr(said(&row), "127.0.0.2 (this host itself) connected"));
	assert_non_null(strstr(said(&row), "before sockwatch started, 30s ago."));
}

static void sentence_tells_who_can_reach_a_listener(void **state)
{
	struct row row = a_row(tcp(1, ROLE_LISTENER, 80, 0));

	(void)state;
	assert_string_equal(said(&row),
			    "curl, process 4242 of user root, is a server: it waits for "
			    "clients at TCP port 80 (http) of the address 10.0.0.1 "
			    "alone, and began 12s ago.");
	row.flow.local = v4(0, 0, 0, 0, 80);
	assert_non_null(strstr(said(&row), "port 80 (http) of every address of this host, and"));
	row.flow.local = v4(127, 0, 0, 1, 80);
	assert_non_null(strstr(said(&row), "which only programs on this same host can reach"));
}

static void sentence_tells_what_failed(void **state)
{
	struct row row = a_row(tcp(1, ROLE_CLIENT, 40000, 22));

	(void)state;
	row.error = ECONNREFUSED;
	assert_non_null(strstr(said(&row), "is a client that could not connect to TCP port 22 (ssh)"
					   " of the server 10.0.0.2 12s ago: "));
	row.error = 0;
	row.flow.state = STATE_SYN_SENT;
	assert_non_null(strstr(said(&row), "is a client that waits for an answer of TCP port 22"));
}

static void sentence_says_no_more_than_is_known(void **state)
{
	struct row row = a_row(tcp(1, ROLE_UNKNOWN, 443, 40000));

	(void)state;
	assert_null(strstr(said(&row), "client"));
	assert_null(strstr(said(&row), "server"));
	assert_non_null(strstr(said(&row), "who began is not known"));
	assert_string_equal(said_more(&row), "");
	row.proc = no_proc(UNATTRIBUTED_KERNEL);
	assert_int_equal(strncmp(said(&row), "The kernel itself exchanges TCP with ", 37), 0);
}

static void sentence_sanitises_names(void **state)
{
	struct row row = a_row(tcp(1, ROLE_CLIENT, 40000, 443));

	(void)state;
	strcpy(row.proc.name, "\033[31mx");
	assert_null(strchr(said(&row), '\033'));
}

static void sentence_more_tells_ports_apart(void **state)
{
	struct row row = a_row(tcp(1, ROLE_CLIENT, 40000, 443));

	(void)state;
	assert_string_equal(said_more(&row),
			    " Port 443 is the service's; port 40000 of the client is an ephemeral "
			    "one, taken for the time of this exchange.");
	row.flow = tcp(1, ROLE_SERVER, 443, 700);
	row.flow.state = STATE_CLOSE_WAIT;
	assert_string_equal(
		said_more(&row),
		" Port 443 is the service's; port 700 of the client is not of the "
		"ephemeral range: it was chosen. The other side has closed; the program "
		"here has not yet.");
	row.ended = true;
	assert_non_null(strstr(said_more(&row), "It ended 3.0s ago."));
}

static void put(const struct row *row, void *arg)
{
	const char *text = said(row);

	(void)arg;
	assert_true(strlen(text) > 20);
	assert_int_equal(text[strlen(text) - 1], '.');
	assert_null(strstr(text, "  "));
	assert_null(strstr(text, "(null)"));
}

static void sentence_is_there_for_every_row(void **state)
{
	struct model *whole = fixture_model(), *kept = m;

	(void)state;
	m = whole;
	for (int t = 0; t < TABLE_COUNT; t++)
		model_each(m, (enum table_kind)t, put, NULL);
	m = kept;
	model_free(whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sentence_tells_client_from_server, setup, teardown),
		cmocka_unit_test_setup_teardown(sentence_tells_who_can_reach_a_listener, setup,
						teardown),
		cmocka_unit_test_setup_teardown(sentence_tells_what_failed, setup, teardown),
		cmocka_unit_test_setup_teardown(sentence_says_no_more_than_is_known, setup,
						teardown),
		cmocka_unit_test_setup_teardown(sentence_sanitises_names, setup, teardown),
		cmocka_unit_test_setup_teardown(sentence_more_tells_ports_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(sentence_is_there_for_every_row, setup, teardown),
	};

	return cmocka_run_group_tests_name("sentence", tests, NULL, NULL);
}
