/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How sockets end: at once, after a walk over the hash of further accounts, by sweeps that miss
 * them; and what happens when there is no room to remember more. */
#include "record_rig.h"

#include <string.h>

static const struct decode_counts *counts(const struct record_rig *r)
{
	return decode_counts(r->decode);
}

static void close_ends_and_forgets(void **state)
{
	struct sw_record io = record_tcp(SW_REC_IO, 1, 10), end = io, other = io;
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	end.kind = SW_REC_CLOSE;
	other.account.tgid = 11;
	record_moved(&r, &io, 100, 50);
	record_moved(&r, &other, 1, 1);
	record_expect(&r, "SXSX");
	assert_int_equal(counts(&r)->sockets, 1);
	assert_int_equal(counts(&r)->uses, 2);
	record_moved(&r, &end, 130, 50);
	record_expect(&r, "SXC"); /* its new state, its last bytes, its end */
	assert_int_equal(record_last(&r, 'S')->flow.state, STATE_CLOSE);
	assert_int_equal(record_last(&r, 'X')->xfer.tx_bytes, 30);
	assert_int_equal(record_last(&r, 'C')->flow.cookie, 1);
	assert_int_equal(record_last(&r, 'C')->flow.state, STATE_CLOSE);
	assert_int_equal(record_last(&r, 'C')->proc.pid, 10);
	assert_int_equal(counts(&r)->sockets, 0);
	assert_int_equal(counts(&r)->uses, 0);
	record_settle(&r);
	record_expect(&r, "");
	record_rig_done(&r);
}

/* connect(AF_UNSPEC) and connect() again: one cookie, two connections. */
static void a_cookie_used_again_starts_from_nothing(void **state)
{
	struct sw_record rec = record_tcp(SW_REC_IO, 1, 10), other = rec;
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	other.account.tgid = 11;
	record_moved(&r, &rec, 100, 50);
	record_moved(&r, &other, 7, 7);
	rec.kind = SW_REC_CLOSE;
	record_moved(&r, &rec, 100, 50);
	record_expect(&r, "SXSXSC");
	rec.kind = SW_REC_CONNECT;
	record_feed(&r, &rec);
	record_expect(&r, "S");
	rec.kind = SW_REC_IO;
	record_moved(&r, &rec, 60, 50);
	record_expect_xfer(&r, 60, 50);
	record_moved(&r, &other, 5, 0);
	record_expect(&r, "SX");
	assert_int_equal(record_last(&r, 'X')->xfer.tx_bytes, 5);
	record_rig_done(&r);
}

static void close_waits_for_the_hash(void **state)
{
	struct sw_record end = record_tcp(SW_REC_CLOSE, 1, 10), third = end, fourth = end;
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	end.flow.flags |= SW_F_EXTRA;
	third.account = record_tcp(0, 1, 12).account;
	third.account.tx_bytes = 30;
	fourth.account = record_tcp(0, 1, 13).account;
	fourth.account.rx_bytes = 40;
	record_moved(&r, &end, 1, 1);
	record_expect(&r, "SX");
	assert_int_equal(counts(&r)->closing, 1);
	assert_int_equal(counts(&r)->sockets, 1);
	record_moved(&r, &end, 1, 1); /* and if it came twice */
	assert_int_equal(counts(&r)->closing, 1);
	assert_true(record_extra(&r, &third, 0));
	assert_true(record_extra(&r, &fourth, 0));
	record_expect(&r, "SXSX");
	assert_int_equal(record_last(&r, 'X')->xfer.rx_bytes, 40);
	assert_int_equal(record_last(&r, 'X')->proc.pid, 13);
	record_settle(&r);
	record_expect(&r, "C");
	assert_int_equal(record_last(&r, 'C')->flow.cookie, 1);
	assert_int_equal(record_last(&r, 'C')->time_ns, end.time_ns);
	assert_int_equal(counts(&r)->closing, 0);
	assert_int_equal(counts(&r)->sockets, 0);
	record_settle(&r);
	record_expect(&r, "");
	record_rig_done(&r);
}

