/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a record says about a socket and its process: role, state, family, transport, name. */
#include "record_rig.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "fixture.h"

/* The SEEN event of a decoder that gets only this record. */
static struct event seen_alone(const struct sw_record *rec)
{
	struct record_rig r;
	struct event ev;

	record_rig_init(&r, 0);
	record_feed(&r, rec);
	record_expect(&r, rec->kind == SW_REC_CLOSE ? "SC" : "S");
	ev = *record_last(&r, 'S');
	record_rig_done(&r);
	return ev;
}

static void transport_comes_from_family_type_and_protocol(void **state)
{
	const struct {
		uint16_t family, protocol;
		uint8_t type, transport;
	} sockets[] = {
		{AF_INET, IPPROTO_TCP, SOCK_STREAM, TRANSPORT_TCP},
		{AF_INET6, IPPROTO_TCP, SOCK_STREAM, TRANSPORT_TCP},
		{AF_INET, 262, SOCK_STREAM, TRANSPORT_TCP}, /* MPTCP */
		{AF_INET, IPPROTO_UDP, SOCK_DGRAM, TRANSPORT_UDP},
		{AF_INET, IPPROTO_UDPLITE, SOCK_DGRAM, TRANSPORT_UDPLITE},
		{AF_INET, IPPROTO_SCTP, SOCK_STREAM, TRANSPORT_SCTP},
		{AF_INET, IPPROTO_SCTP, SOCK_SEQPACKET, TRANSPORT_SCTP},
		{AF_INET, IPPROTO_ICMP, SOCK_DGRAM, TRANSPORT_ICMP}, /* ping without privileges */
		{AF_INET, IPPROTO_ICMP, SOCK_RAW, TRANSPORT_ICMP},
		{AF_INET6, IPPROTO_ICMPV6, SOCK_RAW, TRANSPORT_ICMP},
		{AF_INET, IPPROTO_RAW, SOCK_RAW, TRANSPORT_RAW},
		{AF_INET, IPPROTO_TCP, SOCK_RAW, TRANSPORT_RAW},
		{AF_INET, IPPROTO_UDP, SOCK_RAW, TRANSPORT_RAW},
		{AF_INET, 89, SOCK_RAW, TRANSPORT_RAW},
		{AF_PACKET, 3, SOCK_RAW, TRANSPORT_PACKET},   /* ETH_P_ALL */
		{AF_PACKET, 6, SOCK_DGRAM, TRANSPORT_PACKET}, /* not TCP: an ethertype */
		{AF_PACKET, 0, SOCK_RAW, TRANSPORT_PACKET},
		{AF_INET, 33, SOCK_DCCP, TRANSPORT_OTHER},
		{AF_INET, 0, 0, TRANSPORT_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		struct sw_record rec = record_tcp(SW_REC_IO, 1, 10);
		struct event ev;

		rec.flow.family = sockets[i].family;
		rec.flow.protocol = sockets[i].protocol;
		rec.flow.type = sockets[i].type;
		ev = seen_alone(&rec);
		if (ev.flow.transport != sockets[i].transport)
			fail_msg("row %zu is %s", i, transport_name(ev.flow.transport));
		assert_int_equal(ev.flow.protocol, sockets[i].protocol);
	}
}

static void expect_addr(const struct addr *a, const char *text, uint16_t port)
{
	char got[ADDR_TEXT + 8];
	struct addr want = {.port = 0};

	if (strcmp(text, "*") != 0)
		want = fixture_addr(text, port);
	want.port = port;
	addr_format(got, sizeof(got), a);
	if (addr_cmp(a, &want))
		fail_msg("%s is not %s, port %u", got, text, port);
}

static void family_is_that_of_the_traffic(void **state)
{
	const struct {
		uint16_t family;
		const char *laddr, *raddr; /* as in the record */
		uint16_t rport;
		uint8_t traffic;
		const char *local, *peer; /* as in the event; * = all zero */
	} sockets[] = {
		{AF_INET, "10.0.0.1", "10.0.0.2", 443, 4, "10.0.0.1", "10.0.0.2"},
		{AF_INET, "0.0.0.0", "0.0.0.0", 0, 4, "0.0.0.0", "*"},
		{AF_INET, "0.0.0.0", "0.0.0.0", 443, 4, "0.0.0.0", "0.0.0.0"},
		{AF_INET6, "2001:db8::1", "2001:db8::2", 443, 6, "2001:db8::1", "2001:db8::2"},
		{AF_INET6, "::1", "::1", 443, 6, "::1", "::1"},
		{AF_INET6, "::", "::", 0, 6, "*", "*"},
		{AF_INET6, "::", "2001:db8::2", 0, 6, "*", "2001:db8::2"},
		/* v4-mapped: IPv4 traffic of an IPv6 socket */
		{AF_INET6, "10.0.0.1", "10.0.0.2", 443, 4, "10.0.0.1", "10.0.0.2"},
		{AF_INET6, "::", "10.0.0.2", 443, 4, "0.0.0.0", "10.0.0.2"},
		{AF_INET6, "10.0.0.1", "::", 0, 4, "10.0.0.1", "*"},
		{AF_PACKET, "10.0.0.1", "10.0.0.2", 443, 0, "*", "*"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		struct sw_record rec = record_tcp(SW_REC_IO, 1, 10);
		bool has_ports = sockets[i].family != AF_PACKET;
		struct event ev;

		rec.flow.family = sockets[i].family;
		rec.flow.rport = sockets[i].rport;
		record_ip(rec.flow.laddr, sockets[i].laddr);
		record_ip(rec.flow.raddr, sockets[i].raddr);
		ev = seen_alone(&rec);
		assert_int_equal(ev.flow.family, sockets[i].traffic);
		assert_int_equal(ev.flow.v6_socket, sockets[i].family == AF_INET6);
		expect_addr(&ev.flow.local, sockets[i].local, has_ports ? 40000 : 0);
		expect_addr(&ev.flow.peer, sockets[i].peer, has_ports ? sockets[i].rport : 0);
	}
}

static void tcp_role_comes_from_what_was_called(void **state)
{
	const struct {
		uint32_t flags;
		uint8_t role;
	} roles[] = {
		{SW_F_CLIENT, ROLE_CLIENT},
		{SW_F_SERVER, ROLE_SERVER},
		{SW_F_LISTENER, ROLE_LISTENER},
		{SW_F_LISTENER | SW_F_CLIENT, ROLE_LISTENER},
		{SW_F_BOUND, ROLE_UNKNOWN},
		{SW_F_FIRST_RX | SW_F_BEFORE_START, ROLE_UNKNOWN}, /* says nothing for TCP */
		{0, ROLE_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		struct sw_record rec = record_tcp(SW_REC_SWEEP, 1, 10);

		rec.flow.flags = roles[i].flags;
		assert_int_equal(seen_alone(&rec).flow.role, roles[i].role);
	}
}

/* A socket of before the start whose own counters did not say which side it is. */
static struct sw_record of_unknown_side(uint16_t lport)
{
	struct sw_record rec = record_tcp(SW_REC_SNAPSHOT, 2, 20);

	rec.flow.flags = SW_F_BEFORE_START;
	rec.flow.lport = lport;
	return rec;
}

static struct sw_record listener(uint16_t lport)
{
	struct sw_record rec = record_tcp(SW_REC_SNAPSHOT, 1, 10);

	rec.flow.flags = SW_F_LISTENER | SW_F_BEFORE_START;
	rec.flow.state = STATE_LISTEN;
	rec.flow.lport = lport;
	rec.flow.rport = 0;
	record_ip(rec.flow.raddr, "0.0.0.0");
	return rec;
}

static uint8_t role_beside(const struct sw_record *listens, const struct sw_record *rec)
{
	struct record_rig r;
	uint8_t role;

	record_rig_init(&r, 0);
	record_feed(&r, listens);
	record_feed(&r, rec);
	record_expect(&r, "SS");
	role = record_last(&r, 'S')->flow.role;
	record_rig_done(&r);
	return role;
}

static void who_is_on_a_port_that_is_listened_on_serves(void **state)
{
	struct sw_record listens = listener(8080), rec = of_unknown_side(8080);

	(void)state;
	assert_int_equal(role_beside(&listens, &rec), ROLE_SERVER);
	rec = of_unknown_side(8081);
	assert_int_equal(role_beside(&listens, &rec), ROLE_UNKNOWN);
	rec = of_unknown_side(8080);
	rec.flow.netns++;
	assert_int_equal(role_beside(&listens, &rec), ROLE_UNKNOWN);
	rec = of_unknown_side(8080);
	rec.flow.rport = 0; /* bound beside the listener, not a connection */
	assert_int_equal(role_beside(&listens, &rec), ROLE_UNKNOWN);
	rec = of_unknown_side(8080);
	rec.flow.flags |= SW_F_CLIENT; /* what is known is not asked again */
	assert_int_equal(role_beside(&listens, &rec), ROLE_CLIENT);
}

/* UDP has ports of its own. */
static void a_udp_port_says_nothing_about_tcp(void **state)
{
	struct sw_record bound = record_udp(SW_REC_SNAPSHOT, 1, 10), rec = of_unknown_side(8080);

	(void)state;
	bound.flow.lport = 8080;
	bound.flow.flags = SW_F_BOUND;
	assert_int_equal(seen_alone(&bound).flow.role, ROLE_LISTENER);
	assert_int_equal(role_beside(&bound, &rec), ROLE_UNKNOWN);
}

static void a_listener_found_later_is_asked_then(void **state)
{
	struct sw_record listens = listener(8080), rec = of_unknown_side(8080);
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	record_feed(&r, &rec);
	record_feed(&r, &listens);
	record_expect(&r, "SS");
	rec.kind = SW_REC_SWEEP;
	record_feed(&r, &rec);
	record_expect(&r, "S");
	assert_int_equal(record_last(&r, 'S')->flow.role, ROLE_SERVER);
	listens.kind = SW_REC_CLOSE; /* the answer stays when the listener goes */
	record_feed(&r, &listens);
	record_expect(&r, "SC");
	record_feed(&r, &rec);
	record_expect(&r, "");
	record_rig_done(&r);
}

static void a_listener_that_closed_is_not_asked(void **state)
{
	struct sw_record listens = listener(8080), rec = of_unknown_side(8080);
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	record_feed(&r, &listens);
	listens.kind = SW_REC_CLOSE;
	record_feed(&r, &listens);
	record_expect(&r, "SSC");
	record_feed(&r, &rec);
	record_expect(&r, "S");
	assert_int_equal(record_last(&r, 'S')->flow.role, ROLE_UNKNOWN);
	record_rig_done(&r);
}

static void udp_role_comes_from_who_sent_first(void **state)
{
	const struct {
		uint32_t flags;
		uint16_t rport;
		uint8_t role;
	} roles[] = {
		{SW_F_FIRST_TX, 53, ROLE_CLIENT},
		{SW_F_FIRST_RX, 53, ROLE_SERVER},
		{SW_F_FIRST_TX | SW_F_BOUND, 53, ROLE_CLIENT},
		{SW_F_FIRST_RX | SW_F_BOUND, 53, ROLE_SERVER},
		{SW_F_PER_PEER | SW_F_FIRST_TX, 53, ROLE_CLIENT},
		{SW_F_PER_PEER | SW_F_FIRST_RX, 53, ROLE_SERVER},
		{SW_F_PER_PEER | SW_F_FIRST_RX | SW_F_BOUND, 53, ROLE_SERVER},
		{0, 53, ROLE_CLIENT}, /* connected, nothing moved yet */
		{SW_F_BOUND, 0, ROLE_LISTENER},
		{SW_F_BOUND | SW_F_FIRST_RX, 0, ROLE_LISTENER},
		{SW_F_BOUND | SW_F_FIRST_TX, 0, ROLE_CLIENT},
		{0, 0, ROLE_CLIENT},
		{SW_F_FIRST_TX, 0, ROLE_CLIENT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		struct sw_record rec = record_udp(SW_REC_SWEEP, 1, 10);

		rec.flow.flags = roles[i].flags;
		rec.flow.rport = roles[i].rport;
		if (seen_alone(&rec).flow.role != roles[i].role)
			fail_msg("row %zu is not %s", i, role_name(roles[i].role));
	}
}

static void state_is_the_kernels_for_tcp_alone(void **state)
{
	struct sw_record rec = record_tcp(SW_REC_SWEEP, 1, 10);

	(void)state;
	for (uint8_t i = 1; i <= STATE_NEW_SYN_RECV; i++) {
		rec.flow.state = i;
		assert_int_equal(seen_alone(&rec).flow.state, i);
	}
	rec.flow.state = STATE_OPEN; /* ours, not the kernel's */
	assert_int_equal(seen_alone(&rec).flow.state, STATE_NONE);
	rec.flow.state = 255;
	assert_int_equal(seen_alone(&rec).flow.state, STATE_NONE);
	rec.flow.state = STATE_CLOSE;
	rec.flow.rport = 0;
	assert_int_equal(seen_alone(&rec).flow.state, STATE_BOUND);
	rec.flow.lport = 0;
	assert_int_equal(seen_alone(&rec).flow.state, STATE_CLOSE);
	rec = record_udp(SW_REC_SWEEP, 1, 10);
	assert_int_equal(seen_alone(&rec).flow.state, STATE_OPEN);
	rec.kind = SW_REC_CLOSE;
	assert_int_equal(seen_alone(&rec).flow.state, STATE_CLOSE);
}

static void no_process_has_a_reason(void **state)
{
	const struct {
		uint32_t flags, account_flags, tgid;
		uint8_t reason;
	} rows[] = {
		{SW_F_CLIENT, 0, 10, UNATTRIBUTED_NONE},
		{SW_F_KERNEL, 0, 10, UNATTRIBUTED_NONE}, /* a process uses the kernel's socket */
		{SW_F_BEFORE_START, 0, 10, UNATTRIBUTED_NONE},
		{SW_F_CLIENT, SW_A_KTHREAD, 10, UNATTRIBUTED_KERNEL},
		{SW_F_KERNEL, 0, 0, UNATTRIBUTED_KERNEL},
		{SW_F_KERNEL | SW_F_BEFORE_START, 0, 0, UNATTRIBUTED_KERNEL},
		{SW_F_BEFORE_START, 0, 0, UNATTRIBUTED_BEFORE_START},
		{SW_F_BEFORE_START | SW_F_SERVER, 0, 0, UNATTRIBUTED_BEFORE_START},
		{SW_F_SERVER, 0, 0, UNATTRIBUTED_NOT_ACCEPTED},
		{SW_F_CLIENT, 0, 0, UNATTRIBUTED_EXITED},
		{SW_F_OVERFLOW, 0, 0, UNATTRIBUTED_OVERFLOW},
		{SW_F_OVERFLOW | SW_F_KERNEL, SW_A_KTHREAD, 10, UNATTRIBUTED_OVERFLOW},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sw_record rec = record_tcp(SW_REC_SWEEP, 1, rows[i].tgid);
		struct event ev;

		rec.flow.flags = rows[i].flags;
		rec.account.flags = rows[i].account_flags;
		ev = seen_alone(&rec);
		if (ev.proc.unattributed != rows[i].reason)
			fail_msg("row %zu is %s", i, unattributed_name(ev.proc.unattributed));
		assert_int_equal(ev.proc.pid, rows[i].reason ? 0 : 10);
		assert_int_equal(ev.proc.start_ns, rows[i].reason ? 0 : 10000);
		assert_int_equal(ev.proc.uid, rows[i].tgid ? 1000 : 5);
		assert_string_equal(ev.proc.name, rows[i].reason ? "" : "proc10");
	}
}

static void a_name_without_an_end_stays_in_bounds(void **state)
{
	struct sw_record rec = record_tcp(SW_REC_IO, 1, 10);
	struct event ev;

	(void)state;
	memset(rec.account.comm, 'x', sizeof(rec.account.comm));
	ev = seen_alone(&rec);
	assert_string_equal(ev.proc.name, "xxxxxxxxxxxxxxx");
	memcpy(rec.account.comm, "a\x1b[2J\n\xff", 8);
	rec.account.comm[8] = 'b'; /* what is behind the end is not part of it */
	ev = seen_alone(&rec);
	assert_string_equal(ev.proc.name, "a\x1b[2J\n\xff"); /* raw: it is sanitised where it is
								shown */
}

/* Of a listener every holder can accept; of a connection the first one stands for it. */
static void further_holders_count_only_for_listeners(void **state)
{
	struct sw_record first = listener(8080), second = first;
	struct record_rig r;

	(void)state;
	record_rig_init(&r, 0);
	second.account.tgid = 11;
	second.flow.flags |= SW_F_SHARED;
	record_feed(&r, &first);
	record_feed(&r, &second);
	record_expect(&r, "SS");
	assert_int_equal(record_last(&r, 'S')->proc.pid, 11);

	first = of_unknown_side(40000);
	second = first;
	second.account.tgid = 21;
	second.flow.flags |= SW_F_SHARED;
	record_feed(&r, &first);
	record_expect(&r, "S");
	record_feed(&r, &second);
	record_expect(&r, "");
	assert_int_equal(decode_counts(r.decode)->uses, 3);
	second.kind = SW_REC_IO; /* it moves bytes: now it is one */
	record_moved(&r, &second, 1, 0);
	record_expect(&r, "SX");
	record_rig_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transport_comes_from_family_type_and_protocol),
		cmocka_unit_test(family_is_that_of_the_traffic),
		cmocka_unit_test(tcp_role_comes_from_what_was_called),
		cmocka_unit_test(who_is_on_a_port_that_is_listened_on_serves),
		cmocka_unit_test(a_udp_port_says_nothing_about_tcp),
		cmocka_unit_test(a_listener_found_later_is_asked_then),
		cmocka_unit_test(a_listener_that_closed_is_not_asked),
		cmocka_unit_test(udp_role_comes_from_who_sent_first),
		cmocka_unit_test(state_is_the_kernels_for_tcp_alone),
		cmocka_unit_test(no_process_has_a_reason),
		cmocka_unit_test(a_name_without_an_end_stays_in_bounds),
		cmocka_unit_test(further_holders_count_only_for_listeners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
