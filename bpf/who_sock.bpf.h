/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Maps of the question, and kernel structs into its records. */
#ifndef BPF_WHO_SOCK_H
#define BPF_WHO_SOCK_H

#include "who_abi.h"

#define AF_INET 2
#define AF_INET6 10
#define AF_PACKET 17
#define SOCK_RAW 3
#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */
#define SOCK_DEAD_BIT (1UL << 0)

enum { /* include/net/tcp_states.h */
       TCP_ESTABLISHED = 1,
       TCP_SYN_RECV = 3,
       TCP_TIME_WAIT = 6,
       TCP_CLOSE = 7,
       TCP_LISTEN = 10,
       TCP_NEW_SYN_RECV = 12,
};

#define KEYED(map_name, key_type, value_type)         \
	struct {                                      \
		__uint(type, BPF_MAP_TYPE_HASH);      \
		__uint(max_entries, WHO_KEYS);        \
		__uint(map_flags, BPF_F_NO_PREALLOC); \
		__type(key, key_type);                \
		__type(value, value_type);            \
	} map_name SEC(".maps")

KEYED(listening, struct who_port_key, __u32);
KEYED(connections, struct who_local_key, struct who_counts);
KEYED(uses, struct who_use_key, __u32);
KEYED(polls, __u64, __u32);

struct who_ask ask;
struct who_walk walk;
struct who_sock socks[WHO_SOCKS];
struct who_wait waits[WHO_WAITS];
struct who_net nets[WHO_SOCKS];

/* Some verifiers (6.1 to 6.18 of Debian) know nothing of a number whose bytes were
 * swapped, as ports are, and the compiler knows all of it: hence the barrier. */
static __always_inline bool is_asked_port(__u16 port)
{
	__u32 bit = port;

	barrier_var(bit);
	return ask.ports[bit / 8 & (sizeof(ask.ports) - 1)] >> (bit % 8) & 1;
}

static __always_inline void map_v4(__u8 *dst, __be32 addr)
{
	__u32 *word = (__u32 *)dst;

	word[0] = 0;
	word[1] = 0;
	word[2] = bpf_htonl(0xffff);
	word[3] = addr;
}

/* Number of a task in the pid namespace of that level around it. */
static __always_inline __u32 pid_number(const struct task_struct *task, __u32 level)
{
	const struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 nr = 0;

	if (level <= BPF_CORE_READ(pid, level))
		bpf_probe_read_kernel(&nr, sizeof(nr),
				      (const void *)pid +
					      bpf_core_field_offset(struct pid, numbers) +
					      level * bpf_core_type_size(struct upid));
	return nr;
}

/* As who asks sees it: iterators go over the pid namespace of who reads them, and those in it. */
static __always_inline __u32 pid_here(const struct task_struct *task)
{
	return pid_number(task, walk.pid_level);
}

/* Functions that are not static are verified once, not at each call: they take kernel addresses as
 * numbers. */

/* What all three kinds of socket have: whole ones, TIME_WAIT, requests. */
__noinline int common_read(struct who_sock *out, __u64 address)
{
	const struct sock_common *skc = (const void *)address;

	if (!out)
		return 0;
	__builtin_memset(out, 0, sizeof(*out));
	out->id = address;
	out->cookie = BPF_CORE_READ(skc, skc_cookie.counter);
	out->netns = BPF_CORE_READ(skc, skc_net.net, ns.inum);
	out->family = BPF_CORE_READ(skc, skc_family);
	out->state = BPF_CORE_READ(skc, skc_state);
	out->ifindex = BPF_CORE_READ(skc, skc_bound_dev_if);
	out->lport = BPF_CORE_READ(skc, skc_num);
	out->rport = bpf_ntohs(BPF_CORE_READ(skc, skc_dport));
	out->reuse = BPF_CORE_READ_BITFIELD_PROBED(skc, skc_reuse);
	out->reuseport = BPF_CORE_READ_BITFIELD_PROBED(skc, skc_reuseport);
	out->v6only = BPF_CORE_READ_BITFIELD_PROBED(skc, skc_ipv6only);
	if (out->family == AF_INET6) {
		BPF_CORE_READ_INTO(&out->laddr, skc, skc_v6_rcv_saddr.in6_u.u6_addr8);
		BPF_CORE_READ_INTO(&out->raddr, skc, skc_v6_daddr.in6_u.u6_addr8);
	} else {
		map_v4(out->laddr, BPF_CORE_READ(skc, skc_rcv_saddr));
		map_v4(out->raddr, BPF_CORE_READ(skc, skc_daddr));
	}
	return 0;
}

__noinline int sock_read(struct who_sock *out, __u64 address)
{
	const struct tcp_sock *tp = (const void *)address;
	const struct sock *sk = (const void *)address;
	const struct socket *socket;

	if (!out)
		return 0;
	common_read(out, address);
	out->protocol = BPF_CORE_READ(sk, sk_protocol);
	out->type = BPF_CORE_READ(sk, sk_type);
	out->uid = BPF_CORE_READ(sk, sk_uid.val);
	out->backlog = BPF_CORE_READ(sk, sk_ack_backlog);
	out->backlog_max = BPF_CORE_READ(sk, sk_max_ack_backlog);
	out->group = (__u64)BPF_CORE_READ(sk, sk_reuseport_cb);
	out->sk_flags = BPF_CORE_READ(sk, __sk_common.skc_flags);
	out->userlocks = BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks);
	out->kernel = BPF_CORE_READ_BITFIELD_PROBED(sk, sk_kern_sock);
	out->ready = (__u64)BPF_CORE_READ(sk, sk_data_ready);
	if (out->protocol == IPPROTO_TCP)
		out->fastreuse = BPF_CORE_READ(tp, inet_conn.icsk_bind_hash, fastreuse);
	if (bpf_core_field_exists(tp->is_mptcp) && out->protocol == IPPROTO_TCP)
		out->is_mptcp = BPF_CORE_READ(tp, is_mptcp);
	if (out->protocol == IPPROTO_UDP)
		out->encap_rcv = (__u64)BPF_CORE_READ((const struct udp_sock *)sk, encap_rcv);
	if (out->type == SOCK_RAW || out->family == AF_PACKET)
		out->lport = 0; /* skc_num of a raw socket is its protocol */
	socket = BPF_CORE_READ(sk, sk_socket);
	out->socket = (__u64)socket;
	out->inode = BPF_CORE_READ(socket, file, f_inode, i_ino);
	return 0;
}

#endif
