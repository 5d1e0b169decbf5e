/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records into events, totals into deltas. What a flow becomes: test_decode_flow.c; how sockets
 * end: test_decode_end.c; many of everything: test_decode_sums.c. */
#include "record_rig.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void the_end_of_a_process_needs_no_flow(void **state)
{
	struct sw_record rec = {.kind = SW_REC_EXIT, .time_ns = 7};
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	rec.account.tgid = 42;
	rec.account.start_ns = 99;
	record_feed(&r, &rec);
	record_expect(&r, "E");
	assert_int_equal(r.events[0].proc.pid, 42);
	assert_int_equal(r.events[0].proc.start_ns, 99);
	assert_int_equal(r.events[0].time_ns, 7);
	record_rig_done(&r);
}

static void each_kind_makes_its_events(void **state)
{
	const struct {
		uint32_t kind;
		const char *first, *again; /* with bytes, of a use that is new or known */
	} kinds[] = {
		{SW_REC_IO, "SX", "X"},           {SW_REC_SWEEP, "SX", "X"},
		{SW_REC_SNAPSHOT, "SX", "SX"},    {SW_REC_CONNECT, "SX", "SX"},
		{SW_REC_ESTABLISHED, "SX", "SX"}, {SW_REC_ACCEPT, "SX", "SX"},
		{SW_REC_FAIL, "SFX", "FX"},       {SW_REC_BIND, "SX", "SX"},
		{SW_REC_LISTEN, "SX", "SX"},      {SW_REC_CLOSE, "SXC", "SXC"},
		{SW_REC_RESET, "SX", "SX"},       {SW_REC_BIND_FAIL, "B", "B"},
	};
	struct record_rig r;

	(void)state;
	assert_int_equal(sizeof(kinds) / sizeof(kinds[0]), SW_REC_KINDS - 2); /* without EXIT */
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct sw_record rec = record_tcp(kinds[i].kind, 1, 10);

		record_rig_init(&r, 0);
		record_moved(&r, &rec, 7, 5);
		record_expect(&r, kinds[i].first);
		record_moved(&r, &rec, 9, 9);
		record_expect(&r, kinds[i].again);
		record_expect_bad(&r, 0);
		record_rig_done(&r);
	}
}

/* What a trace tells of: news, who ended a connection, what a bind asked for. */
static void what_happened_is_told(void **state)
{
	static const struct {
		uint32_t kind;
		uint8_t news;
	} kinds[] = {
		{SW_REC_CONNECT, NEWS_CONNECT}, {SW_REC_ESTABLISHED, NEWS_ESTABLISHED},
		{SW_REC_ACCEPT, NEWS_ACCEPT},   {SW_REC_LISTEN, NEWS_LISTEN},
		{SW_REC_BIND, NEWS_BIND},       {SW_REC_RESET, NEWS_RESET},
		{SW_REC_IO, NEWS_NONE},         {SW_REC_SNAPSHOT, NEWS_NONE},
	};
	struct record_rig r;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct sw_record rec = record_tcp(kinds[i].kind, 1, 10);

		record_rig_init(&r, 0);
		rec.flow.end = SW_END_RESET_PEER;
		rec.flow.srtt_us = 1234;
		rec.flow.retransmits = 5;
		rec.flow.flags |= SW_F_REUSEPORT;
		record_feed(&r, &rec);
		r.next = r.count;
		assert_int_equal(record_last(&r, 'S')->seen.news, kinds[i].news);
		assert_int_equal(record_last(&r, 'S')->flow.end, ENDED_RESET_PEER);
		assert_int_equal(record_last(&r, 'S')->flow.rtt_us, 1234);
		assert_int_equal(record_last(&r, 'S')->flow.retransmits, 5);
		assert_true(record_last(&r, 'S')->flow.reuse_port);
		assert_false(record_last(&r, 'S')->flow.reuse_addr);
		record_rig_done(&r);
	}
}

