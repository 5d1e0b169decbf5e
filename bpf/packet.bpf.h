/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * UDP where calls are not seen: packets, as they leave a socket and as they reach it. The sender is
 * running when they leave, but in softirq they may also do so, and always when they arrive: they
 * are booked to the process that cgroup hooks on its calls have last seen.
 */
#ifndef BPF_PACKET_H
#define BPF_PACKET_H

#include "cgroup.bpf.h"

#define UDP_HEADER 8
#define IPPROTO_ICMPV6 58  /* linux/in6.h, which clashes with vmlinux.h */
#define UDP_ENCAP_ESP 4500 /* IPsec through NAT */

static __always_inline bool is_udp(__u32 protocol)
{
	return protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE;
}

/* IPsec in UDP passes a second time and still belongs to the socket of what it wraps. */
static __always_inline bool is_wrapped(const struct sk_buff *skb, __u16 transport, __u32 own_port)
{
	__be16 ports[2] = {};

	bpf_probe_read_kernel(ports, sizeof(ports), BPF_CORE_READ(skb, head) + transport);
	return bpf_ntohs(ports[0]) != own_port &&
	       (ports[0] == bpf_htons(UDP_ENCAP_ESP) || ports[1] == bpf_htons(UDP_ENCAP_ESP));
}

/* Bytes behind the last header, of fragments together: they are not apart here yet, or no more. */
static __always_inline __s32 packet_payload(struct __sk_buff *ctx, struct bpf_sock *sk, bool rx)
{
	const struct sk_buff *skb = raw_pointer(ctx);
	__u16 transport = BPF_CORE_READ(skb, transport_header);
	__s32 bytes = ctx->len - (transport - BPF_CORE_READ(skb, network_header));

	if (sk->protocol == IPPROTO_ICMP || sk->protocol == IPPROTO_ICMPV6)
		return bytes;
	if (!is_udp(sk->protocol) || (!rx && is_wrapped(skb, transport, sk->src_port)))
		return 0;
	return bytes - UDP_HEADER;
}

static __noinline void packet_book(struct sw_sock *st, const void *raw, __u32 bytes, bool rx)
{
	int i;

	if (!st)
		return;
	i = st->user & 1;
	slot_add(&st->slot[i], bytes, rx);
	if (!(st->flow.flags & (SW_F_FIRST_TX | SW_F_FIRST_RX)))
		st->flow.flags |= rx ? SW_F_FIRST_RX : SW_F_FIRST_TX;
	else if (st->slot[i].account.epoch == live.epoch)
		return;
	flow_read_local(&st->flow, raw);
	flow_read_peer(&st->flow, raw);
	if (!lacks_owner(st))
		emit_slot(SW_REC_IO, 0, st, i);
}

static __always_inline int cgroup_packet(struct __sk_buff *ctx, bool rx)
{
	struct bpf_sock *sk = ctx->sk;
	__s32 bytes;

	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	if (!sk || sk->type != SOCK_DGRAM) /* TCP leaves here */
		return 1;
	bytes = packet_payload(ctx, sk, rx);
	if (bytes > 0)
		packet_book(cgroup_sock_get(sk, bpf_get_socket_cookie(ctx)), raw_pointer(sk), bytes,
			    rx);
	return 1;
}

#endif
