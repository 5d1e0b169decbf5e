/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/details.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A connection that has nothing to do. */
static struct sw_detail a_record(void)
{
	return (struct sw_detail){
		.cookie = 7,
		.state = STATE_ESTABLISHED,
		.is_tcp = 1,
		.pacing_rate = UINT64_MAX,
		.jiffies = 1000,
		.mss = 1448,
		.cwnd = 10,
		.srtt_us = 250,
		.min_rtt_us = 200,
		.ca_name = "cubic",
	};
}

static struct detail decoded(const struct sw_detail *raw, const struct sw_detail *before)
{
	static const struct sw_detail none;
	struct detail d = {.wish.cookie = 7, .holder_count = 3};

	details_decode(&d, raw, before ? before : &none);
	assert_true(d.found);
	assert_int_equal(d.wish.cookie, 7);
	assert_int_equal(d.holder_count, 3);
	return d;
}

static uint8_t wait_of(struct sw_detail raw)
{
	return decoded(&raw, NULL).tcp.wait;
}

static void details_take_over_what_tcp_tells(void **state)
{
	struct sw_detail raw = a_record();
	struct detail d;

	(void)state;
	raw.rate_delivered = 100;
	raw.rate_interval_us = 2000;
	raw.total_retrans = 5;
	raw.send_queue = 4000;
	raw.unsent = 1000;
	d = decoded(&raw, NULL);
	assert_true(d.has_tcp);
	assert_false(d.is_listener);
	assert_int_equal(d.tcp.srtt_us, 250);
	assert_int_equal(d.tcp.min_rtt_us, 200);
	assert_int_equal(d.tcp.total_retrans, 5);
	assert_int_equal(d.send_queue, 4000);
	assert_int_equal(d.unsent, 1000);
	assert_true(d.tcp.pacing_rate == UINT64_MAX);
	assert_true(d.tcp.delivery_rate == 72400000); /* 100 packets of 1448 bytes in 2 ms */
	assert_string_equal(d.tcp.ca, "cubic");
	memset(raw.ca_name, 'x', sizeof(raw.ca_name));
	assert_int_equal(strlen(decoded(&raw, NULL).tcp.ca), DETAIL_CA - 1);
}

static void details_rate_is_not_known_before_it_was_measured(void **state)
{
	struct sw_detail raw = a_record();

	(void)state;
	raw.rate_delivered = 100;
	assert_true(decoded(&raw, NULL).tcp.delivery_rate == 0);
	raw.rate_delivered = raw.mss = UINT32_MAX; /* torn or hostile: no trap, whatever it says */
	raw.rate_interval_us = 1;
	decoded(&raw, NULL);
}

static void details_say_what_is_waited_for(void **state)
{
	struct sw_detail raw = a_record();

	(void)state;
	assert_int_equal(wait_of(raw), WAIT_NOTHING);
	raw.recv_queue = 1;
	assert_int_equal(wait_of(raw), WAIT_READER);
	raw.unacked = 1;
	raw.chrono_type = 1;
	assert_int_equal(wait_of(raw), WAIT_NETWORK);
	raw.ca_state = 3;
	assert_int_equal(wait_of(raw), WAIT_LOSS);
	raw.ca_state = 2; /* TCP_CA_CWR: slowed down, nothing lost */
	assert_int_equal(wait_of(raw), WAIT_NETWORK);
	raw.retransmits = 1;
	assert_int_equal(wait_of(raw), WAIT_LOSS);
	raw.chrono_type = 2;
	assert_int_equal(wait_of(raw), WAIT_RECEIVER);
	raw.chrono_type = 3;
	assert_int_equal(wait_of(raw), WAIT_SNDBUF);
	raw.state = STATE_SYN_SENT;
	assert_int_equal(wait_of(raw), WAIT_PEER);
}

static void details_share_out_the_time_since_the_last_look(void **state)
{
	struct sw_detail before = a_record(), raw = a_record();
	struct detail d;

	(void)state;
	before.jiffies = UINT32_MAX - 99; /* it wraps */
	raw.jiffies = 100;
	before.chrono[0] = UINT32_MAX;
	raw.chrono[0] = 99;
	raw.chrono[1] = 50;
	raw.chrono[2] = 400; /* more than passed: torn */
	assert_false(decoded(&raw, NULL).tcp.has_shares);
	d = decoded(&raw, &before);
	assert_true(d.tcp.has_shares);
	assert_int_equal(d.tcp.share[0], 500);
	assert_int_equal(d.tcp.share[1], 250);
	assert_int_equal(d.tcp.share[2], 1000);
	before.cookie = 8;
	assert_false(decoded(&raw, &before).tcp.has_shares);
	assert_false(decoded(&raw, &raw).tcp.has_shares);
}

static void details_of_a_listener_are_its_backlog(void **state)
{
	struct sw_detail raw = a_record();
	struct detail d;

	(void)state;
	raw.state = STATE_LISTEN;
	raw.is_tcp = 0;
	raw.recv_queue = 3;
	raw.send_queue = 128;
	raw.drops = 9;
	d = decoded(&raw, NULL);
	assert_true(d.is_listener);
	assert_false(d.has_tcp);
	assert_int_equal(d.recv_queue, 3);
	assert_int_equal(d.send_queue, 128);
	assert_int_equal(d.drops, 9);
}

static void on_event(const struct event *ev, void *arg)
{
	struct detail *to = arg;

	assert_int_equal(ev->kind, EVENT_DETAIL);
	*to = *ev->detail;
}

static void details_tell_what_was_wanted_even_without_programs(void **state)
{
	volatile __u64 wanted = 0;
	struct details details = {.wanted = &wanted};
	struct detail told = {.wish.pid = 1};

	(void)state;
	assert_int_equal(details_tell(&details, 5, on_event, &told), 0);
	assert_int_equal(told.wish.pid, 1); /* nobody asked: nothing was told */
	details_want(&details, &(struct detail_wish){.cookie = 9, .pid = 4});
	assert_int_equal(wanted, 9);
	assert_int_equal(details_tell(&details, 5, on_event, &told), 0);
	assert_int_equal(told.wish.cookie, 9);
	assert_int_equal(told.time_ns, 5);
	assert_false(told.found);
	details_want(&details, &(struct detail_wish){0});
	assert_int_equal(wanted, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(details_take_over_what_tcp_tells),
		cmocka_unit_test(details_rate_is_not_known_before_it_was_measured),
		cmocka_unit_test(details_say_what_is_waited_for),
		cmocka_unit_test(details_share_out_the_time_since_the_last_look),
		cmocka_unit_test(details_of_a_listener_are_its_backlog),
		cmocka_unit_test(details_tell_what_was_wanted_even_without_programs),
	};

	return cmocka_run_group_tests_name("details", tests, NULL, NULL);
}
