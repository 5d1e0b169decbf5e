/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "event/addr.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct addr make(const char *ip, uint16_t port)
{
	struct addr a = {.port = port};

	if (strchr(ip, ':')) {
		assert_int_equal(inet_pton(AF_INET6, ip, a.ip), 1);
		return a;
	}
	a.ip[10] = a.ip[11] = 0xff;
	assert_int_equal(inet_pton(AF_INET, ip, a.ip + 12), 1);
	return a;
}

static const struct {
	const char *ip;
	uint16_t port;
	const char *ip_text, *text;
	bool v4, any, loopback;
} examples[] = {
	{"127.0.0.1", 80, "127.0.0.1", "127.0.0.1:80", true, false, true},
	{"127.255.0.3", 0, "127.255.0.3", "127.255.0.3", true, false, true},
	{"128.0.0.1", 65535, "128.0.0.1", "128.0.0.1:65535", true, false, false},
	{"0.0.0.0", 80, "0.0.0.0", "*:80", true, true, false},
	{"0.0.0.0", 0, "0.0.0.0", "*", true, true, false},
	{"0.0.0.1", 0, "0.0.0.1", "0.0.0.1", true, false, false},
	{"255.255.255.255", 1, "255.255.255.255", "255.255.255.255:1", true, false, false},
	{"::ffff:10.1.2.3", 5, "10.1.2.3", "10.1.2.3:5", true, false, false},
	{"::", 0, "::", "*", false, true, false},
	{"::", 443, "::", "*:443", false, true, false},
	{"::1", 443, "::1", "[::1]:443", false, false, true},
	{"::1", 0, "::1", "::1", false, false, true},
	{"::2", 0, "::2", "::2", false, false, false},
	{"2001:db8::a", 53, "2001:db8::a", "[2001:db8::a]:53", false, false, false},
	{"1111:2222:3333:4444:5555:6666:7777:8888", 65535,
	 "1111:2222:3333:4444:5555:6666:7777:8888",
	 "[1111:2222:3333:4444:5555:6666:7777:8888]:65535", false, false, false},
};

enum { EXAMPLES = sizeof(examples) / sizeof(examples[0]) };

static void addresses_are_written(void **state)
{
	(void)state;
	for (int i = 0; i < EXAMPLES; i++) {
		struct addr a = make(examples[i].ip, examples[i].port);
		char text[ADDR_TEXT + 8];

		assert_ptr_equal(addr_format_ip(text, ADDR_TEXT, &a), text);
		assert_string_equal(text, examples[i].ip_text);
		assert_ptr_equal(addr_format(text, sizeof(text), &a), text);
		assert_string_equal(text, examples[i].text);
	}
}

static void kinds_are_told(void **state)
{
	(void)state;
	for (int i = 0; i < EXAMPLES; i++) {
		struct addr a = make(examples[i].ip, examples[i].port);

		assert_int_equal(addr_is_v4(&a), examples[i].v4);
		assert_int_equal(addr_is_any(&a), examples[i].any);
		assert_int_equal(addr_is_loopback(&a), examples[i].loopback);
	}
}

static void the_longest_address_fits(void **state)
{
	struct addr a = {.port = 65535};
	char text[ADDR_TEXT + 8];

	(void)state;
	memset(a.ip, 0xff, sizeof(a.ip));
	addr_format_ip(text, ADDR_TEXT, &a);
	assert_string_equal(text, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	addr_format(text, sizeof(text), &a);
	assert_string_equal(text, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

static void a_short_buffer_is_not_overrun(void **state)
{
	struct addr a = make("192.168.100.200", 65535);

	(void)state;
	for (size_t size = 1; size < 16; size++) {
		char text[ADDR_TEXT];

		memset(text, '#', sizeof(text));
		addr_format_ip(text, size, &a);
		assert_non_null(memchr(text, '\0', size));
		assert_int_equal(text[size], '#');
		addr_format(text, size, &a);
		assert_int_equal(text[size], '#');
	}
}

static void addresses_have_an_order(void **state)
{
	const struct addr sorted[] = {
		make("0.0.0.0", 0),   make("0.0.0.0", 1),   make("1.2.3.4", 80),
		make("1.2.3.4", 256), make("200.0.0.1", 1), make("::", 0),
		make("::1", 443),     make("::1", 444),     make("fe80::1", 1),
	};
	const int count = sizeof(sorted) / sizeof(sorted[0]);

	(void)state;
	for (int i = 0; i < count; i++) {
		for (int j = 0; j < count; j++) {
			int order = addr_cmp(&sorted[i], &sorted[j]);

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_written),
		cmocka_unit_test(kinds_are_told),
		cmocka_unit_test(the_longest_address_fits),
		cmocka_unit_test(a_short_buffer_is_not_overrun),
		cmocka_unit_test(addresses_have_an_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
