/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Entry points only, in the order of a socket's life; each is a line or two over a handler.
 * Every program is optional ("?"): user/capture/hooks.c says which are loaded on which kernel.
 * A kprobe names all functions that it goes to; those that a kernel does not have are left out.
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

#include "compat.bpf.h"
#include "detail.bpf.h"
#include "kprobe.bpf.h"
#include "look.bpf.h"
#include "packet.bpf.h"
#include "sweep.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* ---- a socket is made ---- */

SEC("?cgroup/sock_create")
int sock_create(struct bpf_sock *ctx)
{
	bpf_get_socket_cookie(ctx); /* makes it: a kprobe can only read it */
	return 1;
}

/* ---- bind ---- */

SEC("?cgroup/bind4")
int bind4(struct bpf_sock_addr *ctx)
{
	struct peer asked;

	peer_v4(ctx, &asked);
	return cgroup_bind_enter(ctx, &asked);
}

SEC("?cgroup/bind6")
int bind6(struct bpf_sock_addr *ctx)
{
	struct peer asked;

	peer_v6(ctx, &asked);
	return cgroup_bind_enter(ctx, &asked);
}

SEC("?cgroup/post_bind4")
int post_bind4(struct bpf_sock *ctx)
{
	return cgroup_bind(ctx);
}

SEC("?cgroup/post_bind6")
int post_bind6(struct bpf_sock *ctx)
{
	return cgroup_bind(ctx);
}

SEC("?fexit/inet_bind")
int BPF_PROG(inet_bind_exit, struct socket *sock, void *addr, int len, int ret)
{
	if (first_look(fn_further, this_task()))
		on_socket_bind(sock, ret);
	return 0;
}

SEC("?fexit/inet6_bind")
int BPF_PROG(inet6_bind_exit, struct socket *sock, void *addr, int len, int ret)
{
	if (first_look(fn_further, this_task()))
		on_socket_bind(sock, ret);
	return 0;
}

SEC("?kprobe/inet_bind,inet6_bind")
int bind_begin(void *ctx)
{
	on_bind_begin_probed(sock_of((void *)ARGUMENT1(ctx)));
	return 0;
}

SEC("?kretprobe/inet_bind,inet6_bind")
int bind_end(void *ctx)
{
	on_bind_end_probed(RETURNED(ctx));
	return 0;
}

/* ---- connect, listen, states ---- */

SEC("?cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	struct peer peer;

	peer_v4(ctx, &peer);
	return cgroup_connect(ctx, &peer);
}

SEC("?cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
	struct peer peer;

	peer_v6(ctx, &peer);
	return cgroup_connect(ctx, &peer);
}

SEC("?fexit/tcp_v4_connect")
int BPF_PROG(tcp_v4_connect_exit, struct sock *sk, void *addr, int len, int ret)
{
	if (first_look(fn_further, this_task()))
		on_connect_exit(sk, ret);
	return 0;
}

SEC("?fexit/tcp_v6_connect")
int BPF_PROG(tcp_v6_connect_exit, struct sock *sk, void *addr, int len, int ret)
{
	if (first_look(fn_further, this_task()))
		on_connect_exit(sk, ret);
	return 0;
}

SEC("?kprobe/tcp_v4_connect,tcp_v6_connect")
int connect_begin(void *ctx)
{
	on_connect_begin_probed((void *)ARGUMENT1(ctx), (void *)ARGUMENT2(ctx));
	return 0;
}

SEC("?kretprobe/tcp_v4_connect,tcp_v6_connect")
int connect_end(void *ctx)
{
	on_connect_end_probed(RETURNED(ctx));
	return 0;
}

