/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The life of a socket: connect, accept, listen, bind, states, close. Slow paths all. */
#ifndef BPF_LIFE_H
#define BPF_LIFE_H

#include "account.bpf.h"

/* Only from process context: in softirq `current` is a bystander. */
static __always_inline int sock_claim(struct sw_sock *st)
{
	struct who who;

	who_runs(&who);
	return slot_find(st, &who);
}

static __noinline void on_connect_start(struct sock *sk)
{
	struct sw_sock *st = sock_get(sk, 0);

	if (!st)
		return;
	if (st->flow.flags & SW_F_WAS_ESTABLISHED) { /* used again after connect(AF_UNSPEC) */
		emit_close(st);
		__builtin_memset(st->slot, 0, sizeof(st->slot));
		st->over_tx = st->over_rx = st->sent_over = st->extra_rx = 0;
		st->flow.rport = 0;
	}
	st->flow.flags &= ~(SW_F_SERVER | SW_F_RELEASED | SW_F_WAS_ESTABLISHED | SW_F_ATTEMPT);
	st->flow.flags |= SW_F_CLIENT;
	st->flow.state = TCP_SYN_SENT;
	flow_read_local(&st->flow, sk);
	flow_read_peer(&st->flow, sk);
	sock_claim(st);
	emit_slot(SW_REC_CONNECT, 0, st, 0);
}

static __noinline void on_established(struct sock *sk, int old)
{
	struct sw_sock *st = sock_get(sk, 0);

	if (!st)
		return;
	st->flow.state = TCP_ESTABLISHED;
	st->flow.flags |= SW_F_WAS_ESTABLISHED;
	if (old == TCP_SYN_SENT && !(st->flow.flags & SW_F_CLIENT)) /* was under way at the start */
		st->flow.flags |= SW_F_CLIENT | SW_F_BEFORE_START;
	if (!st->extra_rx && !st->slot[0].account.rx_bytes && st->flow.protocol == IPPROTO_TCP)
		st->base_rx = consumed_bytes(sk);
	flow_read_local(&st->flow, sk);
	if (st->flow.flags & SW_F_CLIENT) {
		emit_slot(SW_REC_ESTABLISHED, 0, st, 0);
		return;
	}
	/* No record: the accept or the first bytes send one, the sweep if neither comes. */
	st->flow.flags |= SW_F_SERVER;
	flow_read_peer(&st->flow, sk);
	st->changed = 1;
	count(&stats.dirty);
}

static __noinline void on_listen(struct sock *sk)
{
	struct sw_sock *st = sock_get(sk, 0);

	if (!st)
		return;
	st->flow.state = TCP_LISTEN;
	st->flow.flags |= SW_F_LISTENER;
	flow_read_local(&st->flow, sk);
	sock_claim(st);
	emit_slot(SW_REC_LISTEN, 0, st, 0);
}

static __noinline void on_state_change(struct sock *sk, int old, int new)
{
	struct sw_sock *st = bpf_sk_storage_get(&socks, sk, NULL, 0);

	if (!st || !st->initialised || (st->flow.flags & SW_F_RELEASED))
		return;
	st->flow.state = new;
	if (old == TCP_SYN_SENT && new == TCP_CLOSE) {
		emit_slot(SW_REC_FAIL, BPF_CORE_READ(sk, sk_err), st, 0);
		return;
	}
	st->changed = 1;
	count(&stats.dirty);
}

static __always_inline void on_tcp_state(struct sock *sk, int old, int new)
{
	if (!is_watched(sk->__sk_common.skc_family) || !has_tcp_states(sk->sk_protocol) ||
	    is_subflow(sk))
		return;
	if (new == TCP_SYN_SENT)
		on_connect_start(sk);
	else if (new == TCP_ESTABLISHED)
		on_established(sk, old);
	else if (new == TCP_LISTEN)
		on_listen(sk);
	else if (new != TCP_SYN_RECV)
		on_state_change(sk, old, new);
}

/* What recvmsg did not see (splice, TCP_ZEROCOPY_RECEIVE), in bytes, of all accounts together. */
static __always_inline __u64 bypassed_bytes(const struct sw_sock *st, const void *sk)
{
	__u64 booked = st->slot[0].account.rx_bytes + st->slot[1].account.rx_bytes + st->extra_rx;
	__u64 consumed;

	if (st->flow.protocol != IPPROTO_TCP || st->flow.family == AF_PACKET || has_ulp(sk))
		return 0;
	if (!(st->flow.flags &
	      (SW_F_CLIENT | SW_F_SERVER | SW_F_BEFORE_START | SW_F_FIRST_RX | SW_F_FIRST_TX)))
		return 0;
	consumed = consumed_bytes(sk) - st->base_rx;
	return (__s64)(consumed - booked) > 0 ? consumed - booked : 0;
}

/* TCP: the last one to know the socket. For those that no process ever held, or that no release
 * hook told of. */
