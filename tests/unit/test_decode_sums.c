/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Very many records, good and bad, in any order: what was told of each use of a socket adds up to
 * the largest total that was seen while the socket was open. */
#include "record_rig.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum {
	ROUNDS = 200000,
	COOKIES = 40, /* few, so that they are used again and meet each other's ends */
	PIDS = 3,
	PEERS = 4,
	USES = COOKIES * (PIDS + 1) * (PEERS + 1) * 2,
};

struct sum {                 /* of one use of a socket since the socket was opened */
	uint64_t told, most; /* bytes of all XFER events; largest total of all records */
};

struct world {
	struct decode *decode;
	uint64_t seed;
	struct sum tx[USES], rx[USES];
	int use;                   /* of the record under way, -1 = it must make no event */
	char told;                 /* letter of its last event, 0 = none yet */
	uint64_t bad, ended;       /* records that must have been refused; CLOSE events */
	uint64_t full;             /* uses that found no room, before this record */
	struct sum was_tx, was_rx; /* of this use, before this record */
};

/* xorshift64*: the same on every machine. */
static uint32_t chance(struct world *w, uint32_t below)
{
	w->seed ^= w->seed >> 12;
	w->seed ^= w->seed << 25;
	w->seed ^= w->seed >> 27;
	return (uint32_t)((w->seed * 0x2545f4914f6cdd1d) >> 33) % below;
}

static int use_of(uint64_t cookie, uint32_t pid, uint32_t peer, bool over)
{
	return (int)((((cookie - 1) * (PIDS + 1) + pid) * (PEERS + 1) + peer) * 2 + over);
}

static int cookie_of(int use)
{
	return use / ((PIDS + 1) * (PEERS + 1) * 2) + 1;
}

static void check_told(const struct sum *sum, int use, const char *way)
{
	if (sum->told != sum->most)
		fail_msg("use %d of socket %d: %ju bytes %s, told %ju", use, cookie_of(use),
			 (uintmax_t)sum->most, way, (uintmax_t)sum->told);
}

/* All uses of a socket end with it, and a socket of this cookie begins anew. */
static void socket_ended(struct world *w, uint64_t cookie)
{
	assert_in_range(cookie, 1, COOKIES);
	w->ended++;
	for (int i = use_of(cookie, 0, 0, false); i < use_of(cookie + 1, 0, 0, false); i++) {
		check_told(&w->tx[i], i, "sent");
		check_told(&w->rx[i], i, "received");
		w->tx[i] = w->rx[i] = (struct sum){0};
	}
}

/* The record under way found no room: as if it had not come. */
static bool take_back(struct world *w)
{
	if (decode_counts(w->decode)->table_full == w->full)
		return false;
	w->tx[w->use] = w->was_tx;
	w->rx[w->use] = w->was_rx;
	return true;
}

static void on_event(const struct event *ev, void *arg)
{
	struct world *w = arg;

	if (ev->kind == EVENT_EXIT) /* has no flow and moves no bytes */
		return;
	assert_int_not_equal(w->use, -1);
	switch (ev->kind) {
	case EVENT_SEEN:
		assert_int_equal(w->told, 0);
		w->told = 'S';
		break;
	case EVENT_FAIL:
		assert_true(w->told == 0 || w->told == 'S');
		w->told = 'F';
		break;
	case EVENT_XFER:
		assert_true(w->told != 'X' && w->told != 'C');
		assert_true(ev->xfer.tx_bytes || ev->xfer.rx_bytes);
		w->told = 'X';
		w->tx[w->use].told += ev->xfer.tx_bytes;
		w->rx[w->use].told += ev->xfer.rx_bytes;
		break;
	default:
		assert_int_equal(ev->kind, EVENT_CLOSE);
		assert_int_not_equal(w->told, 'C');
		w->told = 'C';
		take_back(w);
		socket_ended(w, ev->flow.cookie);
		return;
	}
	assert_int_equal(ev->flow.cookie, cookie_of(w->use));
	assert_true(memchr(ev->proc.name, 0, sizeof(ev->proc.name)) != NULL);
}

