/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * Bytes that no call told of. A TCP socket counts what moves through it, so what went past our
 * hooks (splice, zero-copy receive) or was skipped by the kernel is not lost. With `moved` the
 * kernel's count since the meter's base, what is told of a socket in one direction is
 *
 *     max(booked to slot 0, ahead) + others <= moved, and at the close == moved
 *
 * Calls book, to slot 0 or others, when they return: what is booked was moved. A sweep can see
 * calls half-way; it tells moved - others as slot 0's and keeps that as `ahead`. As long as slot 0
 * lags behind it, calls of others pay by what it lags: either they pay in full, or the debt, which
 * is what calls under way had moved by then or more. So no byte is told twice. A sweep sets ahead
 * and then looks whether there are others, a call makes itself one and then looks at ahead: one of
 * two CPUs sees the other.
 *
 * Where no call is seen at all (live.metered) the counter is booked itself: who moves base from one
 * count to the next may book what lies between, and nobody else (meter_take).
 */
#ifndef BPF_METER_H
#define BPF_METER_H

#include "emit.bpf.h"
#include "sock.bpf.h"

static __always_inline bool is_metered(bool rx)
{
	return live.metered & (rx ? SW_METERED_RX : SW_METERED_TX);
}

static __always_inline bool can_send(__u8 state)
{
	return state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT || state == TCP_SYN_RECV;
}

/* MPTCP sockets have a count of what was received alone: of use beside hooks on calls. */
static __always_inline bool has_meter(const struct sw_flow *flow, bool rx)
{
	return is_tcp(flow) ||
	       (rx && !is_metered(rx) && mptcp_counts(flow->protocol) && flow->family != AF_PACKET);
}

static __always_inline void tcp_count(struct tcp_count *count, const void *sk, bool rx)
{
	if (rx && mptcp_counts(BPF_CORE_READ((const struct sock *)sk, sk_protocol)))
		mptcp_consumed(count, sk);
	else if (rx)
		tcp_consumed(count, sk);
	else
		tcp_handed(count, sk);
}

/* Told of slot 0, or about to be. */
static __always_inline __u64 first_bytes(const struct sw_sock *st, bool rx)
{
	__u64 booked = rx ? st->slot[0].account.rx_bytes : st->slot[0].account.tx_bytes;
	__u64 ahead = rx ? st->rx.ahead : st->tx.ahead;

	return booked > ahead ? booked : ahead;
}

/* On a socket that nobody locks for us: an anchor must come twice, else meter_late tries again.
 * @told: bytes that count as moved already, of those since now or since the @connect. */
static __noinline void meter_set(struct sw_meter *m, const void *sk, bool rx, __u64 told,
				 bool connect)
{
	struct tcp_count before, count;

	if (!m)
		return;
	tcp_count(&before, sk, rx);
	tcp_count(&count, sk, rx);
	m->anchor = count.anchor;
	if (connect)
		count.bytes = rx ? 0 : 1; /* the SYN */
	m->base = count.bytes - told;
	if (count.anchor == before.anchor)
		__sync_val_compare_and_swap(&m->set, 0, 1);
}

/* Meters of a socket that is seen for the first time. @call: bytes that the call under way has
 * received, or sent if negative, and not booked. */
static __always_inline void meters_init(struct sw_sock *st, const void *sk, __s32 call)
{
	__u8 state = st->flow.state;

	if (!has_meter(&st->flow, true) || state == TCP_CLOSE || state == TCP_SYN_SENT ||
	    state == TCP_LISTEN)
		return; /* meters_begin, when it is established */
	meter_set(&st->rx, sk, true, call > 0 ? call : 0, false);
	if (!has_meter(&st->flow, false))
		return;
	meter_set(&st->tx, sk, false, call < 0 ? -call : 0, false);
	st->tx_end = st->tx.base;
	st->tx_ended = !can_send(state);
}

/* Established, and locked by who says so. What fast open has sent in the SYN counts as moved. */
static __always_inline void meters_begin(struct sw_sock *st, const void *sk)
{
	struct tcp_count count;

	if (!has_meter(&st->flow, true))
		return;
	if (!st->rx.set) {
		tcp_count(&count, sk, true);
		st->rx.base = count.bytes - st->rx.base;
		st->rx.anchor = count.anchor;
		st->rx.set = 1;
	}
	if (!st->tx.set && has_meter(&st->flow, false)) {
		tcp_handed(&count, sk);
		st->tx.base = (count.bytes && st->flow.flags & SW_F_CLIENT) - st->tx.base;
		st->tx.anchor = count.anchor;
		st->tx.set = 1;
	}
}

/* From here on the process can send nothing. The tracepoint comes before the new state is set
 * (inet_sk_state_store) and a FIN is counted (tcp_send_fin): who finds a FIN counted finds this. */