static void settle_ends_only_what_waits(void **state)
{
	struct sw_record open = record_tcp(SW_REC_IO, 1, 10), end = record_tcp(SW_REC_CLOSE, 2, 10);
	struct sw_record more = record_tcp(SW_REC_CLOSE, 3, 10);
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	open.flow.flags |= SW_F_EXTRA;
	end.flow.flags |= SW_F_EXTRA;
	more.flow.flags |= SW_F_EXTRA;
	record_feed(&r, &open);
	record_feed(&r, &end);
	record_feed(&r, &more);
	record_expect(&r, "SSS");
	assert_int_equal(counts(&r)->closing, 2);
	record_settle(&r);
	record_expect(&r, "CC");
	assert_int_equal(counts(&r)->sockets, 1);
	open.kind = SW_REC_CLOSE;
	record_feed(&r, &open);
	record_settle(&r);
	record_expect(&r, "SC");
	assert_int_equal(record_last(&r, 'C')->flow.cookie, 1);
	record_rig_done(&r);
}

static void entries_of_open_sockets_stay_in_the_hash(void **state)
{
	struct sw_record third = record_tcp(SW_REC_IO, 1, 12);
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	third.account.tx_bytes = 30;
	assert_false(record_extra(&r, &third, 0)); /* its socket was not heard of before */
	assert_false(record_extra(&r, &third, 0));
	record_expect(&r, "SX");
	third.account.tx_bytes = 50;
	assert_false(record_extra(&r, &third, 0));
	record_expect_xfer(&r, 20, 0);
	record_settle(&r);
	record_expect(&r, "");
	record_rig_done(&r);
}

/* The last record of the second slot found the ring buffer full, that of the first did not. */
static void parked_totals_of_the_second_slot_come_before_the_end(void **state)
{
	struct sw_record end = record_tcp(SW_REC_CLOSE, 1, 10), second = end;
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	end.flow.flags |= SW_F_RELEASED | SW_F_EXTRA;
	second.flow.flags |= SW_F_RELEASED | SW_F_EXTRA | SW_F_SHARED;
	second.account = record_tcp(0, 1, 11).account;
	second.account.rx_bytes = 9;
	record_moved(&r, &end, 5, 5);
	record_expect(&r, "SX");
	assert_true(record_extra(&r, &second, 2));
	record_expect(&r, "SX");
	assert_int_equal(record_last(&r, 'X')->xfer.rx_bytes, 9);
	record_settle(&r);
	record_expect(&r, "C");
	record_rig_done(&r);
}

/* Before its CLOSE is read, as each walk may be between the two. */
static void parked_totals_of_the_second_slot_may_come_first(void **state)
{
	struct sw_record end = record_tcp(SW_REC_CLOSE, 1, 10), second = end;
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	end.flow.flags |= SW_F_RELEASED | SW_F_EXTRA;
	second.account = record_tcp(0, 1, 11).account;
	second.account.rx_bytes = 9;
	assert_true(record_extra(&r, &second, 2));
	assert_int_equal(counts(&r)->closing, 0); /* that is for its CLOSE to tell */
	record_settle(&r);
	record_expect(&r, "SX");
	assert_int_equal(record_last(&r, 'S')->flow.state, STATE_ESTABLISHED);
	record_moved(&r, &end, 5, 5);
	record_settle(&r);
	record_expect(&r, "SXC");
	record_expect_sums(&r, 1, 5, 14);
	record_rig_done(&r);
}

/* Walks until nothing waits: one that finds the end of a socket may need another one after it. */
static void settle_all(struct record_rig *r)
{
	for (int i = 0; i < 2; i++)
		record_settle(r);
	assert_int_equal(counts(r)->closing, 0);
}

static void a_parked_close_ends_its_socket(void **state)
{
	struct sw_record rec = record_tcp(SW_REC_IO, 1, 10);
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	record_moved(&r, &rec, 10, 0);
	record_expect(&r, "SX");
	rec.flow.flags |= SW_F_RELEASED | SW_F_EXTRA;
	rec.account.tx_bytes = 25;
	assert_true(record_extra(&r, &rec, 1));
	record_expect(&r, "SX");
	assert_int_equal(record_last(&r, 'X')->xfer.tx_bytes, 15);
	assert_int_equal(record_last(&r, 'S')->flow.state, STATE_CLOSE);
	settle_all(&r);
	record_expect(&r, "C");
	assert_int_equal(counts(&r)->sockets, 0);
	record_rig_done(&r);
}

/* A hash has no order: an entry that was kept, as its socket was not known to end, has to find it
 * again in the next walk, or its bytes would count twice. */