static void settled(const struct event *ev, void *arg)
{
	assert_int_equal(ev->kind, EVENT_CLOSE);
	socket_ended(arg, ev->flow.cookie);
}

static void fill_random(struct world *w, void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)data)[i] = (uint8_t)chance(w, 256);
}

/* A record that the kernel side could send; *@use gets its use. */
static struct sw_record a_record(struct world *w, int *use)
{
	static const uint32_t flags = SW_F_SERVER | SW_F_CLIENT | SW_F_LISTENER |
				      SW_F_BEFORE_START | SW_F_KERNEL | SW_F_BOUND | SW_F_FIRST_TX |
				      SW_F_FIRST_RX | SW_F_SHARED | SW_F_NO_RELEASE;
	uint32_t pid = chance(w, PIDS + 1), peer = 0, over = chance(w, 16) == 0;
	uint64_t cookie = 1 + chance(w, COOKIES);
	struct sw_record rec = record_tcp(1 + chance(w, SW_REC_CLOSE), cookie, 0);

	if (rec.kind == SW_REC_BIND_FAIL) /* says nothing of the socket */
		rec.kind = SW_REC_BIND;
	if (rec.kind == SW_REC_CLOSE && chance(w, 4))
		rec.kind = SW_REC_IO;
	if (chance(w, 2))
		rec.flow.protocol = IPPROTO_UDP;
	rec.flow.family = chance(w, 3) ? AF_INET : chance(w, 2) ? AF_INET6 : AF_PACKET;
	rec.flow.flags = (uint32_t)w->seed & flags;
	rec.flow.flags |= chance(w, 3) ? 0 : SW_F_EXTRA;
	rec.flow.flags |= over ? SW_F_OVERFLOW : 0;
	rec.flow.state = (uint8_t)chance(w, 256);
	if (chance(w, 3) == 0) {
		peer = 1 + chance(w, PEERS);
		rec.flow.flags |= SW_F_PER_PEER;
		rec.flow.rport = (uint16_t)(50 + peer);
	}
	fill_random(w, rec.account.comm, sizeof(rec.account.comm));
	rec.account.tgid = pid;
	rec.account.start_ns = pid * 7;
	rec.account.flags = chance(w, 8) ? 0 : SW_A_KTHREAD;
	*use = use_of(cookie, pid, peer, over);
	if (rec.kind == SW_REC_SNAPSHOT) /* tells of holders, not of bytes */
		return rec;
	rec.account.tx_bytes = w->tx[*use].most + chance(w, 2000);
	rec.account.rx_bytes = w->rx[*use].most + chance(w, 2000);
	if (chance(w, 3) == 0) /* older than one that was read before, or read twice */
		rec.account.tx_bytes -= chance(w, 1 + (uint32_t)(w->tx[*use].most % 5000));
	return rec;
}

static void raise(struct sum *sum, uint64_t total)
{
	if (total > sum->most)
		sum->most = total;
}

static void feed_good(struct world *w)
{
	struct sw_record rec = a_record(w, &w->use);

	w->full = decode_counts(w->decode)->table_full;
	w->was_tx = w->tx[w->use];
	w->was_rx = w->rx[w->use];
	raise(&w->tx[w->use], rec.account.tx_bytes);
	raise(&w->rx[w->use], rec.account.rx_bytes);
	if (chance(w, 4) == 0) {
		struct sw_extra_key key = {.cookie = rec.flow.cookie};
		struct sw_extra value = {.flow = rec.flow, .account = rec.account};

		key.closed = chance(w, 8) ? 0 : (uint16_t)(1 + chance(w, 3));
		if (key.closed) /* as the kernel side does when it parks */
			value.flow.flags |= SW_F_EXTRA;
		decode_extra(w->decode, &key, &value, on_event, w);
	} else {
		decode_record(w->decode, &rec, sizeof(rec), on_event, w);
	}
	if (w->told != 'C' && take_back(w))
		assert_int_equal(w->told, 0);
}

