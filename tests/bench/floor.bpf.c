/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The floor: what any program costs on the hooks that a call passes: those of bytes, and for
 * unconnected UDP those of peers. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/sock_send_length")
int floor_send(void *ctx)
{
	(void)ctx;
	return 0;
}

SEC("tp_btf/sock_recv_length")
int floor_recv(void *ctx)
{
	(void)ctx;
	return 0;
}

SEC("cgroup/sendmsg4")
int floor_to(void *ctx)
{
	(void)ctx;
	return 1;
}

SEC("cgroup/recvmsg4")
int floor_from(void *ctx)
{
	(void)ctx;
	return 1;
}
