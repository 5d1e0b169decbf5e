/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The words of `sockwatch who`, what they match, and what binds alike. */
#include "who/target.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "who/bound.h"

static uint16_t service(const char *name)
{
	return !strcmp(name, "http") ? 80 : 0;
}

static struct target parsed(const char *text)
{
	char why[TARGET_WHY] = "";
	struct target t;

	if (target_parse(&t, text, service, why))
		fail_msg("%s: %s", text, why);
	return t;
}

static void assert_port(const char *text, uint8_t transport, const char *ip, uint16_t port)
{
	struct target t = parsed(text);
	char shown[ADDR_TEXT];

	assert_int_equal(t.kind, TARGET_PORT);
	assert_int_equal(t.transport, transport);
	assert_int_equal(t.addr.port, port);
	assert_int_equal(t.has_address, ip != NULL);
	if (ip)
		assert_string_equal(addr_format_ip(shown, sizeof(shown), &t.addr), ip);
}

static void assert_refused(const char *text)
{
	char why[TARGET_WHY] = "";
	struct target t;

	if (target_parse(&t, text, service, why) != -EINVAL || !why[0])
		fail_msg("`%s` was not refused", text);
}

static void ports_and_addresses(void **state)
{
	(void)state;
	assert_port("8080", TRANSPORT_COUNT, NULL, 8080);
	assert_port("65535", TRANSPORT_COUNT, NULL, 65535);
	assert_port(":80", TRANSPORT_COUNT, NULL, 80);
	assert_port("*:80", TRANSPORT_COUNT, NULL, 80);
	assert_port("127.0.0.1:80", TRANSPORT_COUNT, "127.0.0.1", 80);
	assert_port("[::1]:80", TRANSPORT_COUNT, "::1", 80);
	assert_port("0.0.0.0:http", TRANSPORT_COUNT, "0.0.0.0", 80);
	assert_port("http", TRANSPORT_COUNT, NULL, 80);
	assert_port("tcp/80", TRANSPORT_TCP, NULL, 80);
	assert_port("80/udp", TRANSPORT_UDP, NULL, 80);
	assert_port("UDP/[fe80::1]:53", TRANSPORT_UDP, "fe80::1", 53);
	assert_port("sctp/http", TRANSPORT_SCTP, NULL, 80);
}

/* What -q prints is killed: a small number must never mean a process. */
static void processes_are_never_small_numbers(void **state)
{
	struct target t;

	(void)state;
	assert_int_equal(parsed("65535").kind, TARGET_PORT);
	t = parsed("65536");
	assert_int_equal(t.kind, TARGET_PID);
	assert_int_equal(t.pid, 65536);
	t = parsed("pid:80");
	assert_int_equal(t.kind, TARGET_PID);
	assert_int_equal(t.pid, 80);
	t = parsed("nginx");
	assert_int_equal(t.kind, TARGET_NAME);
	assert_string_equal(t.name, "nginx");
	t = parsed("name:http");
	assert_int_equal(t.kind, TARGET_NAME);
	assert_string_equal(t.name, "http");
	assert_string_equal(parsed("a-name-longer-than-the-kernel-keeps").name, "a-name-longer-t");
}

static void nonsense_is_refused(void **state)
{
	static const char *const texts[] = {
		"",        "0",        "-1",       "1.2.3.4", "::1",        "::1:80", "[::1]",
		"[::1]80", "[::1:80",  "1.2.3:80", ":",       "a:b",        "tcp/",   "tcp/nginx",
		"80/tcp6", "tcp/0",    "80:",      "pid:",    "pid:0",      "pid:x",  "name:",
		"[]:80",   "[1.2]:80", "]:80",     "x/80",    "tcp/udp/80",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_refused(texts[i]);
}

static struct census_sock bound_to(const char *text, bool v6, bool v6only)
{
	struct census_sock s = {.transport = TRANSPORT_TCP, .v6 = v6, .v6only = v6only};
	bool given;

	assert_int_equal(target_parse_endpoint(&s.local, &given, text, NULL), 0);
	assert_true(given);
	return s;
}

static bool covers(const struct census_sock *s, const char *text)
{
	struct addr a;
	bool given;

	assert_int_equal(target_parse_endpoint(&a, &given, text, NULL), 0);
	return target_covers(s, &a);
}

static void wildcards_cover_their_family(void **state)
{
	const struct census_sock v4 = bound_to("0.0.0.0:80", false, false);
	const struct census_sock dual = bound_to("[::]:80", true, false);
	const struct census_sock v6 = bound_to("[::]:80", true, true);
	const struct census_sock one = bound_to("10.0.0.1:80", false, false);

	(void)state;
	assert_true(covers(&v4, "10.0.0.1:80"));
	assert_false(covers(&v4, "[::1]:80"));
	assert_true(covers(&dual, "10.0.0.1:80"));
	assert_true(covers(&dual, "[::1]:80"));
	assert_false(covers(&v6, "10.0.0.1:80"));
	assert_true(covers(&v6, "[::1]:80"));
	assert_true(covers(&one, "10.0.0.1:80"));
	assert_false(covers(&one, "10.0.0.2:80"));
	assert_true(covers(&one, "0.0.0.0:80")); /* who wants all asks for this one too */
	assert_false(covers(&one, "[::]:80"));
}

static void assert_bound(const char *text, bool v6, bool v6only, const char *name,
			 const char *address)
{
	const struct census_sock s = bound_to(text, v6, v6only);
	char shown[BOUND_TEXT];

	assert_string_equal(bound_name(&s), name);
	assert_string_equal(bound_address(shown, sizeof(shown), &s), address);
	assert_true(strlen(bound_text(shown, sizeof(shown), &s)) > 0);
}

static void each_way_to_bind_has_a_name(void **state)
{
	(void)state;
	assert_bound("127.0.0.1:80", false, false, "loopback", "127.0.0.1:80");
	assert_bound("127.9.9.9:80", false, false, "loopback", "127.9.9.9:80");
	assert_bound("[::1]:80", true, false, "loopback", "[::1]:80");
	assert_bound("0.0.0.0:80", false, false, "ipv4_wildcard", "0.0.0.0:80");
	assert_bound("[::]:80", true, false, "dual_wildcard", "*:80");
	assert_bound("[::]:80", true, true, "ipv6_wildcard", "[::]:80");
	assert_bound("10.0.0.1:80", false, false, "address", "10.0.0.1:80");
}

static void too_many_processes_are_refused(void **state)
{
	static struct census_ask ask;
	struct target t = parsed("pid:1");

	(void)state;
	for (int i = 0; i < CENSUS_ASKED; i++)
		assert_int_equal(target_ask(&t, &ask), 0);
	assert_int_equal(target_ask(&t, &ask), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_and_addresses),
		cmocka_unit_test(processes_are_never_small_numbers),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(wildcards_cover_their_family),
		cmocka_unit_test(each_way_to_bind_has_a_name),
		cmocka_unit_test(too_many_processes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
