/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * Iterators: what one socket is doing and who holds it, for who looks at that one. User space runs
 * them; nothing here is on the way of a call. The socket is not locked: values are each right, but
 * not of one moment, as those of inet_diag are not for other sockets than TCP's.
 */
#ifndef BPF_DETAIL_H
#define BPF_DETAIL_H

#include "sweep.bpf.h"

volatile __u64 detail_cookie; /* the socket that is wanted; 0 = none */

/* As tcp_get_info() and tcp_get_info_chrono_stats() (net/ipv4/tcp.c) tell it. */
static __noinline int detail_tcp(struct sw_detail *d, const struct sock *sk)
{
	const struct tcp_sock *tp = (const void *)sk;
	const struct inet_connection_sock *icsk = (const void *)sk;

	if (!d)
		return 0;
	d->is_tcp = 1;
	d->srtt_us = BPF_CORE_READ(tp, srtt_us) >> 3;
	d->rttvar_us = BPF_CORE_READ(tp, mdev_us) >> 2;
	d->min_rtt_us = BPF_CORE_READ(tp, rtt_min.s[0].v);
	d->cwnd = BPF_CORE_READ(tp, snd_cwnd);
	d->ssthresh = BPF_CORE_READ(tp, snd_ssthresh);
	d->unacked = BPF_CORE_READ(tp, packets_out);
	d->sacked = BPF_CORE_READ(tp, sacked_out);
	d->lost = BPF_CORE_READ(tp, lost_out);
	d->retrans_out = BPF_CORE_READ(tp, retrans_out);
	d->total_retrans = BPF_CORE_READ(tp, total_retrans);
	d->bytes_retrans = BPF_CORE_READ(tp, bytes_retrans);
	d->mss = BPF_CORE_READ(tp, mss_cache);
	d->snd_wnd = BPF_CORE_READ(tp, snd_wnd);
	d->rcv_wnd = BPF_CORE_READ(tp, rcv_wnd);
	d->rate_delivered = BPF_CORE_READ(tp, rate_delivered);
	d->rate_interval_us = BPF_CORE_READ(tp, rate_interval_us);
	d->app_limited = BPF_CORE_READ_BITFIELD_PROBED(tp, rate_app_limited);
	d->ca_state = BPF_CORE_READ_BITFIELD_PROBED(icsk, icsk_ca_state);
	d->retransmits = BPF_CORE_READ(icsk, icsk_retransmits);
	d->backoff = BPF_CORE_READ(icsk, icsk_backoff);
	BPF_CORE_READ_STR_INTO(&d->ca_name, icsk, icsk_ca_ops, name);
	return 0;
}

/* What is under way counts up to now. */
static __noinline int detail_chrono(struct sw_detail *d, const struct sock *sk)
{
	const struct tcp_sock *tp = (const void *)sk;
	__u32 start = BPF_CORE_READ(tp, chrono_start);

	if (!d)
		return 0;
	d->jiffies = (__u32)bpf_jiffies64();
	d->chrono_type = BPF_CORE_READ_BITFIELD_PROBED(tp, chrono_type);
	BPF_CORE_READ_INTO(&d->chrono, tp, chrono_stat);
	if (d->chrono_type == 1)
		d->chrono[0] += d->jiffies - start;
	else if (d->chrono_type == 2)
		d->chrono[1] += d->jiffies - start;
	else if (d->chrono_type == 3)
		d->chrono[2] += d->jiffies - start;
	return 0;
}

/* The queues of TCP as tcp_diag_get_info() tells them. */
static __always_inline void detail_tcp_queues(struct sw_detail *d, const struct sock *sk)
{
	const struct tcp_sock *tp = (const void *)sk;
	__u32 copied = BPF_CORE_READ(tp, copied_seq);
	__u32 acked = BPF_CORE_READ(tp, snd_una);
	__s32 waiting = (__s32)(BPF_CORE_READ(tp, rcv_nxt) - copied);
	__s32 unsent = (__s32)(BPF_CORE_READ(tp, write_seq) - BPF_CORE_READ(tp, snd_nxt));

	d->recv_queue = waiting > 0 ? waiting : 0;
	d->send_queue = BPF_CORE_READ(tp, write_seq) - acked;
	d->unsent = unsent > 0 ? unsent : 0;
}

