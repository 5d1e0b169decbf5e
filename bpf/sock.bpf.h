/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The only reader of kernel structs: struct sock and task_struct into flows and accounts. */
#ifndef BPF_SOCK_H
#define BPF_SOCK_H

#include "maps.bpf.h"

#define AF_INET 2
#define AF_INET6 10
#define AF_PACKET 17
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define PF_KTHREAD 0x00200000    /* include/linux/sched.h */
#define SOCK_BINDPORT_LOCK 8     /* include/net/sock.h */
#define SOCK_DONE_BIT (1UL << 1) /* enum sock_flags: a FIN was received (tcp_fin) */
#define SOCK_LINGER_BIT (1UL << 4)

enum { /* include/net/tcp_states.h */
       TCP_ESTABLISHED = 1,
       TCP_SYN_SENT,
       TCP_SYN_RECV,
       TCP_FIN_WAIT1,
       TCP_FIN_WAIT2,
       TCP_TIME_WAIT,
       TCP_CLOSE,
       TCP_CLOSE_WAIT,
       TCP_LAST_ACK,
       TCP_LISTEN,
       TCP_CLOSING,
};

enum { /* linux/if_ether.h; offsets of the source address in the headers */
       ETH_P_IP = 0x0800,
       IPV4_SADDR = 12,
       IPV6_SADDR = 8,
};

struct who { /* the process that is running */
	__u64 start_ns;
	__u32 tgid;
	__u32 flags;
};

static __always_inline bool is_watched(__u16 family)
{
	return family == AF_INET || family == AF_INET6 || family == AF_PACKET;
}

static __always_inline bool has_tcp_states(__u16 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP;
}

/* Not a raw socket of that protocol, nor a packet socket of that ethertype. */
static __always_inline bool is_tcp(const struct sw_flow *flow)
{
	return flow->protocol == IPPROTO_TCP && flow->type == SOCK_STREAM &&
	       flow->family != AF_PACKET;
}

/* A subflow of an MPTCP socket: its bytes are booked to the MPTCP socket, once. */
static __always_inline bool is_subflow(const void *sk)
{
	const struct tcp_sock *tp = sk;

	if (!bpf_core_field_exists(tp->is_mptcp))
		return false;
	return BPF_CORE_READ((const struct sock *)sk, sk_protocol) == IPPROTO_TCP &&
	       BPF_CORE_READ(tp, is_mptcp);
}

static __always_inline void map_v4(__u8 *dst, __be32 addr)
{
	__u32 *word = (__u32 *)dst;

	word[0] = 0;
	word[1] = 0;
	word[2] = bpf_htonl(0xffff);
	word[3] = addr;
}

/* Local address and port, and whether the process chose the port. Autobind, connect and bind
 * change them. A TCP socket at its end has lost its port (inet_put_port): keep what was known. */
static __noinline void flow_read_local(struct sw_flow *flow, const struct sock *sk)
{
	__u16 port = BPF_CORE_READ(sk, __sk_common.skc_num);

	if (!flow || flow->family == AF_PACKET || (!port && flow->lport))
		return;
	flow->lport = port;
	if (flow->type == SOCK_RAW)
		flow->lport = 0; /* skc_num of a raw socket is its protocol */
	if (BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks) & SOCK_BINDPORT_LOCK)
		flow->flags |= SW_F_BOUND;
	if (flow->family == AF_INET6)
		BPF_CORE_READ_INTO(&flow->laddr, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
	else
		map_v4(flow->laddr, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
}

/* What lets others have the same port. */
static __noinline void flow_read_options(struct sw_flow *flow, const struct sock *sk)
{
	if (!flow)
		return;
	flow->flags &= ~(SW_F_REUSEADDR | SW_F_REUSEPORT);
	if (BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuse))
		flow->flags |= SW_F_REUSEADDR;
	if (BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuseport))
		flow->flags |= SW_F_REUSEPORT;
}

static __noinline void flow_read_peer(struct sw_flow *flow, const struct sock *sk)
{
	__u16 port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));

	if (!flow || flow->family == AF_PACKET || (!port && flow->rport))
		return;
	flow->rport = port;
	if (flow->family == AF_INET6)
		BPF_CORE_READ_INTO(&flow->raddr, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
	else
		map_v4(flow->raddr, BPF_CORE_READ(sk, __sk_common.skc_daddr));
}