static __always_inline void meter_end_tx(struct sw_sock *st, const void *sk, int old)
{
	struct tcp_count count;

	if (!st->tx.set || st->tx_ended)
		return;
	tcp_handed(&count, sk);
	if (count.anchor != st->tx.anchor)
		return;
	st->tx_end = count.bytes;
	if (!can_send(old)) /* the change before this one was not seen */
		st->tx_end--;
	__sync_val_compare_and_swap(&st->tx_ended, 0, 1);
}

/* That the connection was established was not seen. Since when its bytes count is known if the
 * connect was: meters_stop has kept what was told before it. */
static __noinline void meter_late(struct sw_sock *st, const void *sk, bool rx)
{
	struct sw_meter *m;
	bool connect;
	__u64 told;

	if (!st || (rx ? st->rx.set : st->tx.set) || !has_meter(&st->flow, rx) || is_subflow(sk) ||
	    !can_send(BPF_CORE_READ((const struct sock *)sk, __sk_common.skc_state)))
		return;
	m = rx ? &st->rx : &st->tx;
	connect = (st->flow.flags & (SW_F_CLIENT | SW_F_BEFORE_START)) == SW_F_CLIENT;
	told = is_metered(rx) ? 0 : first_bytes(st, rx) + m->others;
	meter_set(m, sk, rx, connect ? m->base : told, connect);
}

/* The kernel's count now, without a FIN; false when it cannot be known now. */
static __noinline bool count_now(struct sw_sock *st, const void *sk, bool rx, __u64 *bytes)
{
	struct tcp_count count;
	__u32 ended;
	__u8 state;

	if (!st || !bytes || !(rx ? st->rx.set : st->tx.set))
		return false;
	tcp_count(&count, sk, rx);
	*bytes = count.bytes;
	if (rx)
		return count.anchor == st->rx.anchor;
	ended = __sync_val_compare_and_swap(&st->tx_ended, 1, 1); /* a barrier: not before the count
								   */
	state = BPF_CORE_READ((const struct sock *)sk, __sk_common.skc_state);
	if (ended)
		*bytes = st->tx_end;
	return ended || (can_send(state) && count.anchor == st->tx.anchor);
}

/** Bytes moved since base, by the kernel's count; 0 when it cannot be known now. */
static __always_inline __u64 moved_bytes(struct sw_sock *st, const void *sk, bool rx)
{
	__u64 bytes;

	if (has_ulp(sk) || !count_now(st, sk, rx, &bytes))
		return 0;
	return bytes - (rx ? st->rx.base : st->tx.base);
}

/**
 * Bytes moved since the last call: the caller's to book, and nobody else's. Below an upper-layer
 * protocol they are ciphertext, and nothing else can be had. @idle: only while no process is inside
 * a call that receives, which takes its own.
 */
static __noinline __u64 meter_take(struct sw_sock *st, const void *sk, bool rx, bool idle)
{
	struct sw_meter *m;
	__u64 base, bytes;

	if (!st)
		return 0;
	m = rx ? &st->rx : &st->tx;
	if (!count_now(st, sk, rx, &bytes))
		return 0;
	base = m->base;
	if ((__s64)(bytes - base) <= 0)
		return 0;
	if (idle && rx && BPF_CORE_READ((const struct sock *)sk, sk_lock.owned))
		return 0;
	return __sync_val_compare_and_swap(&m->base, base, bytes) == base ? bytes - base : 0;
}

/** Book @bytes of a call to others; returns how many of them are theirs to be told. */
__noinline __u64 others_book(struct sw_sock *st, bool rx, __u64 bytes)
{
	struct sw_meter *m;
	__s64 left;

	if (!st)
		return 0;
	m = rx ? &st->rx : &st->tx;
	__sync_fetch_and_add(&m->others, bytes);
	left = m->ahead - (rx ? st->slot[0].account.rx_bytes : st->slot[0].account.tx_bytes);
	if (left <= 0)
		return bytes;
	left -= __sync_fetch_and_add(&m->paid, bytes);
	left = left < 0 ? 0 : left > (__s64)bytes ? (__s64)bytes : left;
	__sync_fetch_and_sub(&m->paid, bytes - left);
	__sync_fetch_and_sub(&m->others, left);
	return bytes - left;
}

/* Book what a counter has and no hook took to whom was last seen to use the socket. */
static __always_inline void user_add(struct sw_sock *st, bool rx, __u64 bytes)
{
	__u64 *first = rx ? &st->slot[0].account.rx_bytes : &st->slot[0].account.tx_bytes;
	__u64 *second = rx ? &st->slot[1].account.rx_bytes : &st->slot[1].account.tx_bytes;

	if (st->user) {
		barrier_var(second); /* iterators allow no computed offset */
		__sync_fetch_and_add(second, bytes);
	} else {
		__sync_fetch_and_add(first, bytes);
	}
}