static void a_parked_close_may_come_behind_other_entries(void **state)
{
	struct sw_record rec = record_tcp(SW_REC_IO, 1, 10), third = rec;
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	rec.flow.flags |= SW_F_RELEASED | SW_F_EXTRA;
	rec.account.tx_bytes = 25;
	third.account = record_tcp(0, 1, 12).account;
	third.account.tx_bytes = 30;
	assert_false(record_extra(&r, &third, 0));
	assert_true(record_extra(&r, &rec, 1));
	record_settle(&r);
	record_expect(&r, "SXSX");
	assert_int_equal(counts(&r)->closing, 1); /* asks for the next walk */
	assert_true(record_extra(&r, &third, 0));
	record_settle(&r);
	record_expect(&r, "C");
	record_expect_sums(&r, 1, 55, 0);
	assert_int_equal(counts(&r)->closing, 0);
	assert_int_equal(counts(&r)->sockets, 0);
	record_rig_done(&r);
}

static void entries_that_make_no_sense_are_bad_and_deleted(void **state)
{
	struct sw_record rec = record_tcp(SW_REC_IO, 1, 10);
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	rec.flow.family = 0;
	assert_true(record_extra(&r, &rec, 0));
	rec = record_tcp(SW_REC_IO, 0, 10);
	assert_true(record_extra(&r, &rec, 0));
	assert_true(record_extra(&r, &rec, 1));
	record_settle(&r);
	record_expect(&r, "");
	record_expect_bad(&r, 3);
	assert_int_equal(counts(&r)->sockets, 0);
	record_rig_done(&r);
}

static struct sw_record without_release(uint64_t cookie)
{
	struct sw_record rec = record_udp(SW_REC_SWEEP, cookie, 10);

	rec.flow.flags |= SW_F_NO_RELEASE;
	return rec;
}

enum {
	MISSES = 3 /* sweeps that a socket may be missed by, and is still there */
};

static void sweeps_that_miss_a_socket_end_it(void **state)
{
	struct sw_record rec = without_release(1), other = record_udp(SW_REC_SWEEP, 2, 10);
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	record_feed(&r, &rec);
	record_feed(&r, &rec);
	record_feed(&r, &other);
	record_expect(&r, "SS");
	assert_int_equal(counts(&r)->no_release, 1);
	for (int i = 0; i < MISSES; i++) {
		decode_swept(r.decode);
		record_settle(&r);
		assert_int_equal(counts(&r)->closing, 0);
	}
	record_expect(&r, "");
	decode_swept(r.decode);
	assert_int_equal(counts(&r)->closing, 1);
	decode_swept(r.decode);
	assert_int_equal(counts(&r)->closing, 1);
	record_settle(&r);
	record_expect(&r, "C");
	assert_int_equal(record_last(&r, 'C')->flow.cookie, 1);
	assert_int_equal(counts(&r)->no_release, 0);
	assert_int_equal(counts(&r)->sockets, 1);
	for (int i = 0; i < 300; i++) { /* whose end a hook reports is never missed */
		decode_swept(r.decode);
		record_settle(&r);
	}
	record_expect(&r, "");
	record_rig_done(&r);
}

static void a_socket_that_is_seen_again_goes_on(void **state)
{
	struct sw_record rec = without_release(1);
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	for (int round = 0; round < 3; round++) {
		rec.kind = round == 1 ? SW_REC_IO : SW_REC_SWEEP;
		record_feed(&r, &rec);
		for (int i = 0; i < MISSES; i++) {
			decode_swept(r.decode);
			record_settle(&r);
		}
	}
	record_expect(&r, "S");
	record_rig_done(&r);
}

/* What a dead socket left in the hash is no sign of life, however often it is read. */
static void entries_of_the_hash_keep_no_socket_alive(void **state)
{
	struct sw_record rec = without_release(1);
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	rec.flow.flags |= SW_F_EXTRA;
	record_feed(&r, &rec);
	rec.account.rx_bytes = 7;
	for (int i = 0; i <= MISSES; i++) {
		decode_swept(r.decode);
		assert_int_equal(record_extra(&r, &rec, 0), i == MISSES);
		record_settle(&r);
	}
	record_expect(&r, "SXC");
	record_rig_done(&r);
}