/**
 * Which side a TCP connection is that was open before the start: a fact, not a guess. A client's
 * SYN is in bytes_acked (tcp_rcv_synsent_state_process -> tcp_ack -> tcp_snd_una_update), a
 * server's SYN-ACK is not (tcp_create_openreq_child starts behind it), bytes_sent counts neither.
 * The socket is not locked: an answer must come twice in a row. None if a FIN was sent.
 */
static __noinline __u32 tcp_side(const struct sock *sk, __u8 state)
{
	const struct tcp_sock *tp = (const void *)sk;
	__u64 extra = 2, was;

	if (state != TCP_ESTABLISHED && state != TCP_CLOSE_WAIT)
		return 0;
	for (int i = 0; i < 4; i++) {
		__u64 acked = BPF_CORE_READ(tp, bytes_acked);
		__u32 flying = BPF_CORE_READ(tp, snd_nxt) - BPF_CORE_READ(tp, snd_una);
		__u64 sent = BPF_CORE_READ(tp, bytes_sent) - BPF_CORE_READ(tp, bytes_retrans);

		was = extra;
		extra = acked + flying - sent;
		if (extra == was && extra == 0)
			return SW_F_SERVER;
		if (extra == was && extra == 1)
			return SW_F_CLIENT;
	}
	return 0;
}

/* What a socket is that we did not see begin: one that was open before the start. */
static __always_inline __u32 earlier_side(const struct sw_flow *flow, const struct sock *sk)
{
	if (!has_tcp_states(flow->protocol) || flow->family == AF_PACKET)
		return 0;
	/* One that listens moves no bytes: it is the clone of a listener, about to be established.
	 */
	if (flow->state == TCP_LISTEN || flow->state == TCP_CLOSE || flow->state == TCP_SYN_SENT ||
	    flow->state == TCP_SYN_RECV)
		return 0;
	return SW_F_BEFORE_START | (flow->protocol == IPPROTO_TCP ? tcp_side(sk, flow->state) : 0);
}

struct tcp_count { /* one direction of a TCP socket as the kernel counts it */
	__u64 bytes;
	__u32 anchor; /* constant while a connection lives; a torn read has another */
};

/**
 * Bytes that processes took from a TCP socket by any path (recvmsg, splice, zero-copy), 64 bits
 * wide: what was received less what still waits. rcv_nxt and bytes_received move together and count
 * a FIN as a byte (tcp_rcv_nxt_update); once it was read past (copied_seq == rcv_nxt) it must be
 * taken off.
 */
static __noinline void tcp_consumed(struct tcp_count *count, const void *sk)
{
	const struct tcp_sock *tp = sk;
	__u32 copied = BPF_CORE_READ(tp, copied_seq);
	__u32 next = BPF_CORE_READ(tp, rcv_nxt);
	__u64 received = BPF_CORE_READ(tp, bytes_received);

	if (!count)
		return;
	count->anchor = next - (__u32)received;
	count->bytes = received + (__s32)(copied - next);
	if (copied == next &&
	    (BPF_CORE_READ((const struct sock *)sk, __sk_common.skc_flags) & SOCK_DONE_BIT))
		count->bytes--;
}

/**
 * Bytes that processes handed to a TCP socket by any path, sent yet or not, 64 bits wide: what was
 * acknowledged and what waits for it. bytes_acked and snd_una move together (tcp_snd_una_update).
 * A client's SYN and a FIN count as a byte.
 */
static __noinline void tcp_handed(struct tcp_count *count, const void *sk)
{
	const struct tcp_sock *tp = sk;
	__u64 acked = BPF_CORE_READ(tp, bytes_acked);
	__u32 una = BPF_CORE_READ(tp, snd_una);

	if (!count)
		return;
	count->anchor = una - (__u32)acked;
	count->bytes = acked + (__s32)(BPF_CORE_READ(tp, write_seq) - una);
}

/* A close resets the connection instead of ending it (__tcp_close): what came was not read, or
 * SO_LINGER says so. */
