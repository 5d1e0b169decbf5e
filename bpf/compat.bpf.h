/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Kernel differences, each with the commit that made it. Which program is loaded where is said by
 *  user/capture/hooks.c; here is what the program has to know. */
#ifndef BPF_COMPAT_H
#define BPF_COMPAT_H

#include "life.bpf.h"

/*
 * Linux before 6.3 has no tracepoints sock_send_length and sock_recv_length (6e6eda44b939, "sock:
 * add tracepoint for send recv length"). inet_sendmsg and inet_recvmsg and their IPv6 twins are the
 * next place that sees every call once, whoever makes it, and its result; IPv6 raw and ping sockets
 * alone receive by sock_common_recvmsg (inet6_sockraw_ops).
 */
static __always_inline void on_inet_io(struct socket *sock, long ret, int flags, bool rx)
{
	struct sock *sk = sock->sk;

	if (sk)
		account_io(sk, (int)ret, flags, rx);
}

/*
 * Before 6.5, sendfile and splice into a socket come by ->sendpage (removed by dc97391e6610,
 * "sock: Remove ->sendpage*() in favour of sendmsg(MSG_SPLICE_PAGES)"). MPTCP has none of its own
 * and goes on to inet_sendmsg, where it is counted.
 */
static __always_inline void on_sendpage(struct socket *sock, long ret)
{
	struct sock *sk = sock->sk;

	if (sk && sk->sk_protocol != IPPROTO_MPTCP)
		account_io(sk, (int)ret, 0, false);
}

/*
 * Splice from a socket with an upper-layer protocol (tls_sw_splice_read) comes by no recvmsg, and
 * copied_seq counts ciphertext. Of other sockets it is left to bypassed_bytes.
 */
static __always_inline void on_splice_read(struct file *file, long ret)
{
	struct socket *sock = bpf_sock_from_file(file);
	struct sock *sk = sock ? sock->sk : NULL;

	if (sk && sk->sk_protocol == IPPROTO_TCP && has_ulp(sk))
		account_io(sk, (int)ret, 0, true);
}

/* Last look at a socket with its kernel struct at hand: fentry on inet_release, packet_release. */
static __always_inline void on_socket_release(struct socket *sock)
{
	struct sock *sk = sock->sk;

	if (sk)
		on_release(sock_find(sk), sk);
}

static __always_inline void on_socket_bind(struct socket *sock, int ret)
{
	struct sock *sk = sock->sk;

	if (sk && !ret)
		on_bind(sock_get(sk, 0), sk);
}

/* inet_csk_accept(sk, flags, err, kern) became inet_csk_accept(sk, arg) in 6.10 (92ef0fd55ac8,
 * "net: change proto and proto_ops accept type"): two entry points, one handler. */
static __always_inline void on_csk_accept(struct sock *newsk)
{
	if (newsk && !is_subflow(newsk))
		on_accept(sock_get(newsk, 0), newsk);
}

/* Who sent a datagram. */
static __always_inline void skb_peer(const struct sk_buff *skb, struct peer *peer)
{
	const unsigned char *head = BPF_CORE_READ(skb, head);
	__u16 network = BPF_CORE_READ(skb, network_header);
	__u16 transport = BPF_CORE_READ(skb, transport_header);
	__be16 port = 0;
	__be32 v4 = 0;

	bpf_probe_read_kernel(&port, sizeof(port), head + transport); /* udphdr.source */
	peer->port = bpf_ntohs(port);
	if (BPF_CORE_READ(skb, protocol) == bpf_htons(ETH_P_IP)) {
		bpf_probe_read_kernel(&v4, sizeof(v4), head + network + IPV4_SADDR);
		map_v4(peer->ip, v4);
	} else {
		bpf_probe_read_kernel(peer->ip, sizeof(peer->ip), head + network + IPV6_SADDR);
	}
}

/* The peer of each datagram that is received, whether the process asks for it or not. The cgroup
 * hooks see it only when it does. */
static __always_inline void on_consume_udp(struct sock *sk, struct sk_buff *skb, int len)
{
	struct peer peer = {};

	if (len < 0 || sk->__sk_common.skc_dport)
		return; /* a peek, or connected */
	skb_peer(skb, &peer);
	stash_put(sk, &peer, true);
}

#endif