/* Without bytes there is nothing to say but what is new. */
static void no_bytes_make_no_transfer(void **state)
{
	struct record_rig r;

	(void)state;
	for (uint32_t kind = SW_REC_IO; kind <= SW_REC_CLOSE; kind++) {
		struct sw_record rec = record_tcp(kind, 1, 10);

		record_rig_init(&r, 0);
		record_feed(&r, &rec);
		record_expect(&r, kind == SW_REC_FAIL        ? "SF"
				  : kind == SW_REC_CLOSE     ? "SC"
				  : kind == SW_REC_BIND_FAIL ? "B"
							     : "S");
		record_rig_done(&r);
	}
}

static void events_carry_what_the_record_says(void **state)
{
	struct sw_record rec = record_tcp(SW_REC_IO, 0x1122334455667788, 10);
	const struct event *ev;
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	record_moved(&r, &rec, 7, 5);
	record_expect(&r, "SX");
	ev = record_last(&r, 'S');
	assert_int_equal(ev->time_ns, rec.time_ns);
	assert_int_equal(ev->flow.cookie, 0x1122334455667788);
	assert_int_equal(ev->flow.cgroup_id, 77);
	assert_int_equal(ev->flow.netns, 4026531840);
	assert_int_equal(ev->flow.protocol, IPPROTO_TCP);
	assert_int_equal(ev->flow.state, STATE_ESTABLISHED);
	assert_int_equal(ev->flow.local.port, 40000);
	assert_int_equal(ev->flow.peer.port, 443);
	assert_memory_equal(ev->flow.local.ip, rec.flow.laddr, 16);
	assert_memory_equal(ev->flow.peer.ip, rec.flow.raddr, 16);
	assert_int_equal(ev->proc.pid, 10);
	assert_int_equal(ev->proc.start_ns, 10000);
	assert_int_equal(ev->proc.uid, 1000);
	assert_string_equal(ev->proc.name, "proc10");
	ev = record_last(&r, 'X');
	assert_int_equal(ev->time_ns, rec.time_ns);
	assert_int_equal(ev->flow.cookie, 0x1122334455667788);
	assert_int_equal(ev->proc.pid, 10);
	assert_int_equal(ev->xfer.tx_bytes, 7);
	assert_int_equal(ev->xfer.rx_bytes, 5);
	record_rig_done(&r);
}

static void failures_carry_their_error(void **state)
{
	const struct {
		int32_t raw, error;
	} errors[] = {{111, 111}, {0, 0}, {-111, 0}, {INT32_MIN, 0}};
	struct record_rig r;

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct sw_record rec = record_tcp(SW_REC_FAIL, 1, 10);

		record_rig_init(&r, 0);
		rec.error = errors[i].raw;
		record_feed(&r, &rec);
		record_expect(&r, "SF");
		assert_int_equal(record_last(&r, 'F')->fail.error, errors[i].error);
		record_rig_done(&r);
	}
}

/* In a buffer of just its size, so that a sanitizer sees a byte too far. */
static void feed_bytes(struct record_rig *r, const void *data, size_t len)
{
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, data, len);
	decode_record(r->decode, copy, len, record_heard, r);
	free(copy);
}

static void records_of_other_lengths_are_bad(void **state)
{
	char data[2 * sizeof(struct sw_record)] = {0};
	struct sw_record rec = record_tcp(SW_REC_IO, 1, 10);
	struct record_rig r;
	uint64_t bad = 0;

	(void)state;
	record_rig_init(&r, 0);
	memcpy(data, &rec, sizeof(rec));
	memcpy(data + sizeof(rec), &rec, sizeof(rec));
	for (size_t len = 0; len <= sizeof(data); len++) {
		if (len == sizeof(rec))
			continue;
		feed_bytes(&r, data, len);
		record_expect_bad(&r, ++bad);
	}
	decode_record(r.decode, data, SIZE_MAX, record_heard, &r);
	record_expect_bad(&r, ++bad);
	record_expect(&r, "");
	assert_int_equal(decode_counts(r.decode)->sockets, 0);
	feed_bytes(&r, data, sizeof(rec));
	record_expect(&r, "S");
	record_expect_bad(&r, bad);
	record_rig_done(&r);
}