static __noinline bool tcp_will_reset(const void *sk)
{
	const struct tcp_sock *tp = sk;
	unsigned long flags = BPF_CORE_READ((const struct sock *)sk, __sk_common.skc_flags);
	__s32 unread = BPF_CORE_READ(tp, rcv_nxt) - BPF_CORE_READ(tp, copied_seq);

	if (flags & SOCK_DONE_BIT)
		unread--;
	return unread > 0 ||
	       (flags & SOCK_LINGER_BIT && !BPF_CORE_READ((const struct sock *)sk, sk_lingertime));
}

static __noinline void flow_read_path(struct sw_flow *flow, const void *sk)
{
	const struct tcp_sock *tp = sk;

	if (!flow || !is_tcp(flow))
		return;
	flow->srtt_us = BPF_CORE_READ(tp, srtt_us) >> 3;
	flow->retransmits = BPF_CORE_READ(tp, total_retrans);
}

/* MPTCP counts them itself. Splice goes by recvmsg until it gets a way of its own
 * (mptcp_splice_read, there in 7.3), which is later than the counter. */
static __always_inline bool mptcp_counts(__u16 protocol)
{
	const struct mptcp_sock *msk = NULL;

	return protocol == IPPROTO_MPTCP && bpf_core_field_exists(msk->bytes_consumed);
}

static __always_inline void mptcp_consumed(struct tcp_count *count, const void *sk)
{
	const struct mptcp_sock *msk = sk;

	count->anchor = 0;
	count->bytes = 0;
	if (bpf_core_field_exists(msk->bytes_consumed))
		count->bytes = BPF_CORE_READ(msk, bytes_consumed);
}

/* Bytes are ciphertext below an upper-layer protocol (kTLS): do not mix them with plaintext. */
static __always_inline bool has_ulp(const void *sk)
{
	return BPF_CORE_READ((const struct inet_connection_sock *)sk, icsk_ulp_ops) != NULL;
}

/* Whether some hook will report its end. TCP has tcp_destroy_sock whatever else there is. */
static __always_inline bool has_release(const struct sw_flow *flow)
{
	if (flow->family == AF_PACKET)
		return live.release & SW_RELEASE_PACKET;
	if (flow->protocol == IPPROTO_TCP)
		return true;
	return live.release & (flow->flags & SW_F_KERNEL ? SW_RELEASE_KERNEL : SW_RELEASE_USER);
}

static __noinline void flow_read(struct sw_flow *flow, const struct sock *sk)
{
	if (!flow)
		return;
	flow->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	flow->protocol = BPF_CORE_READ(sk, sk_protocol);
	flow->type = BPF_CORE_READ(sk, sk_type);
	flow->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	flow->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	flow->uid = BPF_CORE_READ(sk, sk_uid.val);
	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup))
		flow->cgroup_id = BPF_CORE_READ(sk, sk_cgrp_data.cgroup, kn, id);
	if (flow->family == AF_PACKET)
		flow->protocol = bpf_ntohs(BPF_CORE_READ((const struct packet_sock *)sk, num));
	if (BPF_CORE_READ_BITFIELD_PROBED(sk, sk_kern_sock))
		flow->flags |= SW_F_KERNEL;
	if (!has_release(flow))
		flow->flags |= SW_F_NO_RELEASE;
	flow_read_local(flow, sk);
	flow_read_peer(flow, sk);
	if (flow->lport)
		flow_read_options(flow, sk);
}

/* For tracing programs: plain loads, no helper but the one. */
static __always_inline void who_runs(struct who *who)
{
	struct task_struct *task = bpf_get_current_task_btf();

	who->tgid = task->tgid;
	who->start_ns = task->group_leader->start_boottime;
	who->flags = task->flags & PF_KTHREAD ? SW_A_KTHREAD : 0;
}

/* For cgroup programs, which may not follow pointers. */
static __always_inline void who_runs_probed(struct who *who)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	who->tgid = BPF_CORE_READ(task, tgid);
	who->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	who->flags = BPF_CORE_READ(task, flags) & PF_KTHREAD ? SW_A_KTHREAD : 0;
}

/* The group leader's name: a thread's own says nothing about the process. */
static __noinline void account_name(struct sw_account *account)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (!account)
		return;
	BPF_CORE_READ_STR_INTO(&account->comm, task, group_leader, comm);
}

#endif
