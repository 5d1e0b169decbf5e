/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Iterators: sockets open before the start, and what is left in sockets that went quiet. */
#ifndef BPF_SWEEP_H
#define BPF_SWEEP_H

#include "life.bpf.h"

/** The socket that a file is, of a family that we watch; NULL if it is none. */
static __always_inline struct sock *file_sock(struct file *file)
{
	struct socket *socket = bpf_sock_from_file(file);
	struct sock *sk = socket ? socket->sk : NULL;

	return sk && is_watched(sk->__sk_common.skc_family) ? sk : NULL;
}

/** One open file of one process: seed the socket's state, tell who holds it. */
static __always_inline int on_file(struct seq_file *seq, struct task_struct *task,
				   struct file *file)
{
	struct sock *sk = file_sock(file);
	struct sw_record r;
	struct sw_sock *st;
	__u32 was;

	if (!sk)
		return 0;
	st = sock_make(sk);
	if (!st)
		return 0;
	if (!st->initialised) {
		sock_init(st, sk, bpf_get_socket_cookie(sk), 0);
		st->flow.flags |= SW_F_BEFORE_START;
		if (st->flow.state == TCP_LISTEN && has_tcp_states(st->flow.protocol))
			st->flow.flags |= SW_F_LISTENER;
	}
	if (!st->flow.cookie) /* another CPU is just setting it, for a call that it will tell of */
		return 0;
	record_fill(&r, SW_REC_SNAPSHOT, 0, &st->flow, NULL);
	r.account.tgid = BPF_CORE_READ(task, tgid);
	r.account.start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	r.account.uid = BPF_CORE_READ(task, real_cred, uid.val);
	BPF_CORE_READ_STR_INTO(&r.account.comm, task, group_leader, comm);
	process_note(r.account.tgid, r.account.start_ns);
	was = __sync_val_compare_and_swap(&st->slot[0].account.tgid, 0, r.account.tgid);
	if (!was) {
		st->slot[0].account.start_ns = r.account.start_ns;
		st->slot[0].account.uid = r.account.uid;
		__builtin_memcpy(st->slot[0].account.comm, r.account.comm, SW_COMM);
		__sync_lock_test_and_set(&st->slot[0].account.flags, SW_A_WHOLE);
	} else if (was != r.account.tgid) {
		r.flow.flags |= SW_F_SHARED;
	}
	bpf_seq_write(seq, &r, sizeof(r)); /* no room: the kernel calls again with the same file */
	return 0;
}

/* Write one slot's account with these totals. */
static __noinline int sweep_slot(struct seq_file *seq, struct sw_sock *st, int i, __u64 tx,
				 __u64 rx)
{
	struct sw_record r;

	if (!seq || !st)
		return 0;
	record_fill(&r, SW_REC_SWEEP, 0, &st->flow, &st->slot[i & 1].account);
	r.account.tx_bytes = tx;
	r.account.rx_bytes = rx;
	if (i)
		r.flow.flags |= SW_F_SHARED;
	return bpf_seq_write(seq, &r, sizeof(r));
}

static __noinline int sweep_over(struct seq_file *seq, struct sw_sock *st)
{
	struct sw_record r;

	if (!seq || !st)
		return 0;
	record_fill(&r, SW_REC_SWEEP, 0, &st->flow, NULL);
	r.flow.flags |= SW_F_SHARED | SW_F_OVERFLOW;
	r.account.tx_bytes = st->over_tx;
	r.account.rx_bytes = st->over_rx;
	return bpf_seq_write(seq, &r, sizeof(r));
}

/* No call since the last sweep: nothing to write but what no hook saw, and that is not looked for
 * each time. To know it takes two cache lines of ours and none of the kernel's socket. One epoch
 * more than seems needed: a call can add its bytes and read the epoch out of order. */
static __always_inline bool is_passed(const struct sw_sock *st)
{
	__u32 swept = live.swept;

	return swept && (__s32)(st->slot[0].account.epoch + 1 - swept) < 0 &&
	       (__s32)(st->slot[1].account.epoch + 1 - swept) < 0 && !st->changed &&
	       st->over_tx + st->over_rx == st->sent_over && !(st->flow.flags & SW_F_NO_RELEASE);
}

/**
 * One socket: write what it owes and then note it as sent; not before, as the kernel throws away
 * what was written of a socket that did not fit and calls again with it.
 */
static __always_inline int on_sweep(struct seq_file *seq, struct sock *sk, struct sw_sock *st)
{
	__u32 flags = st->flow.flags;
	struct sw_slot *first = &st->slot[0], *second = &st->slot[1];
	__u64 raw, tx0, rx0, tx1, rx1, over;
	__u32 changed = st->changed;

	if (is_passed(st))
		return 0;
	if (!st->initialised || !st->flow.cookie || (flags & SW_F_RELEASED))
		return 0;
	if (!is_whole(&first->account) || !is_whole(&second->account)) {
		count(&stats.dirty);
		return 0;
	}
	if (live.metered & SW_METERED_UDP && lacks_owner(st) &&
	    (first->account.tx_bytes | first->account.rx_bytes)) {
		count(&stats.ownerless);
		return 0;
	}
	raw = (__u64)raw_sock(sk);
	sweep_take(st, raw, false);
	sweep_take(st, raw, true);
	tx0 = sweep_total(st, raw, false);
	rx0 = sweep_total(st, raw, true);
	if (rx0 != first->sent_rx) /* MPTCP: the first that is told of its bytes */
		flow_refresh(&st->flow, sk);
	tx1 = second->account.tx_bytes;
	rx1 = second->account.rx_bytes;
	over = st->over_tx + st->over_rx;
	if (changed || tx0 != first->sent_tx || rx0 != first->sent_rx || (flags & SW_F_NO_RELEASE))
		if (sweep_slot(seq, st, 0, tx0, rx0))
			return 0;
	if (tx1 != second->sent_tx || rx1 != second->sent_rx)
		if (sweep_slot(seq, st, 1, tx1, rx1))
			return 0;
	if (over != st->sent_over && sweep_over(seq, st))
		return 0;
	first->sent_tx = tx0;
	first->sent_rx = rx0;
	second->sent_tx = tx1;
	second->sent_rx = rx1;
	st->sent_over = over;
	if (changed)
		st->changed = 0;
	return 0;
}

/* Found once for each of its files: the second time it owes nothing. */
static __always_inline int on_sweep_file(struct seq_file *seq, struct file *file)
{
	struct sock *sk = file_sock(file);
	struct sw_sock *st = sk ? sock_find(sk) : NULL;

	return st ? on_sweep(seq, sk, st) : 0;
}

static __always_inline int on_sweep_pointer(struct seq_file *seq, __u64 key, struct sw_sock *st)
{
	struct sock *raw = (void *)key;

	return is_of(st, raw) ? on_sweep(seq, raw, st) : 0;
}

#endif