static void uses_beyond_the_bound_are_refused_and_counted(void **state)
{
	struct sw_record rec;
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 4);
	for (uint64_t cookie = 1; cookie <= 6; cookie++) {
		rec = record_tcp(SW_REC_IO, cookie, 10);
		record_moved(&r, &rec, 10, 0);
	}
	record_expect(&r, "SXSXSXSX");
	assert_int_equal(counts(&r)->table_full, 2);
	assert_int_equal(counts(&r)->uses, 4);
	assert_int_equal(counts(&r)->sockets, 4);
	record_expect_bad(&r, 0);
	rec = record_tcp(SW_REC_IO, 4, 10);
	record_moved(&r, &rec, 12, 0); /* those that have a place keep it */
	record_expect_xfer(&r, 2, 0);
	rec.kind = SW_REC_CLOSE;
	record_moved(&r, &rec, 12, 0);
	record_expect(&r, "SC");
	rec = record_tcp(SW_REC_IO, 5, 10);
	record_moved(&r, &rec, 25, 0); /* now there is room: nothing of it is lost */
	record_expect(&r, "SX");
	assert_int_equal(record_last(&r, 'X')->xfer.tx_bytes, 25);
	assert_int_equal(counts(&r)->table_full, 2);
	record_rig_done(&r);
}

/* The use that its last record tells of was refused; its socket and other uses were not. */
static void a_full_table_hides_no_end(void **state)
{
	struct sw_record first = record_tcp(SW_REC_IO, 1, 10),
			 end = record_tcp(SW_REC_CLOSE, 1, 11);
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 1);
	record_moved(&r, &first, 10, 0);
	record_expect(&r, "SX");
	record_moved(&r, &end, 10, 0);
	record_expect(&r, "C");
	assert_int_equal(counts(&r)->table_full, 1);
	assert_int_equal(counts(&r)->sockets, 0);
	end.flow.cookie = 2;
	record_moved(&r, &first, 10, 0);
	record_moved(&r, &end, 10, 0); /* never heard of: nothing to end */
	record_expect(&r, "SX");
	assert_int_equal(counts(&r)->table_full, 2);
	assert_int_equal(counts(&r)->sockets, 1);
	record_rig_done(&r);
}

static void a_full_table_lets_the_hash_be_read(void **state)
{
	struct sw_record first = record_tcp(SW_REC_IO, 1, 10), end = first, third = first;
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 1);
	record_feed(&r, &first);
	record_expect(&r, "S");
	third.account = record_tcp(0, 1, 12).account;
	assert_false(record_extra(&r, &third, 0));
	assert_int_equal(counts(&r)->table_full, 1);
	end.kind = SW_REC_CLOSE;
	end.flow.flags |= SW_F_EXTRA;
	end.account = record_tcp(0, 1, 11).account;
	record_feed(&r, &end);
	assert_int_equal(counts(&r)->closing, 1);
	assert_true(record_extra(&r, &third, 0));
	record_settle(&r);
	record_expect(&r, "C");
	record_rig_done(&r);
}

static void a_decoder_can_go_at_any_time(void **state)
{
	struct sw_record rec = record_tcp(SW_REC_CLOSE, 1, 10);
	struct record_rig r;

	(void)state;
	decode_free(NULL);
	record_rig_init(&r, 0);
	record_rig_done(&r);
	record_rig_init(&r, 0);
	rec.flow.flags |= SW_F_EXTRA;
	record_feed(&r, &rec);
	record_expect(&r, "S");
	record_rig_done(&r); /* its end was not told */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(close_ends_and_forgets),
		cmocka_unit_test(a_cookie_used_again_starts_from_nothing),
		cmocka_unit_test(close_waits_for_the_hash),
		cmocka_unit_test(settle_ends_only_what_waits),
		cmocka_unit_test(entries_of_open_sockets_stay_in_the_hash),
		cmocka_unit_test(parked_totals_of_the_second_slot_come_before_the_end),
		cmocka_unit_test(parked_totals_of_the_second_slot_may_come_first),
		cmocka_unit_test(a_parked_close_ends_its_socket),
		cmocka_unit_test(a_parked_close_may_come_behind_other_entries),
		cmocka_unit_test(entries_that_make_no_sense_are_bad_and_deleted),
		cmocka_unit_test(sweeps_that_miss_a_socket_end_it),
		cmocka_unit_test(a_socket_that_is_seen_again_goes_on),
		cmocka_unit_test(entries_of_the_hash_keep_no_socket_alive),
		cmocka_unit_test(uses_beyond_the_bound_are_refused_and_counted),
		cmocka_unit_test(a_full_table_hides_no_end),
		cmocka_unit_test(a_full_table_lets_the_hash_be_read),
		cmocka_unit_test(a_decoder_can_go_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