SEC("?tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_state, struct sock *sk, int old, int new)
{
	if (first_look(tp_further, this_sock(sk)))
		on_tcp_state(sk, old, new);
	return 0;
}

/* ---- accept ---- */

SEC("?fexit/inet_csk_accept")
int BPF_PROG(csk_accept_exit, struct sock *sk, void *arg, struct sock *newsk)
{
	if (first_look(fn_further, this_task()))
		on_csk_accept(newsk);
	return 0;
}

SEC("?fexit/inet_csk_accept")
int BPF_PROG(csk_accept_exit_old, struct sock *sk, int flags, int *err, bool kern,
	     struct sock *newsk)
{
	if (first_look(fn_further, this_task()))
		on_csk_accept(newsk);
	return 0;
}

SEC("?cgroup/getpeername4")
int getpeername4(struct bpf_sock_addr *ctx)
{
	return cgroup_accept(ctx);
}

SEC("?cgroup/getpeername6")
int getpeername6(struct bpf_sock_addr *ctx)
{
	return cgroup_accept(ctx);
}

/* ---- peers of unconnected UDP: before the bytes of the same call ---- */

SEC("?cgroup/sendmsg4")
int udp_sendmsg4(struct bpf_sock_addr *ctx)
{
	struct peer peer;

	peer_v4(ctx, &peer);
	return cgroup_udp(ctx, &peer, false);
}

SEC("?cgroup/sendmsg6")
int udp_sendmsg6(struct bpf_sock_addr *ctx)
{
	struct peer peer;

	peer_v6(ctx, &peer);
	return cgroup_udp(ctx, &peer, false);
}

SEC("?cgroup/recvmsg4")
int udp_recvmsg4(struct bpf_sock_addr *ctx)
{
	struct peer peer;

	peer_v4(ctx, &peer);
	return cgroup_udp(ctx, &peer, true);
}

SEC("?cgroup/recvmsg6")
int udp_recvmsg6(struct bpf_sock_addr *ctx)
{
	struct peer peer;

	peer_v6(ctx, &peer);
	return cgroup_udp(ctx, &peer, true);
}

SEC("?fentry/skb_consume_udp")
int BPF_PROG(consume_udp, struct sock *sk, struct sk_buff *skb, int len)
{
	if (first_look(fn_further, this_task()))
		on_consume_udp(sk, skb, len);
	return 0;
}

/* ---- bytes ---- */

SEC("?tp_btf/sock_send_length")
int BPF_PROG(send_length, struct sock *sk, int ret, int flags)
{
	if (first_look(tp_further, this_task()))
		account_io(sk, ret, flags, false);
	return 0;
}

SEC("?tp_btf/sock_recv_length")
int BPF_PROG(recv_length, struct sock *sk, int ret, int flags)
{
	if (first_look(tp_further, this_task()))
		account_io(sk, ret, flags, true);
	return 0;
}

SEC("?fexit/inet_sendmsg")
int BPF_PROG(inet_sendmsg_exit, struct socket *sock, void *msg, size_t size, int ret)
{
	if (first_look(fn_further, this_task()))
		on_inet_io(sock, ret, 0, false);
	return 0;
}

SEC("?fexit/inet6_sendmsg")
int BPF_PROG(inet6_sendmsg_exit, struct socket *sock, void *msg, size_t size, int ret)
{
	if (first_look(fn_further, this_task()))
		on_inet_io(sock, ret, 0, false);
	return 0;
}

SEC("?fexit/inet_recvmsg")
int BPF_PROG(inet_recvmsg_exit, struct socket *sock, void *msg, size_t size, int flags, int ret)
{
	if (first_look(fn_further, this_task()))
		on_inet_io(sock, ret, flags, true);
	return 0;
}

SEC("?fexit/inet6_recvmsg")
int BPF_PROG(inet6_recvmsg_exit, struct socket *sock, void *msg, size_t size, int flags, int ret)
{
	if (first_look(fn_further, this_task()))
		on_inet_io(sock, ret, flags, true);
	return 0;
}

SEC("?fexit/sock_common_recvmsg")
int BPF_PROG(common_recvmsg_exit, struct socket *sock, void *msg, size_t size, int flags, int ret)
{
	if (first_look(fn_further, this_task()))
		on_inet_io(sock, ret, flags, true);
	return 0;
}

SEC("?fexit/inet_sendpage")
int BPF_PROG(inet_sendpage_exit, struct socket *sock, void *page, int offset, size_t size,
	     int flags, long ret)
{
	if (first_look(fn_further, this_task()))
		on_sendpage(sock, ret);
	return 0;
}

SEC("?fexit/sock_splice_read")
int BPF_PROG(splice_read_exit, struct file *file, void *ppos, void *pipe, size_t len,
	     unsigned int flags, long ret)
{
	if (first_look(fn_further, this_task()))
		on_splice_read(file, ret);
	return 0;
}

SEC("?fexit/packet_sendmsg")
int BPF_PROG(packet_sendmsg_exit, struct socket *sock, void *msg, size_t size, int ret)
{
	if (first_look(fn_further, this_task()))
		on_inet_io(sock, ret, 0, false);
	return 0;
}

SEC("?fexit/packet_recvmsg")
int BPF_PROG(packet_recvmsg_exit, struct socket *sock, void *msg, size_t size, int flags, int ret)
{
	if (first_look(fn_further, this_task()))
		on_inet_io(sock, ret, flags, true);
	return 0;
}

/* TCP received, where calls are not seen. */
SEC("?tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(tcp_received, struct sock *sk)
{
	if (first_look(tp_further, this_task()))
		account_consumed(sk);
	return 0;
}

/* UDP, where calls are not seen. */
SEC("?cgroup_skb/egress")
int skb_egress(struct __sk_buff *ctx)
{
	return cgroup_packet(ctx, false);
}

SEC("?cgroup_skb/ingress")
int skb_ingress(struct __sk_buff *ctx)
{
	return cgroup_packet(ctx, true);
}

SEC("?kprobe/tcp_release_cb")
int tcp_release(void *ctx)
{
	on_tcp_release((void *)ARGUMENT1(ctx));
	return 0;
}

SEC("?kprobe/skb_consume_udp")
int udp_receive(void *ctx)
{
	on_consume_udp_probed((void *)ARGUMENT1(ctx), (void *)ARGUMENT2(ctx), ARGUMENT3(ctx));
	return 0;
}

SEC("?kprobe/udp_sendmsg")
int udp_send_begin(void *ctx)
{
	on_udp_send_begin((void *)ARGUMENT1(ctx), (void *)ARGUMENT2(ctx));
	return 0;
}

SEC("?kprobe/udpv6_sendmsg,raw_sendmsg,rawv6_sendmsg,ping_v4_sendmsg,ping_v6_sendmsg,"
    "mptcp_sendmsg,sctp_sendmsg,tls_sw_sendmsg,tls_device_sendmsg,l2tp_ip_sendmsg,"
    "l2tp_ip6_sendmsg,dccp_sendmsg")
int send_begin(void *ctx)
{
	on_send_begin((void *)ARGUMENT1(ctx), (void *)ARGUMENT2(ctx));
	return 0;
}

SEC("?kprobe/packet_sendmsg")
int packet_send_begin(void *ctx)
{
	on_send_begin(sock_of((void *)ARGUMENT1(ctx)), NULL);
	return 0;
}

SEC("?kretprobe/udp_sendmsg,udpv6_sendmsg,raw_sendmsg,rawv6_sendmsg,ping_v4_sendmsg,"
    "ping_v6_sendmsg,mptcp_sendmsg,sctp_sendmsg,tls_sw_sendmsg,tls_device_sendmsg,l2tp_ip_sendmsg,"
    "l2tp_ip6_sendmsg,dccp_sendmsg,packet_sendmsg")
int send_end(void *ctx)
{
	on_call_end(CALL_SEND, RETURNED(ctx));
	return 0;
}

SEC("?kprobe/udp_sendpage,tls_sw_sendpage,tls_device_sendpage")
int page_begin(void *ctx)
{
	on_page_begin((void *)ARGUMENT1(ctx));
	return 0;
}

SEC("?kretprobe/udp_sendpage,tls_sw_sendpage,tls_device_sendpage")
int page_end(void *ctx)
{
	on_call_end(CALL_PAGE, RETURNED(ctx));
	return 0;
}

SEC("?kprobe/raw_recvmsg,rawv6_recvmsg,ping_recvmsg,mptcp_recvmsg,sctp_recvmsg,tls_sw_recvmsg,"
    "l2tp_ip_recvmsg,l2tp_ip6_recvmsg,dccp_recvmsg")
int receive_begin(void *ctx)
{
	on_receive_begin((void *)ARGUMENT1(ctx), recvmsg_noblock ? ARGUMENT5(ctx) : ARGUMENT4(ctx));
	return 0;
}

SEC("?kprobe/packet_recvmsg")
int packet_receive_begin(void *ctx)
{
	on_receive_begin(sock_of((void *)ARGUMENT1(ctx)), ARGUMENT4(ctx));
	return 0;
}

SEC("?kprobe/tls_sw_splice_read")
int splice_begin(void *ctx)
{
	on_receive_begin(sock_of((void *)ARGUMENT1(ctx)), 0);
	return 0;
}

SEC("?kretprobe/raw_recvmsg,rawv6_recvmsg,ping_recvmsg,mptcp_recvmsg,sctp_recvmsg,tls_sw_recvmsg,"
    "l2tp_ip_recvmsg,l2tp_ip6_recvmsg,dccp_recvmsg,packet_recvmsg,tls_sw_splice_read")
int receive_end(void *ctx)
{
	on_call_end(CALL_RECEIVE, RETURNED(ctx));
	return 0;
}

/* ---- the end ---- */

SEC("?cgroup/sock_release")
int sock_release(struct bpf_sock *ctx)
{
	on_release(cgroup_sock_find(ctx), raw_sock(ctx));
	return 1;
}

SEC("?fentry/inet_release")
int BPF_PROG(inet_release_entry, struct socket *sock)
{
	if (first_look(fn_further, this_task()))
		on_socket_release(sock);
	return 0;
}

SEC("?fentry/packet_release")
int BPF_PROG(packet_release_entry, struct socket *sock)
{
	if (first_look(fn_further, this_task()))
		on_socket_release(sock);
	return 0;
}

SEC("?kprobe/inet_release,packet_release")
int socket_release(void *ctx)
{
	on_release_probed(sock_of((void *)ARGUMENT1(ctx)));
	return 0;
}

SEC("?tp_btf/tcp_destroy_sock")
int BPF_PROG(tcp_destroy, struct sock *sk)
{
	if (first_look(tp_further, this_sock(sk)))
		on_tcp_destroy(sk);
	return 0;
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	if (first_look(tp_further, this_task()))
		on_exit(task);
	if (by_pointer)
		calls_forget();
	return 0;
}

/* ---- iterators ---- */

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

SEC("?iter/task_file")
int sweep_files(struct bpf_iter__task_file *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;

	return task && file ? on_sweep_file(seq, file) : 0;
}

SEC("?iter/bpf_map_elem")
int sweep_pointers(struct bpf_iter__bpf_map_elem *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct sw_sock *st = ctx->value;
	__u64 *key = ctx->key;

	return key && st ? on_sweep_pointer(seq, *key, st) : 0;
}

SEC("?iter/bpf_sk_storage_map")
int detail(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct sw_sock *st = ctx->value;
	struct sock *sk = ctx->sk;

	return sk && st ? on_detail(seq, sk, st) : 0;
}

SEC("?iter/task_file")
int detail_files(struct bpf_iter__task_file *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;

	return task && file ? on_detail_file(seq, file) : 0;
}

SEC("?iter/bpf_map_elem")
int detail_pointers(struct bpf_iter__bpf_map_elem *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct sw_sock *st = ctx->value;
	__u64 *key = ctx->key;

	return key && st ? on_detail_pointer(seq, *key, st) : 0;
}

SEC("?iter/task_file")
int holders(struct bpf_iter__task_file *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;

	return task && file ? on_holder(seq, task, file, ctx->fd) : 0;
}

/* ---- second looks ---- */

#include "again.bpf.h"
