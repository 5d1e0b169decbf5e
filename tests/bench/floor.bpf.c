/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The floor: what any program on the hooks of bytes costs. */
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