/* Packets that were dropped; UDP and raw sockets count by node since 6.18 (sk_drops_read). */
static __always_inline __u32 detail_drops(const struct sock *sk)
{
	struct numa_drop_counters *counters;

	if (bpf_core_field_exists(sk->sk_drop_counters)) {
		counters = BPF_CORE_READ(sk, sk_drop_counters);
		if (counters)
			return BPF_CORE_READ(counters, drops0.counter) +
			       BPF_CORE_READ(counters, drops1.counter);
	}
	return BPF_CORE_READ(sk, sk_drops.counter);
}

static __noinline int detail_queues(struct sw_detail *d, const struct sock *sk, int is_tcp)
{
	if (!d)
		return 0;
	d->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	d->pacing_rate = BPF_CORE_READ(sk, sk_pacing_rate);
	d->sndbuf = BPF_CORE_READ(sk, sk_sndbuf);
	d->rcvbuf = BPF_CORE_READ(sk, sk_rcvbuf);
	d->drops = detail_drops(sk);
	if (!is_tcp) { /* memory, not bytes of payload: as udp_rqueue_get(), sk_wmem_alloc_get() */
		d->recv_queue = BPF_CORE_READ(sk, sk_backlog.rmem_alloc.counter);
		d->send_queue = BPF_CORE_READ(sk, sk_wmem_alloc.refs.counter) - 1;
	} else if (d->state == TCP_LISTEN) {
		d->recv_queue = BPF_CORE_READ(sk, sk_ack_backlog);
		d->send_queue = BPF_CORE_READ(sk, sk_max_ack_backlog);
	} else {
		detail_tcp_queues(d, sk);
	}
	return 0;
}

static __always_inline int on_detail(struct seq_file *seq, const struct sock *sk,
				     struct sw_sock *st)
{
	struct sw_detail d = {};
	bool tcp;

	if (!detail_cookie || st->flow.cookie != detail_cookie)
		return 0;
	tcp = is_tcp(&st->flow);
	d.cookie = st->flow.cookie;
	detail_queues(&d, sk, tcp);
	if (tcp && d.state != TCP_LISTEN) {
		detail_tcp(&d, sk);
		detail_chrono(&d, sk);
	}
	bpf_seq_write(seq, &d, sizeof(d));
	return 0;
}

static __always_inline int on_detail_pointer(struct seq_file *seq, __u64 key, struct sw_sock *st)
{
	const struct sock *raw = (void *)key;

	return detail_cookie && st->flow.cookie == detail_cookie && is_of(st, raw)
		       ? on_detail(seq, raw, st)
		       : 0;
}

/* Found once for each of its files: all say the same. */
static __always_inline int on_detail_file(struct seq_file *seq, struct file *file)
{
	struct sock *sk = file_sock(file);
	struct sw_sock *st = sk ? sock_find(sk) : NULL;

	return st ? on_detail(seq, sk, st) : 0;
}

/** One open file of one process, if it is the socket. */
static __always_inline int on_holder(struct seq_file *seq, struct task_struct *task,
				     struct file *file, __u32 fd)
{
	struct sw_holder h = {};
	struct sw_sock *st;
	struct sock *sk;

	if (!detail_cookie)
		return 0;
	sk = file_sock(file);
	st = sk ? sock_find(sk) : NULL;
	if (!st || st->flow.cookie != detail_cookie)
		return 0;
	h.fd = fd;
	h.tgid = BPF_CORE_READ(task, tgid);
	h.start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	h.uid = BPF_CORE_READ(task, real_cred, uid.val);
	BPF_CORE_READ_STR_INTO(&h.comm, task, group_leader, comm);
	bpf_seq_write(seq, &h, sizeof(h));
	return 0;
}

#endif