static void expect_refused(const struct sw_record *rec)
{
	struct record_rig r;

	record_rig_init(&r, 0);
	record_feed(&r, rec);
	record_expect(&r, "");
	record_expect_bad(&r, 1);
	assert_int_equal(decode_counts(r.decode)->sockets, 0);
	assert_int_equal(decode_counts(r.decode)->uses, 0);
	record_rig_done(&r);
}

static void records_of_nothing_we_know_are_bad(void **state)
{
	const uint32_t kinds[] = {0, SW_REC_KINDS, 255, 256 + SW_REC_IO, UINT32_MAX};
	const uint16_t families[] = {0, AF_UNIX, AF_NETLINK, 0x0200, UINT16_MAX};

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct sw_record rec = record_tcp(kinds[i], 1, 10);

		expect_refused(&rec);
		rec = record_tcp(SW_REC_IO, 1, 10);
		rec.flow.family = families[i];
		expect_refused(&rec);
		rec = record_tcp(SW_REC_CLOSE, 0, 10);
		expect_refused(&rec);
	}
}

static void records_may_be_unaligned(void **state)
{
	struct sw_record rec = record_tcp(SW_REC_IO, 1, 10);
	char data[sizeof(rec) + 8];
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	record_moved(&r, &rec, 1, 1);
	record_expect(&r, "SX");
	for (size_t at = 1; at < 8; at++) {
		rec.account.tx_bytes = 1 + at;
		rec.account.rx_bytes = 1;
		memcpy(data + at, &rec, sizeof(rec));
		decode_record(r.decode, data + at, sizeof(rec), record_heard, &r);
		record_expect_xfer(&r, 1, 0);
	}
	record_rig_done(&r);
}

static void totals_become_what_was_added(void **state)
{
	struct sw_record rec = record_tcp(SW_REC_IO, 1, 10);
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	record_moved(&r, &rec, 100, 50);
	record_expect(&r, "SX");
	record_moved(&r, &rec, 160, 50);
	record_expect_xfer(&r, 60, 0);
	record_moved(&r, &rec, 160, 51);
	record_expect_xfer(&r, 0, 1);
	/* a record of 200/90 is lost: the next one makes up for it */
	record_moved(&r, &rec, 300, 100);
	record_expect_xfer(&r, 140, 49);
	record_moved(&r, &rec, UINT64_MAX, UINT64_MAX);
	record_expect_xfer(&r, UINT64_MAX - 300, UINT64_MAX - 100);
	record_rig_done(&r);
}

static void a_record_that_comes_twice_gives_nothing(void **state)
{
	struct sw_record rec = record_tcp(SW_REC_IO, 1, 10);
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	record_moved(&r, &rec, 100, 50);
	record_expect(&r, "SX");
	record_moved(&r, &rec, 100, 50);
	rec.kind = SW_REC_SWEEP;
	record_moved(&r, &rec, 100, 50);
	record_expect(&r, "");
	assert_int_equal(decode_counts(r.decode)->io_records, 1);
	record_rig_done(&r);
}

static void a_record_that_comes_late_gives_nothing(void **state)
{
	struct sw_record rec = record_tcp(SW_REC_IO, 1, 10);
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	record_moved(&r, &rec, 100, 50);
	record_expect(&r, "SX");
	record_moved(&r, &rec, 80, 40); /* was sent before it, read after it */
	record_expect(&r, "");
	record_moved(&r, &rec, 0, 0);
	record_expect(&r, "");
	record_moved(&r, &rec, 101, 40); /* tx is newer than what we know, rx older */
	record_expect_xfer(&r, 1, 0);
	record_moved(&r, &rec, 110, 60);
	record_expect_xfer(&r, 9, 10);
	record_rig_done(&r);
}

