/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What parts.bpf.c and shortcut.bpf.c share. Nothing of bpf/: that goes on, these stay what was
 *  measured. */
#ifndef TESTS_BENCH_PARTS_H
#define TESTS_BENCH_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/in.h>

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define AF_INET 2
#define AF_INET6 10
#define AF_PACKET 17
#define MSG_PEEK 2
#define MSG_ERRQUEUE 0x2000
#define PF_KTHREAD 0x00200000

#define PAIR(name, call)                                               \
	SEC("tp_btf/sock_send_length")                                 \
	int BPF_PROG(name##_send, struct sock *sk, int ret, int flags) \
	{                                                              \
		const bool rx = false;                                 \
		return call;                                           \
	}                                                              \
	SEC("tp_btf/sock_recv_length")                                 \
	int BPF_PROG(name##_recv, struct sock *sk, int ret, int flags) \
	{                                                              \
		const bool rx = true;                                  \
		return call;                                           \
	}

volatile struct {
	__u32 epoch, told;
} live = {.epoch = 1};

struct who {
	__u64 start_ns;
	__u32 tgid;
	__u32 flags;
};

static __always_inline void who_runs(struct who *who)
{
	struct task_struct *task = bpf_get_current_task_btf();

	who->tgid = task->tgid;
	who->start_ns = task->group_leader->start_boottime;
	who->flags = task->flags & PF_KTHREAD ? 1 : 0;
}

static __always_inline bool is_watched(__u16 family)
{
	return family == AF_INET || family == AF_INET6 || family == AF_PACKET;
}

static __always_inline bool is_result(int ret, int flags, bool rx)
{
	return ret > 0 && !(rx && (flags & (MSG_PEEK | MSG_ERRQUEUE)));
}

/* ---- what a call needs in one cache line, made by the slow path ---- */

struct hot {
	__u64 tx_bytes;
	__u64 rx_bytes;
	__u64 start_ns;
	__u32 tgid; /* 0: nothing is plain, take the slow path */
	__u32 epoch;
	__u32 peer;  /* skc_daddr as it was */
	__u32 ports; /* skc_dport as it was; 0 and is_udp 0: not asked for */
	__u32 is_udp;
	__u32 rest[5];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct hot);
} hots SEC(".maps");

static __always_inline void fill_hot(struct hot *hot, struct sock *sk)
{
	struct who who;

	who_runs(&who);
	hot->start_ns = who.start_ns;
	hot->tgid = who.tgid;
	hot->epoch = live.epoch;
	hot->is_udp = BPF_CORE_READ(sk, sk_protocol) == IPPROTO_UDP;
	hot->peer = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	hot->ports = BPF_CORE_READ(sk, __sk_common.skc_dport);
}

static __noinline int make_hot(struct sock *sk)
{
	struct hot *hot;

	if (!sk)
		return 0;
	hot = bpf_sk_storage_get(&hots, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (hot)
		fill_hot(hot, sk);
	return 0;
}

static __always_inline bool is_hot_for(const struct hot *hot, const struct sock *sk,
				       const struct task_struct *task)
{
	if (hot->tgid != (__u32)task->tgid || hot->start_ns != task->group_leader->start_boottime ||
	    hot->epoch != live.epoch)
		return false;
	return !hot->is_udp ||
	       (hot->peer == sk->__sk_common.skc_daddr && hot->ports == sk->__sk_common.skc_dport);
}

#endif
