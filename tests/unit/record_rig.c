/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "record_rig.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "fixture.h"

void record_rig_init(struct record_rig *r, size_t max_uses)
{
	memset(r, 0, sizeof(*r));
	r->decode = decode_new(max_uses);
	assert_non_null(r->decode);
}

void record_rig_done(struct record_rig *r)
{
	record_expect(r, "");
	decode_free(r->decode);
}

void record_heard(const struct event *ev, void *rig)
{
	struct record_rig *r = rig;

	if (r->count == RECORD_EVENTS)
		fail_msg("more than %d events", RECORD_EVENTS);
	r->events[r->count++] = *ev;
}

void record_ip(uint8_t ip[16], const char *text)
{
	struct addr a = fixture_addr(text, 0);

	memcpy(ip, a.ip, sizeof(a.ip));
}

struct sw_record record_tcp(uint32_t kind, uint64_t cookie, uint32_t pid)
{
	struct sw_record rec = {
		.time_ns = 1000 + cookie,
		.kind = kind,
		.flow =
			{
				.cookie = cookie,
				.cgroup_id = 77,
				.netns = 4026531840,
				.uid = 5,
				.flags = SW_F_CLIENT,
				.family = AF_INET,
				.protocol = IPPROTO_TCP,
				.lport = 40000,
				.rport = 443,
				.type = SOCK_STREAM,
				.state = STATE_ESTABLISHED,
			},
	};

	record_ip(rec.flow.laddr, "10.0.0.1");
	record_ip(rec.flow.raddr, "10.0.0.2");
	if (!pid)
		return rec;
	rec.account.tgid = pid;
	rec.account.start_ns = 1000 * (uint64_t)pid;
	rec.account.uid = 1000;
	snprintf(rec.account.comm, sizeof(rec.account.comm), "proc%u", pid);
	return rec;
}

struct sw_record record_udp(uint32_t kind, uint64_t cookie, uint32_t pid)
{
	struct sw_record rec = record_tcp(kind, cookie, pid);

	rec.flow.flags = 0;
	rec.flow.protocol = IPPROTO_UDP;
	rec.flow.type = SOCK_DGRAM;
	rec.flow.state = STATE_CLOSE;
	rec.flow.rport = 0;
	record_ip(rec.flow.laddr, "0.0.0.0");
	record_ip(rec.flow.raddr, "0.0.0.0");
	return rec;
}

void record_set_peer(struct sw_record *rec, const char *ip, uint16_t port)
{
	rec->flow.flags |= SW_F_PER_PEER | SW_F_SHARED | SW_F_EXTRA;
	rec->flow.rport = port;
	record_ip(rec->flow.raddr, ip);
}

void record_feed(struct record_rig *r, const struct sw_record *rec)
{
	decode_record(r->decode, rec, sizeof(*rec), record_heard, r);
}

void record_moved(struct record_rig *r, const struct sw_record *rec, uint64_t tx, uint64_t rx)
{
	struct sw_record moved = *rec;

	moved.account.tx_bytes = tx;
	moved.account.rx_bytes = rx;
	record_feed(r, &moved);
}

bool record_extra(struct record_rig *r, const struct sw_record *rec, uint16_t closed)
{
	struct sw_extra value = {.flow = rec->flow, .account = rec->account};
	struct sw_extra_key key = {
		.cookie = rec->flow.cookie,
		.start_ns = rec->account.start_ns,
		.tgid = rec->account.tgid,
		.closed = closed,
	};

	value.flow.flags |= SW_F_EXTRA;
	if (rec->flow.flags & SW_F_PER_PEER) {
		key.rport = rec->flow.rport;
		memcpy(key.raddr, rec->flow.raddr, sizeof(key.raddr));
	}
	return decode_extra(r->decode, &key, &value, record_heard, r);
}

void record_settle(struct record_rig *r)
{
	decode_settle(r->decode, record_heard, r);
}

static char letter_of(const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_SEEN:
		return 'S';
	case EVENT_XFER:
		return 'X';
	case EVENT_FAIL:
		return 'F';
	case EVENT_CLOSE:
		return 'C';
	case EVENT_BIND_FAIL:
		return 'B';
	case EVENT_EXIT:
		return 'E';
	default:
		return '?';
	}
}

void record_expect(struct record_rig *r, const char *letters)
{
	char got[RECORD_EVENTS + 1] = "";
	unsigned int n = 0;

	while (r->next < r->count)
		got[n++] = letter_of(&r->events[r->next++]);
	assert_string_equal(got, letters);
}

const struct event *record_last(const struct record_rig *r, char letter)
{
	for (unsigned int i = r->next; i > 0; i--)
		if (letter_of(&r->events[i - 1]) == letter)
			return &r->events[i - 1];
	fail_msg("no event %c", letter);
	return NULL;
}

void record_expect_xfer(struct record_rig *r, uint64_t tx, uint64_t rx)
{
	const struct event *ev;

	record_expect(r, "X");
	ev = record_last(r, 'X');
	assert_int_equal(ev->xfer.tx_bytes, tx);
	assert_int_equal(ev->xfer.rx_bytes, rx);
}

void record_expect_sums(const struct record_rig *r, uint64_t cookie, uint64_t tx, uint64_t rx)
{
	for (unsigned int i = 0; i < r->count; i++) {
		const struct event *ev = &r->events[i];

		if (ev->kind != EVENT_XFER || ev->flow.cookie != cookie)
			continue;
		tx -= ev->xfer.tx_bytes;
		rx -= ev->xfer.rx_bytes;
	}
	if (tx || rx)
		fail_msg("socket %ju: %jd sent and %jd received bytes are missing",
			 (uintmax_t)cookie, (intmax_t)tx, (intmax_t)rx);
}

void record_expect_bad(const struct record_rig *r, uint64_t count)
{
	assert_int_equal(decode_counts(r->decode)->bad_records, count);
}
