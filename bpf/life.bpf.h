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

static __noinline void on_connect_start(struct sw_sock *st, struct sock *sk)
{
	if (!st)
		return;
	/* Used again after connect(AF_UNSPEC): the row goes on under the new peer. */
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
	st->flow.state = TCP_LISTEN;
	st->flow.flags |= SW_F_LISTENER;
	flow_read_local(&st->flow, sk);
	sock_claim(st);
	emit_slot(SW_REC_LISTEN, 0, st, 0);
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
		emit_close(st);
	}
	sock_drop(sk);
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
	meters_settle(st, raw);
	emit_close(st);
	if (!is_tcp(&st->flow))
		sock_drop(raw); /* TCP lives on, until tcp_destroy_sock */
}

static __noinline void on_bind(struct sw_sock *st, const void *raw)
{
	struct who who;

	if (!st)
		return;
	who_runs_probed(&who);
	slot_find(st, &who);
	flow_read_local(&st->flow, raw);
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
