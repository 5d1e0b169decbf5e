/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What programs on cgroups know: contexts of sockets and addresses instead of kernel structs. */
#ifndef BPF_CGROUP_H
#define BPF_CGROUP_H

#include "life.bpf.h"

static __always_inline struct sw_sock *cgroup_sock_find(struct bpf_sock *sk)
{
	return sk ? sock_find(sk) : NULL;
}

static __always_inline struct sw_sock *cgroup_sock_get(struct bpf_sock *sk, __u64 cookie)
{
	struct sw_sock *st;

	st = sock_make(sk);
	if (!st)
		return NULL;
	if (!st->initialised)
		sock_init(st, raw_sock(sk), cookie, 0);
	return st;
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

static __always_inline int cgroup_bind(struct bpf_sock *sk)
{
	const void *raw = raw_sock(sk);

	if (!is_subflow(raw))
		on_bind(cgroup_sock_get(sk, bpf_get_socket_cookie(sk)), raw);
	return 1;
}

static __always_inline int cgroup_bind_enter(struct bpf_sock_addr *ctx, const struct peer *asked)
{
	struct bpf_sock *sk = ctx->sk;

	if (sk && !is_subflow(raw_sock(sk)))
		on_bind_enter(cgroup_sock_get(sk, bpf_get_socket_cookie(ctx)), asked);
	return 1;
}

/* Packets cannot tell whose they are: this process uses the socket. */
static __noinline void user_note(struct sw_sock *st)
{
	struct who who;
	int i;

	if (!st)
		return;
	who_runs_probed(&who);
	if (slot_is(&st->slot[st->user & 1], &who))
		return;
	i = slot_find(st, &who);
	if (i >= 0)
		st->user = i;
}

static __always_inline int cgroup_connect(struct bpf_sock_addr *ctx, const struct peer *peer)
{
	struct bpf_sock *sk = ctx->sk;

	if (!sk)
		return 1;
	if (ctx->protocol == IPPROTO_TCP && ctx->type == SOCK_STREAM && !is_subflow(raw_sock(sk)))
		on_connect_enter(cgroup_sock_get(sk, bpf_get_socket_cookie(ctx)), peer);
	else if (ctx->protocol != IPPROTO_TCP && live.metered & SW_METERED_UDP)
		user_note(cgroup_sock_get(sk, bpf_get_socket_cookie(ctx)));
	return 1;
}

/* accept() with an address asks for the peer's name in the context of who accepts; so does
 * getpeername(), which is no news. */
static __always_inline int cgroup_accept(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;

	if (sk)
		on_accept(cgroup_sock_find(sk), raw_sock(sk));
	return 1;
}

static __always_inline int cgroup_udp(struct bpf_sock_addr *ctx, const struct peer *peer, bool rx)
{
	struct bpf_sock *sk = ctx->sk;

	if (!sk)
		return 1;
	if (live.metered & SW_METERED_UDP)
		user_note(cgroup_sock_get(sk, bpf_get_socket_cookie(ctx)));
	else
		stash_put(sk, peer, rx);
	return 1;
}

#endif
