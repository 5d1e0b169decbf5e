/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The life of a socket: connect, accept, listen, bind, states, close. Slow paths all. */
#ifndef BPF_LIFE_H
#define BPF_LIFE_H

#include <linux/errno.h>

#include "account.bpf.h"

/* Only from process context: in softirq `current` is a bystander. */
static __always_inline int sock_claim(struct sw_sock *st)
{
	struct who who;

	who_runs(&who);
	return slot_find(st, &who);
}

/* A bind() of which no success was seen, when the process has gone on to something else. */
static __noinline void bind_settle(struct sw_sock *st)
{
	if (!st || !(st->flow.flags & SW_F_BINDING))
		return;
	st->flow.flags &= ~SW_F_BINDING;
	if (st->flow.lport)
		return;
	st->flow.lport = st->bind_port;
	__builtin_memcpy(st->flow.laddr, st->bind_ip, sizeof(st->flow.laddr));
	emit_slot(SW_REC_BIND_FAIL, 0, st, 0);
	st->flow.lport = 0;
	__builtin_memset(st->flow.laddr, 0, sizeof(st->flow.laddr));
}

static __noinline void on_connect_start(struct sw_sock *st, struct sock *sk)
{
	if (!st)
		return;
	bind_settle(st);
	/* Used again after connect(AF_UNSPEC): the row goes on under the new peer. */
	st->flow.end = 0;
	meters_stop(st, sk);
	st->flow.flags &= ~(SW_F_SERVER | SW_F_RELEASED | SW_F_WAS_ESTABLISHED | SW_F_ATTEMPT);
	st->flow.flags |= SW_F_CLIENT;
	st->flow.state = TCP_SYN_SENT;
	flow_read_local(&st->flow, sk);
	flow_read_peer(&st->flow, sk);
	sock_claim(st);
	emit_slot(SW_REC_CONNECT, 0, st, 0);
}

static __noinline void on_established(struct sw_sock *st, struct sock *sk, int old)
{
	if (!st)
		return;
	st->flow.flags |= SW_F_WAS_ESTABLISHED;
	if (old == TCP_SYN_SENT && !(st->flow.flags & SW_F_CLIENT)) /* was under way at the start */
		st->flow.flags |= SW_F_CLIENT | SW_F_BEFORE_START;
	meters_begin(st, sk);
	st->flow.state = TCP_ESTABLISHED;
	flow_read_local(&st->flow, sk);
	flow_read_peer(&st->flow, sk);
	if (st->flow.flags & SW_F_CLIENT) {
		emit_slot(SW_REC_ESTABLISHED, 0, st, 0);
		return;
	}
	/* No record: the accept or the first bytes send one, the sweep if neither comes. */
	st->flow.flags |= SW_F_SERVER;
	st->changed = 1;
	count(&stats.dirty);
}

static __noinline void on_listen(struct sw_sock *st, struct sock *sk)
{
	if (!st)
		return;
	bind_settle(st);
	st->flow.state = TCP_LISTEN;
	st->flow.flags |= SW_F_LISTENER;
	flow_read_local(&st->flow, sk);
	flow_read_options(&st->flow, sk);
	sock_claim(st);
	emit_slot(SW_REC_LISTEN, 0, st, 0);
}

/* A connection is closed: what broke it, if it did not end in good order. */
static __noinline __u8 broken_by(const struct sock *sk)
{
	switch (BPF_CORE_READ(sk, sk_err)) {
	case 0:
		return 0;
	case ECONNRESET:
	case EPIPE: /* a reset behind the peer's FIN (tcp_reset) */
		return SW_END_RESET_PEER;
	case ETIMEDOUT:
		return SW_END_TIMEOUT;
	case ECONNABORTED:
		return SW_END_ABORTED;
	default:
		return SW_END_ERROR;
	}
}

/* Which side sent the first FIN, or what broke it. */
static __always_inline void end_note(struct sw_sock *st, const struct sock *sk, int new)
{
	__u8 broken;

	if (new == TCP_FIN_WAIT1 && !st->flow.end)
		st->flow.end = SW_END_LOCAL;
	if (new == TCP_CLOSE_WAIT && !st->flow.end)
		st->flow.end = SW_END_PEER;
	broken = new == TCP_CLOSE ? broken_by(sk) : 0;
	if (!broken)
		return;
	st->flow.end = broken;
	flow_read_path(&st->flow, sk);
	emit_slot(SW_REC_RESET, 0, st, 0);
}

static __noinline void on_state_change(struct sock *sk, int old, int new)
{
	struct sw_sock *st = sock_find(sk);

	if (!st || !st->initialised || (st->flow.flags & SW_F_RELEASED))
		return;
	if (!can_send(new))
		meter_end_tx(st, sk, old);
	st->flow.state = new;
	if (old == TCP_SYN_SENT && new == TCP_CLOSE) {
		int error = BPF_CORE_READ(sk, sk_err);

		if (error || !live.connect_errno) /* else on_connect_exit knows it */
			emit_slot(SW_REC_FAIL, error, st, 0);
		return;
	}
	end_note(st, sk, new);
	st->changed = 1;
	count(&stats.dirty);
}