static bool is_sane(const struct sw_record *r, size_t len)
{
	if (len == sizeof(*r) && r->kind == SW_REC_EXIT)
		return true;
	return len == sizeof(*r) && r->kind && r->kind <= SW_REC_CLOSE && r->flow.cookie &&
	       (r->flow.family == AF_INET || r->flow.family == AF_INET6 ||
		r->flow.family == AF_PACKET);
}

/* Good in all but one thing, or nothing but noise. */
static void feed_bad(struct world *w)
{
	struct sw_record rec;
	size_t len = sizeof(rec);
	char data[sizeof(rec) + 64];

	rec = a_record(w, &w->use);
	w->use = -1;
	fill_random(w, data, sizeof(data));
	switch (chance(w, 5)) {
	case 0:
		rec.kind = chance(w, 2) ? 0 : SW_REC_KINDS + chance(w, 1000);
		break;
	case 1:
		rec.flow.cookie = 0;
		break;
	case 2:
		rec.flow.family = (uint16_t)(18 + chance(w, 60000));
		break;
	case 3:
		len = chance(w, sizeof(data));
		break;
	default:
		memcpy(&rec, data, sizeof(rec));
	}
	memcpy(data, &rec, sizeof(rec));
	if (is_sane(&rec, len))
		return;
	w->bad++;
	decode_record(w->decode, data, len, on_event, w);
}

static void walk_is_over(struct world *w)
{
	decode_settle(w->decode, settled, w);
}

static void check_counts(const struct world *w, size_t max_uses)
{
	const struct decode_counts *c = decode_counts(w->decode);

	assert_int_equal(c->bad_records, w->bad);
	assert_in_range(c->uses, 0, max_uses);
	assert_in_range(c->sockets, 0, COOKIES);
	assert_true(c->sockets <= c->uses);
	assert_true(c->no_release <= c->sockets && c->closing <= c->sockets);
}

/* Everything that is still open is closed, and with that its sums are looked at. */
static void close_all(struct world *w)
{
	for (uint64_t cookie = 1; cookie <= COOKIES; cookie++) {
		struct sw_record rec = record_tcp(SW_REC_CLOSE, cookie, 0);

		w->use = use_of(cookie, 0, 0, false);
		w->told = 0;
		w->full = decode_counts(w->decode)->table_full;
		w->was_tx = w->tx[w->use];
		w->was_rx = w->rx[w->use];
		decode_record(w->decode, &rec, sizeof(rec), on_event, w);
	}
	walk_is_over(w);
	walk_is_over(w);
	assert_int_equal(decode_counts(w->decode)->sockets, 0);
	assert_int_equal(decode_counts(w->decode)->uses, 0);
	assert_int_equal(decode_counts(w->decode)->closing, 0);
	assert_int_equal(decode_counts(w->decode)->no_release, 0);
	for (int i = 0; i < USES; i++)
		assert_int_equal(w->tx[i].told | w->tx[i].most | w->rx[i].told | w->rx[i].most, 0);
}

static void run(size_t max_uses, uint64_t seed)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	w.seed = seed;
	w.decode = decode_new(max_uses);
	assert_non_null(w.decode);
	for (int i = 0; i < ROUNDS; i++) {
		w.told = 0;
		if (chance(&w, 4))
			feed_good(&w);
		else
			feed_bad(&w);
		if (chance(&w, 100) == 0)
			walk_is_over(&w);
		if (chance(&w, 100) == 0)
			decode_swept(w.decode);
		check_counts(&w, max_uses);
	}
	assert_true(w.bad > ROUNDS / 8);
	assert_true(w.ended > ROUNDS / 100);
	close_all(&w);
	decode_free(w.decode);
}

static void sums_hold_with_room_for_all(void **state)
{
	(void)state;
	run(USES, 20260901);
}

static void sums_hold_in_a_table_that_is_too_small(void **state)
{
	(void)state;
	run(50, 4711);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_hold_with_room_for_all),
		cmocka_unit_test(sums_hold_in_a_table_that_is_too_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
