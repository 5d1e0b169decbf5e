/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * Kprobes: where neither tracepoints nor trampolines see a call's result. What they are given are
 * registers and numbers, so everything is probed, and state goes by pointer.
 *
 * The kernel keeps max(10, 2 * CPUs) places a kretprobe for calls under way and skips what finds
 * none (register_kretprobe), so no return is waited for where calls sleep: TCP is seen as the lock
 * of its socket is let go, UDP as a datagram is handed over.
 */
#ifndef BPF_KPROBE_H
#define BPF_KPROBE_H

#include "compat.bpf.h"

enum call_kind { CALL_SEND, CALL_PAGE, CALL_RECEIVE, CALL_CONNECT, CALL_BIND, CALL_KINDS };

enum { /* struct sockaddr_in, sockaddr_in6 */
       NAME_PORT = 2,
       NAME_V4 = 4,
       NAME_V6 = 8,
};

/* The barriers keep clang from making one load of both: the verifier allows none behind a pointer
 * to registers that was added to. */
#define REGISTER(ctx, x86, arm64)                                                      \
	({                                                                             \
		__u64 value_;                                                          \
		if (bpf_core_field_exists(((struct pt_regs___arm64 *)0)->regs)) {      \
			value_ = ((const struct pt_regs___arm64 *)(ctx))->regs[arm64]; \
			barrier_var(value_);                                           \
		} else {                                                               \
			value_ = ((const struct pt_regs___x86 *)(ctx))->x86;           \
			barrier_var(value_);                                           \
		}                                                                      \
		value_;                                                                \
	})

#define ARGUMENT1(ctx) REGISTER(ctx, di, 0)
#define ARGUMENT2(ctx) REGISTER(ctx, si, 1)
#define ARGUMENT3(ctx) REGISTER(ctx, dx, 2)
#define ARGUMENT4(ctx) REGISTER(ctx, cx, 3)
#define ARGUMENT5(ctx) REGISTER(ctx, r8, 4)
#define RETURNED(ctx) ((int)REGISTER(ctx, ax, 0))

static __always_inline struct sock *sock_of(const void *socket)
{
	return BPF_CORE_READ((const struct socket *)socket, sk);
}

static __always_inline __u64 call_key(enum call_kind kind)
{
	return (__u64)kind << 32 | (__u32)bpf_get_current_pid_tgid();
}

/* A call begins. What another one of the same thread has left is of a return that was not seen. */
static __noinline void call_begin(enum call_kind kind, const struct sw_call *call)
{
	__u64 key = call_key(kind);

	if (!call || !bpf_map_update_elem(&calls, &key, call, BPF_NOEXIST))
		return;
	count(&stats.lost_calls);
	bpf_map_update_elem(&calls, &key, call, BPF_EXIST);
}

/* It has returned: what it began with. False if it began before us. */
static __noinline bool call_end(enum call_kind kind, struct sw_call *call)
{
	__u64 key = call_key(kind);
	struct sw_call *left = bpf_map_lookup_elem(&calls, &key);

	if (!left || !call)
		return false;
	__builtin_memcpy(call, left, sizeof(*call));
	bpf_map_delete_elem(&calls, &key);
	return true;
}

/* None of that kind can be under way in this thread. */
static __always_inline void call_forget(enum call_kind kind)
{
	__u64 key = call_key(kind);

	if (!bpf_map_delete_elem(&calls, &key))
		count(&stats.lost_calls);
}

/* A thread ends. */
static __always_inline void calls_forget(void)
{
	for (int kind = 0; kind < CALL_KINDS; kind++)
		call_forget(kind);
}

/** Book @bytes of a call, to @call's peer if it has one. */
static __noinline void account_probed(struct sock *sk, struct call *call)
{
	struct sw_sock *st;

	if (!sk || !call || (int)call->bytes <= 0)
		return;
	if (!is_watched(BPF_CORE_READ(sk, __sk_common.skc_family)))
		return;
	st = sock_get(sk, call->flags == SW_F_FIRST_RX ? call->bytes : 0);
	if (!st)
		return;
	who_runs(&call->who);
	account_slow(st, sk, call);
}

/* The address in a socket's call, as the process gave it. IPv6 sockets take AF_UNSPEC as none. */
static __noinline void name_peer(struct sw_call *call, const struct sock *sk, const char *name)
{
	__u16 family = 0;
	__be16 port = 0;
	__be32 v4 = 0;

	if (!call || !name)
		return;
	bpf_probe_read_kernel(&family, sizeof(family), name);
	if (!family && BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET6)
		return;
	bpf_probe_read_kernel(&port, sizeof(port), name + NAME_PORT);
	call->port = bpf_ntohs(port);
	if (family == AF_INET6) {
		bpf_probe_read_kernel(call->ip, sizeof(call->ip), name + NAME_V6);
		return;
	}
	bpf_probe_read_kernel(&v4, sizeof(v4), name + NAME_V4);
	map_v4(call->ip, v4);
}

static __noinline void on_send_begin(struct sock *sk, const struct msghdr *msg)
{
	struct sw_call call = {.sk = (__u64)sk};

	if (msg && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_UDP &&
	    BPF_CORE_READ(sk, sk_type) != SOCK_RAW)
		name_peer(&call, sk, BPF_CORE_READ(msg, msg_name));
	call_begin(CALL_SEND, &call);
}

/* udpv6_sendmsg calls udp_sendmsg for v4-mapped addresses, and returns what that returns. */
static __always_inline void on_udp_send_begin(struct sock *sk, const struct msghdr *msg)
{
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET)
		on_send_begin(sk, msg);
}

