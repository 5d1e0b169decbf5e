/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The rules of bind() over made-up censuses. tests/root compares them with the kernel's. */
#include "who/bind.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "who/target.h"

static struct census_sock socks[4];
static struct census census = {.socks = socks};
static struct bind_place place;
static struct bind_ask ask;

static struct addr address(const char *text)
{
	struct addr a;
	bool given;

	assert_int_equal(target_parse_endpoint(&a, &given, text, NULL), 0);
	return a;
}

static int begin(void **state)
{
	(void)state;
	memset(socks, 0, sizeof(socks));
	census.sock_count = 0;
	place = (struct bind_place){.unprivileged = 1024};
	ask = (struct bind_ask){.addr = address("127.0.0.1:8080"), .transport = TRANSPORT_TCP};
	return 0;
}

static struct census_sock *add(const char *local, uint8_t state)
{
	struct census_sock *s = &socks[census.sock_count++];

	s->local = address(local);
	s->v6 = !addr_is_v4(&s->local);
	s->transport = TRANSPORT_TCP;
	s->state = state;
	return s;
}

static void assert_verdict(enum bind_reason reason, int error)
{
	struct bind_verdict v;

	assert_int_equal(bind_judge(&v, &ask, &place, &census), 0);
	if (v.reason != reason || v.error != error)
		fail_msg("%s (%d), not %s (%d)", bind_reason_name(v.reason), v.error,
			 bind_reason_name(reason), error);
	bind_done(&v);
}

static void other_ports_namespaces_and_protocols_do_not_matter(void **state)
{
	(void)state;
	add("127.0.0.1:8081", STATE_LISTEN);
	add("127.0.0.1:8080", STATE_LISTEN)->netns = 1;
	add("127.0.0.1:8080", STATE_OPEN)->transport = TRANSPORT_UDP;
	assert_verdict(BIND_FREE, 0);
}

static void the_gravest_reason_is_told(void **state)
{
	(void)state;
	add("127.0.0.1:8080", STATE_TIME_WAIT);
	assert_verdict(BIND_TIME_WAIT, EADDRINUSE);
	add("127.0.0.1:8080", STATE_ESTABLISHED)->outgoing = true;
	assert_verdict(BIND_OUTGOING, EADDRINUSE);
	add("127.0.0.1:8080", STATE_ESTABLISHED);
	assert_verdict(BIND_CONNECTION, EADDRINUSE);
	add("[::]:8080", STATE_LISTEN);
	assert_verdict(BIND_DUAL, EADDRINUSE);
}

static void help_is_what_would_do(void **state)
{
	struct census_sock *s = add("127.0.0.1:8080", STATE_TIME_WAIT);
	struct bind_verdict v;

	(void)state;
	bind_judge(&v, &ask, &place, &census);
	assert_false(v.reuseaddr_helps || v.reuseport_helps);
	bind_done(&v);
	s->reuseaddr = true;
	bind_judge(&v, &ask, &place, &census);
	assert_true(v.reuseaddr_helps);
	bind_done(&v);
	ask.reuseaddr = true;
	assert_verdict(BIND_FREE, 0);
	s->state = STATE_LISTEN;
	assert_verdict(BIND_HELD, EADDRINUSE);
	s->reuseport = true;
	s->uid = 5;
	ask.reuseport = true;
	bind_judge(&v, &ask, &place, &census);
	assert_true(v.error && v.other_user);
	bind_done(&v);
	ask.uid = 5;
	assert_verdict(BIND_FREE, 0);
}

/* IPv6 asks for the privilege first, IPv4 for the address. */
static void the_first_error_is_told(void **state)
{
	(void)state;
	ask.addr.port = 80;
	place.error = EADDRNOTAVAIL;
	assert_verdict(BIND_NO_ADDRESS, EADDRNOTAVAIL);
	ask.v6 = true;
	assert_verdict(BIND_PRIVILEGED, EACCES);
	ask.privileged = true;
	assert_verdict(BIND_NO_ADDRESS, EADDRNOTAVAIL);
	place.error = 0;
	assert_verdict(BIND_FREE, 0);
}

/* A request in the handshake is not in the table of bound sockets. */
static void requests_hold_no_port(void **state)
{
	(void)state;
	add("127.0.0.1:8080", STATE_NEW_SYN_RECV);
	assert_verdict(BIND_FREE, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(other_ports_namespaces_and_protocols_do_not_matter, begin),
		cmocka_unit_test_setup(the_gravest_reason_is_told, begin),
		cmocka_unit_test_setup(help_is_what_would_do, begin),
		cmocka_unit_test_setup(the_first_error_is_told, begin),
		cmocka_unit_test_setup(requests_hold_no_port, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
