/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Further looks: for each program that can be skipped two others at the same place (look.bpf.h).
 */
#ifndef BPF_AGAIN_H
#define BPF_AGAIN_H

#include "compat.bpf.h"
#include "look.bpf.h"

#define FURTHER(place, name, key, call, args...) \
	SEC("?" place)                           \
	int BPF_PROG(name##_again, args)         \
	{                                        \
		if (second_look(key))            \
			call;                    \
		return 0;                        \
	}                                        \
	SEC("?" place)                           \
	int BPF_PROG(name##_last, args)          \
	{                                        \
		if (last_look(key))              \
			call;                    \
		return 0;                        \
	}

FURTHER("fexit/inet_bind", inet_bind_exit, this_task(), on_socket_bind(sock, ret),
	struct socket *sock, void *addr, int len, int ret)

FURTHER("fexit/inet6_bind", inet6_bind_exit, this_task(), on_socket_bind(sock, ret),
	struct socket *sock, void *addr, int len, int ret)

FURTHER("fexit/tcp_v4_connect", tcp_v4_connect_exit, this_task(), on_connect_exit(sk, ret),
	struct sock *sk, void *addr, int len, int ret)

FURTHER("fexit/tcp_v6_connect", tcp_v6_connect_exit, this_task(), on_connect_exit(sk, ret),
	struct sock *sk, void *addr, int len, int ret)

FURTHER("tp_btf/inet_sock_set_state", tcp_state, this_sock(sk), on_tcp_state(sk, old, new),
	struct sock *sk, int old, int new)

FURTHER("fexit/inet_csk_accept", csk_accept_exit, this_task(), on_csk_accept(newsk),
	struct sock *sk, void *arg, struct sock *newsk)

FURTHER("fexit/inet_csk_accept", csk_accept_exit_old, this_task(), on_csk_accept(newsk),
	struct sock *sk, int flags, int *err, bool kern, struct sock *newsk)

FURTHER("fentry/skb_consume_udp", consume_udp, this_task(), on_consume_udp(sk, skb, len),
	struct sock *sk, struct sk_buff *skb, int len)

FURTHER("tp_btf/sock_send_length", send_length, this_task(), account_io(sk, ret, flags, false),
	struct sock *sk, int ret, int flags)

FURTHER("tp_btf/sock_recv_length", recv_length, this_task(), account_io(sk, ret, flags, true),
	struct sock *sk, int ret, int flags)

FURTHER("fexit/inet_sendmsg", inet_sendmsg_exit, this_task(), on_inet_io(sock, ret, 0, false),
	struct socket *sock, void *msg, size_t size, int ret)

FURTHER("fexit/inet6_sendmsg", inet6_sendmsg_exit, this_task(), on_inet_io(sock, ret, 0, false),
	struct socket *sock, void *msg, size_t size, int ret)

FURTHER("fexit/inet_recvmsg", inet_recvmsg_exit, this_task(), on_inet_io(sock, ret, flags, true),
	struct socket *sock, void *msg, size_t size, int flags, int ret)

FURTHER("fexit/inet6_recvmsg", inet6_recvmsg_exit, this_task(), on_inet_io(sock, ret, flags, true),
	struct socket *sock, void *msg, size_t size, int flags, int ret)

FURTHER("fexit/sock_common_recvmsg", common_recvmsg_exit, this_task(),
	on_inet_io(sock, ret, flags, true), struct socket *sock, void *msg, size_t size, int flags,
	int ret)

FURTHER("fexit/inet_sendpage", inet_sendpage_exit, this_task(), on_sendpage(sock, ret),
	struct socket *sock, void *page, int offset, size_t size, int flags, long ret)

FURTHER("fexit/sock_splice_read", splice_read_exit, this_task(), on_splice_read(file, ret),
	struct file *file, void *ppos, void *pipe, size_t len, unsigned int flags, long ret)

FURTHER("tp_btf/tcp_rcv_space_adjust", tcp_received, this_task(), account_consumed(sk),
	struct sock *sk)

FURTHER("fexit/packet_sendmsg", packet_sendmsg_exit, this_task(), on_inet_io(sock, ret, 0, false),
	struct socket *sock, void *msg, size_t size, int ret)

FURTHER("fexit/packet_recvmsg", packet_recvmsg_exit, this_task(),
	on_inet_io(sock, ret, flags, true), struct socket *sock, void *msg, size_t size, int flags,
	int ret)

FURTHER("fentry/inet_release", inet_release_entry, this_task(), on_socket_release(sock),
	struct socket *sock)

FURTHER("fentry/packet_release", packet_release_entry, this_task(), on_socket_release(sock),
	struct socket *sock)

FURTHER("tp_btf/tcp_destroy_sock", tcp_destroy, this_sock(sk), on_tcp_destroy(sk), struct sock *sk)

FURTHER("tp_btf/sched_process_exit", process_exit, this_task(), on_exit(task),
	struct task_struct *task)

#endif