static __always_inline void on_page_begin(const struct sock *sk)
{
	struct sw_call call = {.sk = (__u64)sk};

	call_begin(CALL_PAGE, &call);
}

static __always_inline void on_receive_begin(const struct sock *sk, int flags)
{
	struct sw_call call = {.sk = (__u64)sk};

	if (flags & (MSG_PEEK | MSG_ERRQUEUE))
		call_forget(CALL_RECEIVE); /* its return must not find another one */
	else
		call_begin(CALL_RECEIVE, &call);
}

static __noinline void on_call_end(enum call_kind kind, int ret)
{
	struct call io = {.bytes = ret};
	struct sw_call call = {};
	__u64 page = call_key(CALL_PAGE);

	if (!call_end(kind, &call) || ret <= 0)
		return;
	/* udp_sendpage may go on to udp_sendmsg: in 6.1 as Debian has it */
	if (kind == CALL_SEND)
		bpf_map_delete_elem(&calls, &page);
	io.flags = kind == CALL_RECEIVE ? SW_F_FIRST_RX : SW_F_FIRST_TX;
	io.peer.port = call.port;
	__builtin_memcpy(io.peer.ip, call.ip, sizeof(io.peer.ip));
	account_probed((void *)call.sk, &io);
}

/* skb_consume_udp is told what recvmsg will return, below 0 for a peek. */
static __always_inline void on_consume_udp_probed(struct sock *sk, struct sk_buff *skb, int len)
{
	struct call io = {.bytes = len, .flags = SW_F_FIRST_RX};
	struct peer peer = {};

	if (len <= 0)
		return;
	if (!BPF_CORE_READ(sk, __sk_common.skc_dport))
		skb_peer(skb, &peer);
	/* copied by a helper, or the verifier goes through the rest for each way to fill it */
	bpf_probe_read_kernel(&io.peer, sizeof(io.peer), &peer);
	account_probed(sk, &io);
}

/* What calls have moved and none of them has booked. */
static __always_inline __u32 unbooked(struct sw_sock *st, const void *sk, bool rx)
{
	__u64 booked = rx ? st->slot[0].account.rx_bytes + st->rx.others
			  : st->slot[0].account.tx_bytes + st->tx.others;
	__s64 left = moved_bytes(st, sk, rx) - booked;

	return left > 0 ? left : 0;
}

static __noinline void book_tcp(struct sw_sock *st, struct sock *sk, bool rx)
{
	struct call io = {.flags = rx ? SW_F_FIRST_RX : SW_F_FIRST_TX};
	int i;

	if (!st || !sk)
		return;
	io.bytes = unbooked(st, sk, rx);
	if (!io.bytes)
		return;
	if (!(st->flow.flags & (SW_F_FIRST_TX | SW_F_FIRST_RX)))
		st->flow.flags |= io.flags;
	who_runs(&io.who);
	i = slot_find(st, &io.who);
	if (i)
		io.bytes = others_book(st, rx, io.bytes);
	account_at(st, sk, &io, i);
}

/* The lock of a TCP socket is let go by who has moved its bytes, also in the middle of a call that
 * waits (release_sock). */
static __noinline void on_tcp_release(struct sock *sk)
{
	struct sw_sock *st;
	__u8 state;

	if (!sk || is_subflow(sk))
		return;
	st = sock_find(sk);
	if (!st || !st->initialised) {
		/* The kernel's own, of before the start: from now on. Or just accepted by fast
		 * open: what came with the SYN can be read before it is established. */
		state = BPF_CORE_READ(sk, __sk_common.skc_state);
		if (state == TCP_ESTABLISHED || state == TCP_SYN_RECV)
			sock_get(sk, 0);
		return;
	}
	if (st->flow.flags & SW_F_RELEASED)
		return;
	if (st->flow.flags & SW_F_SERVER && BPF_CORE_READ(sk, sk_socket))
		on_accept(st, sk);
	book_tcp(st, sk, false);
	book_tcp(st, sk, true);
}

static __always_inline void on_connect_begin_probed(struct sock *sk, const char *name)
{
	struct sw_call call = {.sk = (__u64)sk};
	__u64 key = call_key(CALL_CONNECT);
	const struct sw_call *left = bpf_map_lookup_elem(&calls, &key);
	struct peer peer = {};

	/* tcp_v6_connect calls tcp_v4_connect for v4-mapped addresses */
	if ((left && left->sk == call.sk) || is_subflow(sk))
		return;
	name_peer(&call, sk, name);
	peer.port = call.port;
	__builtin_memcpy(peer.ip, call.ip, sizeof(peer.ip));
	on_connect_enter(sock_get(sk, 0), &peer);
	call_begin(CALL_CONNECT, &call);
}

static __always_inline void on_connect_end_probed(int ret)
{
	struct sw_call call = {};

	if (call_end(CALL_CONNECT, &call))
		on_connect_exit((void *)call.sk, ret);
}

static __always_inline void on_bind_begin_probed(const struct sock *sk)
{
	struct sw_call call = {.sk = (__u64)sk};

	call_begin(CALL_BIND, &call);
}

static __always_inline void on_bind_end_probed(int ret)
{
	struct sw_call call = {};

	if (call_end(CALL_BIND, &call) && !ret)
		on_bind(sock_get((void *)call.sk, 0), (void *)call.sk);
}

static __always_inline void on_release_probed(struct sock *sk)
{
	if (sk)
		on_release(sock_find(sk), sk);
}

#endif