/* A connect starts, perhaps not the first of this socket (connect to AF_UNSPEC has zeroed the
 * kernel's counters): base keeps what was told of the connections before it. */
static __always_inline void meters_stop(struct sw_sock *st, const void *sk)
{
	__u64 tx = first_bytes(st, false) + st->tx.others;

	if (is_metered(false))
		user_add(st, false, meter_take(st, sk, false, false));
	if (st->tx_ended && (__s64)(st->tx_end - st->tx.base - tx) > 0)
		tx = st->tx_end - st->tx.base; /* and what was owed */
	st->tx.set = 0;
	st->rx.set = 0;
	st->tx_ended = 0;
	st->tx.base = is_metered(false) ? 0 : tx;
	st->rx.base = is_metered(true) ? 0 : first_bytes(st, true) + st->rx.others;
}

static __noinline void meter_settle(struct sw_sock *st, const void *sk, bool rx)
{
	__u64 *booked, total;

	if (!st)
		return;
	meter_late(st, sk, rx);
	if (is_metered(rx)) {
		user_add(st, rx, meter_take(st, sk, rx, false));
		return;
	}
	booked = rx ? &st->slot[0].account.rx_bytes : &st->slot[0].account.tx_bytes;
	total = moved_bytes(st, sk, rx) - (rx ? st->rx.others : st->tx.others);
	if ((__s64)(total - *booked) > 0)
		*booked = total;
}

/** Nobody holds the socket, so no call is under way: what none has booked is slot 0's. */
static __always_inline void meters_settle(struct sw_sock *st, const void *sk)
{
	meter_settle(st, sk, true);
	meter_settle(st, sk, false);
}

/* Sends leave traces that one is under way: the lock, or that it waits for memory. */
static __always_inline bool is_quiet(const void *sk)
{
	const struct sock *s = sk;

	return !BPF_CORE_READ(s, sk_lock.owned) && !BPF_CORE_READ(s, sk_write_pending);
}

static __always_inline bool is_alone(const struct sw_sock *st)
{
	return !st->slot[1].account.tgid && !(st->flow.flags & SW_F_EXTRA);
}

/* What the sweep may tell of sent bytes that no call booked. Blocking sends of one process can last
 * while another is slot 0, and would become its own: only where calls are known to be lost, and
 * what was owed twice in a row with no send under way. */
static __always_inline __u64 owed_tx(struct sw_sock *st, const void *sk, __s64 owed)
{
	__u64 before = st->tx_owed;

	if (!(live.heal & SW_HEAL_TX) || owed <= 0 || !is_quiet(sk))
		owed = 0;
	st->tx_owed = owed;
	return live.sweep_final || owed < before ? owed : before;
}

/* Its bytes must wait: the key of a row, which is its process, cannot change once it has any. The
 * reader looks for a holder; the kernel's own sockets get none. */
static __always_inline bool lacks_owner(const struct sw_sock *st)
{
	return !st->slot[0].account.tgid && !(st->flow.flags & SW_F_KERNEL) && !live.sweep_final;
}

/* Book what a counter has and no hook took. Global, as the next one: see emit. @raw: the socket. */
__noinline int sweep_take(struct sw_sock *st, __u64 raw, bool rx)
{
	const void *sk = (const void *)raw;
	__u64 bytes;

	if (!st)
		return 0;
	meter_late(st, sk, rx);
	if (!is_metered(rx))
		return 0;
	if (!lacks_owner(st))
		user_add(st, rx, meter_take(st, sk, rx, true));
	else if (count_now(st, sk, rx, &bytes) && bytes != (rx ? st->rx.base : st->tx.base))
		count(&stats.ownerless);
	return 0;
}

/**
 * Total of slot 0 for the sweep, in bytes: what was booked or told, and what no call has booked if
 * only one process uses the socket. On others that waits for the close, or the last sweep.
 */
__noinline __u64 sweep_total(struct sw_sock *st, __u64 raw, bool rx)
{
	const void *sk = (const void *)raw;
	__u64 first, others, was;
	struct sw_meter *m;
	__s64 more;

	if (!st)
		return 0;
	m = rx ? &st->rx : &st->tx;
	first = first_bytes(st, rx);
	others = m->others;
	if (!m->set || is_metered(rx) || !(is_alone(st) || live.sweep_final))
		return first;
	more = moved_bytes(st, sk, rx) - others - first;
	if (!rx)
		more = owed_tx(st, sk, more);
	if (more <= 0)
		return first;
	if (!st->slot[0].account.tgid) { /* the reader looks for its holder, then it is his */
		count(&stats.ownerless);
		if (!live.sweep_final)
			return first;
	}
	was = __sync_lock_test_and_set(&m->ahead, first + more);
	if (m->others == others && (is_alone(st) || live.sweep_final))
		return first + more;
	m->ahead = was;
	return first;
}

#endif