static __always_inline void on_tcp_state(struct sock *sk, int old, int new)
{
	struct sw_sock *st = NULL;

	if (!is_watched(sk->__sk_common.skc_family))
		return;
	/* SCTP_SS_LISTENING has the same number */
	if ((!has_tcp_states(sk->sk_protocol) || is_subflow(sk)) &&
	    (sk->sk_protocol != IPPROTO_SCTP || new != TCP_LISTEN))
		return;
	if (by_pointer && new != TCP_SYN_RECV) /* until 6.12 with its listener's cookie still */
		bpf_get_socket_cookie(sk);
	if (new == TCP_SYN_SENT || new == TCP_ESTABLISHED || new == TCP_LISTEN)
		st = sock_get(sk, 0);
	if (new == TCP_SYN_SENT)
		on_connect_start(st, sk);
	else if (new == TCP_ESTABLISHED)
		on_established(st, sk, old);
	else if (new == TCP_LISTEN)
		on_listen(st, sk);
	else if (new != TCP_SYN_RECV)
		on_state_change(sk, old, new);
}

/* TCP: the last one to know the socket. For those that no process ever held, or that no release
 * hook told of. */
static __always_inline void on_tcp_destroy(struct sock *sk)
{
	struct sw_sock *st = sock_find(sk);

	if (st && st->initialised && !(st->flow.flags & SW_F_RELEASED)) {
		meters_settle(st, sk);
		st->flow.state = TCP_CLOSE;
		flow_read_path(&st->flow, sk);
		emit_close(st);
	}
	sock_drop(sk);
}

/* What this close makes of a TCP connection. */
static __always_inline void end_by_close(struct sw_sock *st, const void *raw)
{
	if (!is_tcp(&st->flow))
		return;
	flow_read_path(&st->flow, raw);
	if (st->flow.state == TCP_CLOSE || st->flow.state == TCP_LISTEN)
		return;
	if (st->flow.state != TCP_SYN_SENT && tcp_will_reset(raw))
		st->flow.end = SW_END_RESET_LOCAL;
	else if (!st->flow.end)
		st->flow.end = SW_END_LOCAL;
}

/** The last process closes the socket (inet_release, before the protocol's own close). @raw is its
 *  struct sock, as a number in cgroup programs. */
static __noinline void on_release(struct sw_sock *st, const void *raw)
{
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
		flow_read_peer(&st->flow, raw);
	bind_settle(st);
	meters_settle(st, raw);
	end_by_close(st, raw);
	emit_close(st);
	if (!is_tcp(&st->flow))
		sock_drop(raw); /* TCP lives on, until tcp_destroy_sock */
}

/** bind() was entered. If no success follows, it has failed. */
static __noinline void on_bind_enter(struct sw_sock *st, const struct peer *asked)
{
	struct who who;

	if (!st || !asked || (st->flow.flags & SW_F_RELEASED))
		return;
	who_runs_probed(&who);
	slot_find(st, &who);
	bind_settle(st);
	st->flow.flags |= SW_F_BINDING;
	st->bind_port = asked->port;
	__builtin_memcpy(st->bind_ip, asked->ip, sizeof(st->bind_ip));
}

static __noinline void on_bind(struct sw_sock *st, const void *raw)
{
	struct who who;

	if (!st)
		return;
	who_runs_probed(&who);
	slot_find(st, &who);
	st->flow.flags &= ~SW_F_BINDING;
	flow_read_local(&st->flow, raw);
	flow_read_options(&st->flow, raw);
	emit_slot(SW_REC_BIND, 0, st, 0);
}

/** A process took the socket from the backlog; again for the same socket is no news. */
static __noinline void on_accept(struct sw_sock *st, const void *raw)
{
	struct who who;

	if (!st || !(st->flow.flags & SW_F_SERVER) || st->slot[0].account.tgid)
		return;
	if (st->flow.protocol == IPPROTO_MPTCP)
		flow_read_peer(&st->flow, raw);
	who_runs_probed(&who);
	slot_find(st, &who);
	emit_slot(SW_REC_ACCEPT, 0, st, 0);
}

/** connect() of TCP was entered. If no SYN follows, it failed before one could be sent. */
static __noinline void on_connect_enter(struct sw_sock *st, const struct peer *peer)
{
	struct who who;

	if (!st || !peer || (st->flow.flags & (SW_F_WAS_ESTABLISHED | SW_F_RELEASED)))
		return;
	who_runs_probed(&who);
	slot_find(st, &who);
	if (st->flow.flags & SW_F_ATTEMPT)
		emit_slot(SW_REC_FAIL, 0, st, 0);
	st->flow.flags |= SW_F_ATTEMPT | SW_F_CLIENT;
	st->flow.rport = peer->port;
	__builtin_memcpy(st->flow.raddr, peer->ip, sizeof(st->flow.raddr));
}

/** A thread ends; with the last one its process. Its sockets are closed behind this (do_exit). */
static __always_inline void on_exit(struct task_struct *task)
{
	struct sw_process key = {};

	if (BPF_CORE_READ(task, signal, live.counter))
		return;
	key.start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	key.tgid = BPF_CORE_READ(task, tgid);
	if (!bpf_map_delete_elem(&processes, &key))
		emit_exit(key.tgid, key.start_ns);
}

/** connect() of TCP returned before a SYN was answered: why. */
static __always_inline void on_connect_exit(struct sock *sk, int ret)
{
	struct sw_sock *st;

	if (ret >= 0)
		return;
	st = sock_find(sk);
	if (!st || !st->initialised)
		return;
	st->flow.flags &= ~SW_F_ATTEMPT;
	emit_slot(SW_REC_FAIL, -ret, st, 0);
}

#endif
