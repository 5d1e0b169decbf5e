/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sockets as they are now, of every network namespace, and the processes that hold them. Nothing
 * here is attached: user space runs the walks with BPF_PROG_TEST_RUN, under rcu_read_lock, and
 * reads the iterators.
 *
 * The walks go over the hash tables of TCP and UDP: these have what no process holds (TIME_WAIT,
 * orphans, connections not accepted yet, the kernel's own), and the namespaces share them but for
 * those that were told to have their own (tcp_child_ehash_entries, udp_child_hash_entries). Without
 * locks: what moves meanwhile may be told twice or not at all, as in /proc/net/tcp.
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

#include "who_bind.bpf.h"
#include "who_iter.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* ---- walks: one program, so that what they share is verified once ---- */

SEC("raw_tp/")
int walk_tables(void *ctx)
{
	switch (walk.kind) {
	case WHO_NETS:
		return on_nets();
	case WHO_LISTENERS:
		return on_listeners();
	case WHO_UDP:
		return on_udp();
	default:
		return on_connections();
	}
}

/* ---- attached while a port is watched ---- */

SEC("?cgroup/bind4")
int bind4(struct bpf_sock_addr *ctx)
{
	__u8 address[16];

	map_v4(address, ctx->user_ip4);
	return on_bind_call(ctx, address);
}

SEC("?cgroup/bind6")
int bind6(struct bpf_sock_addr *ctx)
{
	__u32 address[4] = {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]};

	return on_bind_call(ctx, (const __u8 *)address);
}

/* ---- iterators ---- */

SEC("iter/task_file")
int each_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;

	if (task && file)
		on_each_file(ctx->meta->seq, task, file, ctx->fd);
	return 0;
}

SEC("iter/task")
int each_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (task)
		on_each_task(ctx->meta->seq, task);
	return 0;
}
