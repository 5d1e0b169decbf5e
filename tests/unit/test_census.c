/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records of the kernel side into a census, sockets found again, and tables looked up. */
#include "capture/census_parts.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "who_abi.h"

static struct who_sock record(__u8 state)
{
	return (struct who_sock){.id = 7,
				 .family = AF_INET,
				 .protocol = IPPROTO_TCP,
				 .type = SOCK_STREAM,
				 .state = state,
				 .lport = 80,
				 .socket = 1};
}

static struct census_sock decoded(const struct who_sock *raw)
{
	struct census_sock s;

	census_decode(&s, raw, 1000, 100);
	return s;
}

static void states_of_sockets_without_a_process(void **state)
{
	struct who_sock raw = record(STATE_ESTABLISHED);
	struct census_sock s = decoded(&raw);

	(void)state;
	assert_false(s.dead || s.not_accepted);
	raw.socket = 0;
	s = decoded(&raw);
	assert_true(s.not_accepted && !s.dead);
	raw.sk_flags = 1; /* SOCK_DEAD */
	s = decoded(&raw);
	assert_true(s.dead && !s.not_accepted);
	raw = record(STATE_TIME_WAIT);
	raw.socket = 0;
	raw.expires = 1150;
	s = decoded(&raw);
	assert_false(s.dead || s.not_accepted);
	assert_int_equal(s.left_ns, 1500000000);
	raw.expires = 900; /* it is over */
	assert_int_equal(decoded(&raw).left_ns, 0);
}

static void closed_with_a_port_is_bound(void **state)
{
	struct who_sock raw = record(STATE_CLOSE);

	(void)state;
	assert_int_equal(decoded(&raw).state, STATE_BOUND);
	raw.lport = 0;
	assert_int_equal(decoded(&raw).state, STATE_CLOSE);
	raw = record(STATE_CLOSE);
	raw.protocol = IPPROTO_UDP;
	raw.type = SOCK_DGRAM;
	assert_int_equal(decoded(&raw).state, STATE_OPEN);
	raw.state = STATE_ESTABLISHED;
	raw.rport = 53;
	assert_int_equal(decoded(&raw).state, STATE_ESTABLISHED);
}

static void only_kernel_sockets_have_a_handler(void **state)
{
	struct who_sock raw = record(STATE_LISTEN);

	(void)state;
	raw.ready = 5;
	assert_int_equal(decoded(&raw).handler, 0);
	raw.kernel = 1;
	assert_int_equal(decoded(&raw).handler, 5);
	raw.encap_rcv = 6;
	assert_int_equal(decoded(&raw).handler, 6);
}

static void a_socket_is_found_again(void **state)
{
	struct census_index index = {0};
	struct census_sock s = {.id = 1, .local.port = 80};

	(void)state;
	assert_int_equal(census_index_add(&index, &s), 0);
	s.cookie = 9; /* the walk did not know it, the iterator does */
	assert_int_equal(census_index_add(&index, &s), 0);
	assert_int_equal(((struct census_sock *)index.socks.data)[0].cookie, 9);
	s.cookie = 10; /* another one in the same memory */
	assert_int_equal(census_index_add(&index, &s), 1);
	assert_int_equal(census_index_find(&index, 1), 1);
	assert_true(census_index_find(&index, 2) == SIZE_MAX);
	for (uint64_t id = 100; id < 5000; id++) {
		s = (struct census_sock){.id = id << 6};
		assert_true(census_index_add(&index, &s) != SIZE_MAX);
	}
	for (uint64_t id = 100; id < 5000; id++)
		assert_int_equal(census_index_find(&index, id << 6), id - 98);
	free(index.socks.data);
	census_index_done(&index);
}

static void timer_ticks_are_told_by_the_clock(void **state)
{
	static const unsigned int rates[] = {100, 250, 300, 1000};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (uint64_t up = 60; up < 400ull * 86400; up = up * 3 + 1) {
			uint64_t jiffies =
				(uint32_t)(-300 * (int64_t)rates[i]) + up * rates[i] + rates[i] / 3;

			if (census_hz(jiffies, up) != rates[i])
				fail_msg("%u after %llu s: %u", rates[i], (unsigned long long)up,
					 census_hz(jiffies, up));
		}
}

static void tables_are_looked_up(void **state)
{
	struct census_hold holds[] = {{1, 0, 5, 4}, {0, 0, 5, 3}, {1, 0, 4, 9}, {1, 0, 5, 3}};
	struct census_wait waits[] = {{1, 5}, {0, 6}};
	struct census_task tasks[] = {{.pid = 9}, {.pid = 2}};
	struct census_use uses[] = {{1, 80, 5, 3}, {1, 80, 4, 2}};
	struct census_count counts[] = {{.netns = 2}, {.netns = 1, .local.port = 80}};
	struct census c = {.holds = holds,
			   .hold_count = 4,
			   .waits = waits,
			   .wait_count = 2,
			   .tasks = tasks,
			   .task_count = 2,
			   .uses = uses,
			   .use_count = 2,
			   .counts = counts,
			   .count_count = 2};
	const struct census_hold *found;
	size_t count;

	(void)state;
	census_sort(&c);
	found = census_holds(&c, 1, &count);
	assert_int_equal(count, 3);
	assert_true(found[0].pid == 4 && found[1].fd == 3 && found[2].fd == 4);
	census_holds(&c, 7, &count);
	assert_int_equal(count, 0);
	assert_true(census_waits(&c, 1, 5) && census_waits(&c, 0, 6));
	assert_false(census_waits(&c, 0, 5));
	assert_int_equal(census_task(&c, 9)->pid, 9);
	assert_null(census_task(&c, 3));
	assert_int_equal(census_uses(&c, 1, 80, 4), 2);
	assert_int_equal(census_uses(&c, 1, 81, 4), 0);
	census_counts(&c, 1, 80, &count);
	assert_int_equal(count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_of_sockets_without_a_process),
		cmocka_unit_test(closed_with_a_port_is_bound),
		cmocka_unit_test(only_kernel_sockets_have_a_handler),
		cmocka_unit_test(a_socket_is_found_again),
		cmocka_unit_test(timer_ticks_are_told_by_the_clock),
		cmocka_unit_test(tables_are_looked_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
