/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Calls of bind(), before it is known what comes of them. */
#ifndef BPF_WHO_BIND_H
#define BPF_WHO_BIND_H

#include "who_sock.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, WHO_ATTEMPT_BYTES);
} attempts SEC(".maps");

/* The address is user space's; all else is of the socket. */
static __always_inline int on_bind_call(struct bpf_sock_addr *ctx, const __u8 *address)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct who_attempt *a;
	__u16 port = bpf_ntohs((__u16)ctx->user_port);
	struct bpf_sock *sk = ctx->sk;

	if (!port || !is_asked_port(port) || !sk)
		return 1;
	a = bpf_ringbuf_reserve(&attempts, sizeof(*a), 0);
	if (!a) {
		walk.lost++;
		return 1;
	}
	__builtin_memset(a, 0, sizeof(*a));
	a->time_ns = bpf_ktime_get_boot_ns();
	a->cookie = bpf_get_socket_cookie(ctx);
	a->tgid = pid_here(BPF_CORE_READ(task, group_leader));
	a->netns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	a->uid = BPF_CORE_READ(task, real_cred, uid.val);
	a->port = port;
	a->protocol = ctx->protocol;
	a->v6 = ctx->family == AF_INET6;
	__builtin_memcpy(a->addr, address, sizeof(a->addr));
	BPF_CORE_READ_STR_INTO(&a->comm, task, group_leader, comm);
	bpf_ringbuf_submit(a, BPF_RB_NO_WAKEUP);
	return 1;
}

#endif