static __always_inline void on_tcp_destroy(struct sock *sk)
{
	struct sw_sock *st = bpf_sk_storage_get(&socks, sk, NULL, 0);

	if (!st || !st->initialised || (st->flow.flags & SW_F_RELEASED))
		return;
	st->slot[0].account.rx_bytes += bypassed_bytes(st, sk);
	st->flow.state = TCP_CLOSE;
	emit_close(st);
}

/* The kernel's struct sock behind the pointer of a cgroup program, which the verifier lets nobody
 * add to: as a number, through memory. At run time they are the same (bpf_sock is a view of it). */
static __always_inline const void *raw_sock(void *sk)
{
	void *typed = sk;
	const void *raw = NULL;

	bpf_probe_read_kernel(&raw, sizeof(raw), &typed);
	return raw;
}

/** The last process closes the socket (inet_release, before the protocol's own close). */
static __always_inline void on_release(struct bpf_sock *ctx)
{
	struct sw_sock *st = bpf_sk_storage_get(&socks, ctx, NULL, 0);
	struct who who;

	if (!st || !st->initialised || (st->flow.flags & SW_F_RELEASED))
		return;
	if (!st->slot[0].account.tgid) { /* accepted and never used: whoever closes it held it */
		who_runs_probed(&who);
		slot_find(st, &who);
	}
	if (st->flow.flags & SW_F_ATTEMPT)
		emit_slot(SW_REC_FAIL, 0, st, 0);
	if (st->flow.protocol == IPPROTO_MPTCP)
		flow_read_peer(&st->flow, raw_sock(ctx));
	st->slot[0].account.rx_bytes += bypassed_bytes(st, raw_sock(ctx));
	emit_close(st);
}

static __always_inline struct sw_sock *sock_get_probed(struct bpf_sock *sk, __u64 cookie)
{
	struct sw_sock *st;

	st = bpf_sk_storage_get(&socks, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!st) {
		count(&stats.lost_storage);
		return NULL;
	}
	if (!st->initialised)
		sock_init(st, raw_sock(sk), cookie, 0);
	return st;
}

static __always_inline void on_bind(struct bpf_sock *ctx)
{
	struct sw_sock *st = sock_get_probed(ctx, bpf_get_socket_cookie(ctx));
	struct who who;

	if (!st)
		return;
	who_runs_probed(&who);
	slot_find(st, &who);
	flow_read_local(&st->flow, raw_sock(ctx));
	emit_slot(SW_REC_BIND, 0, st, 0);
}

/** accept() with an address asks for the peer's name in the context of who accepts. */
static __always_inline void on_getpeername(struct bpf_sock *sk)
{
	struct sw_sock *st = bpf_sk_storage_get(&socks, sk, NULL, 0);
	struct who who;

	if (!st || !(st->flow.flags & SW_F_SERVER) || st->slot[0].account.tgid)
		return;
	who_runs_probed(&who);
	slot_find(st, &who);
	emit_slot(SW_REC_ACCEPT, 0, st, 0);
}

/** connect() was entered. TCP: if no SYN follows, it failed before one could be sent. */
static __always_inline void on_connect_enter(struct bpf_sock_addr *ctx, const struct peer *peer)
{
	struct bpf_sock *sk = ctx->sk;
	struct sw_sock *st;
	struct who who;

	if (!sk || ctx->protocol != IPPROTO_TCP)
		return;
	st = sock_get_probed(sk, bpf_get_socket_cookie(ctx));
	if (!st || (st->flow.flags & (SW_F_WAS_ESTABLISHED | SW_F_RELEASED)))
		return;
	who_runs_probed(&who);
	slot_find(st, &who);
	if (st->flow.flags & SW_F_ATTEMPT)
		emit_slot(SW_REC_FAIL, 0, st, 0);
	st->flow.flags |= SW_F_ATTEMPT | SW_F_CLIENT;
	st->flow.rport = peer->port;
	__builtin_memcpy(st->flow.raddr, peer->ip, sizeof(st->flow.raddr));
}

/* Address and port that the process gave (connect, sendto) or is being told (recvfrom). */
static __always_inline void peer_v4(struct bpf_sock_addr *ctx, struct peer *peer)
{
	map_v4(peer->ip, ctx->user_ip4);
	peer->port = bpf_ntohs((__u16)ctx->user_port);
}

static __always_inline void peer_v6(struct bpf_sock_addr *ctx, struct peer *peer)
{
	__u32 *word = (__u32 *)peer->ip;

	word[0] = ctx->user_ip6[0];
	word[1] = ctx->user_ip6[1];
	word[2] = ctx->user_ip6[2];
	word[3] = ctx->user_ip6[3];
	peer->port = bpf_ntohs((__u16)ctx->user_port);
}

static __always_inline void on_udp_peer(struct bpf_sock_addr *ctx, const struct peer *peer, bool rx)
{
	struct bpf_sock *sk = ctx->sk;

	if (sk)
		stash_put(sk, peer, rx);
}

#endif