static void each_process_has_totals_of_its_own(void **state)
{
	struct sw_record a = record_tcp(SW_REC_IO, 1, 10), b = record_tcp(SW_REC_IO, 1, 11);
	struct sw_record again = a; /* the same pid, another process */
	struct record_rig r;

	(void)state;
	b.flow.flags |= SW_F_SHARED;
	again.account.start_ns++;
	record_rig_init(&r, 0);
	record_moved(&r, &a, 100, 0);
	record_expect(&r, "SX");
	record_moved(&r, &b, 100, 1);
	record_expect(&r, "SX");
	assert_int_equal(record_last(&r, 'X')->xfer.tx_bytes, 100);
	assert_int_equal(record_last(&r, 'X')->proc.pid, 11);
	assert_true(record_last(&r, 'X')->flow.shared);
	record_moved(&r, &again, 100, 2);
	record_expect(&r, "SX");
	assert_int_equal(record_last(&r, 'X')->xfer.tx_bytes, 100);
	record_moved(&r, &a, 101, 0);
	record_expect_xfer(&r, 1, 0);
	assert_false(record_last(&r, 'X')->flow.shared);
	record_moved(&r, &b, 102, 1);
	record_expect_xfer(&r, 2, 0);
	record_expect_sums(&r, 1, 303, 3);
	assert_int_equal(decode_counts(r.decode)->sockets, 1);
	assert_int_equal(decode_counts(r.decode)->uses, 3);
	record_rig_done(&r);
}

static void each_peer_has_totals_of_its_own(void **state)
{
	struct sw_record row = record_udp(SW_REC_IO, 1, 10), a = row, b = row, c = row;
	struct record_rig r;

	(void)state;
	record_set_peer(&a, "10.0.0.2", 53);
	record_set_peer(&b, "10.0.0.2", 54);
	record_set_peer(&c, "10.0.0.3", 53);
	record_rig_init(&r, 0);
	record_moved(&r, &row, 1, 0);
	record_moved(&r, &a, 10, 0);
	record_moved(&r, &b, 20, 0);
	record_moved(&r, &c, 30, 0);
	record_expect(&r, "SXSXSXSX");
	assert_true(record_last(&r, 'X')->flow.per_peer);
	assert_int_equal(record_last(&r, 'X')->flow.peer.port, 53);
	record_moved(&r, &a, 11, 0);
	record_expect_xfer(&r, 1, 0);
	record_moved(&r, &b, 22, 0);
	record_expect_xfer(&r, 2, 0);
	record_moved(&r, &c, 33, 0);
	record_expect_xfer(&r, 3, 0);
	record_moved(&r, &row, 5, 0);
	record_expect_xfer(&r, 4, 0);
	assert_false(record_last(&r, 'X')->flow.per_peer);
	record_rig_done(&r);
}

/* Its peer is known, not part of its key: the connect of a bound socket changes it. */
static void the_row_of_a_socket_is_one_whatever_its_peer(void **state)
{
	struct sw_record rec = record_udp(SW_REC_IO, 1, 10);
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	record_moved(&r, &rec, 10, 0);
	record_expect(&r, "SX");
	rec.flow.rport = 53;
	record_ip(rec.flow.raddr, "10.0.0.2");
	record_moved(&r, &rec, 11, 0);
	record_expect_xfer(&r, 1, 0);
	assert_int_equal(record_last(&r, 'X')->flow.peer.port, 53);
	record_rig_done(&r);
}

static void overflow_has_totals_of_its_own(void **state)
{
	struct sw_record nobody = record_tcp(SW_REC_SWEEP, 1, 0), over = nobody;
	struct record_rig r;

	(void)state;
	over.flow.flags |= SW_F_SHARED | SW_F_OVERFLOW;
	record_rig_init(&r, 0);
	record_moved(&r, &nobody, 0, 100);
	record_moved(&r, &over, 0, 100);
	record_expect(&r, "SXSX");
	assert_int_equal(record_last(&r, 'X')->proc.unattributed, UNATTRIBUTED_OVERFLOW);
	record_moved(&r, &over, 0, 107);
	record_expect_xfer(&r, 0, 7);
	record_moved(&r, &nobody, 0, 103);
	record_expect_xfer(&r, 0, 3);
	record_rig_done(&r);
}

