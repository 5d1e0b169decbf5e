/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Entry points only, in the order of a socket's life; each is a line or two over a handler.
 * Every program is optional ("?"): user/capture/hooks.c says which are loaded on which kernel.
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/in.h>

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "sweep.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("?cgroup/post_bind4")
int post_bind4(struct bpf_sock *ctx)
{
	on_bind(ctx);
	return 1;
}

SEC("?cgroup/post_bind6")
int post_bind6(struct bpf_sock *ctx)
{
	on_bind(ctx);
	return 1;
}

SEC("?cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	struct peer peer;

	peer_v4(ctx, &peer);
	on_connect_enter(ctx, &peer);
	return 1;
}

SEC("?cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
	struct peer peer;

	peer_v6(ctx, &peer);
	on_connect_enter(ctx, &peer);
	return 1;
}

SEC("?tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_state, struct sock *sk, int old, int new)
{
	on_tcp_state(sk, old, new);
	return 0;
}

SEC("?cgroup/getpeername4")
int getpeername4(struct bpf_sock_addr *ctx)
{
	on_getpeername(ctx->sk);
	return 1;
}

SEC("?cgroup/getpeername6")
int getpeername6(struct bpf_sock_addr *ctx)
{
	on_getpeername(ctx->sk);
	return 1;
}

SEC("?cgroup/sendmsg4")
int udp_sendmsg4(struct bpf_sock_addr *ctx)
{
	struct peer peer;

	peer_v4(ctx, &peer);
	on_udp_peer(ctx, &peer, false);
	return 1;
}

SEC("?cgroup/sendmsg6")
int udp_sendmsg6(struct bpf_sock_addr *ctx)
{
	struct peer peer;

	peer_v6(ctx, &peer);
	on_udp_peer(ctx, &peer, false);
	return 1;
}

SEC("?cgroup/recvmsg4")
int udp_recvmsg4(struct bpf_sock_addr *ctx)
{
	struct peer peer;

	peer_v4(ctx, &peer);
	on_udp_peer(ctx, &peer, true);
	return 1;
}

SEC("?cgroup/recvmsg6")
int udp_recvmsg6(struct bpf_sock_addr *ctx)
{
	struct peer peer;

	peer_v6(ctx, &peer);
	on_udp_peer(ctx, &peer, true);
	return 1;
}

SEC("?tp_btf/sock_send_length")
int BPF_PROG(send_length, struct sock *sk, int ret, int flags)
{
	account_io(sk, ret, flags, false);
	return 0;
}

SEC("?tp_btf/sock_recv_length")
int BPF_PROG(recv_length, struct sock *sk, int ret, int flags)
{
	account_io(sk, ret, flags, true);
	return 0;
}

SEC("?cgroup/sock_release")
int sock_release(struct bpf_sock *ctx)
{
	on_release(ctx);
	return 1;
}

SEC("?tp_btf/tcp_destroy_sock")
int BPF_PROG(tcp_destroy, struct sock *sk)
{
	on_tcp_destroy(sk);
	return 0;
}

/* clang reloads context fields after a NULL check and the verifier then refuses: use locals. */
SEC("?iter/task_file")
int snapshot(struct bpf_iter__task_file *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;

	return task && file ? on_file(seq, task, file) : 0;
}

SEC("?iter/bpf_sk_storage_map")
int sweep(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct sw_sock *st = ctx->value;
	struct sock *sk = ctx->sk;

	return sk && st ? on_sweep(seq, sk, st) : 0;
}