static void a_change_of_state_is_told_once(void **state)
{
	struct sw_record rec = record_tcp(SW_REC_SWEEP, 1, 10);
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	record_feed(&r, &rec);
	record_expect(&r, "S");
	record_feed(&r, &rec);
	record_expect(&r, "");
	rec.flow.state = STATE_CLOSE_WAIT;
	record_feed(&r, &rec);
	record_expect(&r, "S");
	assert_int_equal(record_last(&r, 'S')->flow.state, STATE_CLOSE_WAIT);
	record_feed(&r, &rec);
	record_expect(&r, "");
	rec.flow.flags = SW_F_SERVER;
	record_feed(&r, &rec);
	record_expect(&r, "S");
	assert_int_equal(record_last(&r, 'S')->flow.role, ROLE_SERVER);
	record_rig_done(&r);
}

/* exec() and prctl() */
static void a_change_of_name_is_told_once(void **state)
{
	struct sw_record rec = record_tcp(SW_REC_IO, 1, 10);
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	record_moved(&r, &rec, 1, 0);
	strcpy(rec.account.comm, "worker");
	record_moved(&r, &rec, 2, 0);
	record_expect(&r, "SXSX");
	assert_string_equal(record_last(&r, 'S')->proc.name, "worker");
	memset(rec.account.comm + 7, 'x', SW_COMM - 7); /* behind its end: the same name */
	record_moved(&r, &rec, 3, 0);
	record_expect_xfer(&r, 1, 0);
	record_rig_done(&r);
}

static void what_a_snapshot_shows_was_open(void **state)
{
	(void)state;
	for (uint32_t kind = SW_REC_IO; kind <= SW_REC_CLOSE; kind++) {
		struct sw_record rec = record_tcp(kind, 1, 10);
		struct record_rig r;

		if (kind == SW_REC_BIND_FAIL)
			continue;
		record_rig_init(&r, 0);
		record_feed(&r, &rec);
		r.next = r.count;
		assert_int_equal(record_last(&r, 'S')->seen.was_open, kind == SW_REC_SNAPSHOT);
		record_rig_done(&r);
	}
}

static void records_of_bytes_and_of_the_hash_are_counted(void **state)
{
	struct sw_record rec = record_tcp(SW_REC_IO, 1, 10);
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	record_feed(&r, &rec);
	assert_int_equal(decode_counts(r.decode)->io_records, 0);
	record_moved(&r, &rec, 1, 0);
	record_moved(&r, &rec, 1, 1);
	assert_int_equal(decode_counts(r.decode)->io_records, 2);
	assert_int_equal(decode_counts(r.decode)->extra_records, 0);
	rec.flow.flags |= SW_F_EXTRA;
	record_feed(&r, &rec);
	assert_int_equal(decode_counts(r.decode)->extra_records, 1);
	record_expect(&r, "SXX");
	record_rig_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_end_of_a_process_needs_no_flow),
		cmocka_unit_test(each_kind_makes_its_events),
		cmocka_unit_test(what_happened_is_told),
		cmocka_unit_test(no_bytes_make_no_transfer),
		cmocka_unit_test(events_carry_what_the_record_says),
		cmocka_unit_test(failures_carry_their_error),
		cmocka_unit_test(records_of_other_lengths_are_bad),
		cmocka_unit_test(records_of_nothing_we_know_are_bad),
		cmocka_unit_test(records_may_be_unaligned),
		cmocka_unit_test(totals_become_what_was_added),
		cmocka_unit_test(a_record_that_comes_twice_gives_nothing),
		cmocka_unit_test(a_record_that_comes_late_gives_nothing),
		cmocka_unit_test(each_process_has_totals_of_its_own),
		cmocka_unit_test(each_peer_has_totals_of_its_own),
		cmocka_unit_test(the_row_of_a_socket_is_one_whatever_its_peer),
		cmocka_unit_test(overflow_has_totals_of_its_own),
		cmocka_unit_test(a_change_of_state_is_told_once),
		cmocka_unit_test(a_change_of_name_is_told_once),
		cmocka_unit_test(what_a_snapshot_shows_was_open),
		cmocka_unit_test(records_of_bytes_and_of_the_hash_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
