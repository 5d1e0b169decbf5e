/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Over open files and over tasks: who holds what. */
#ifndef BPF_WHO_ITER_H
#define BPF_WHO_ITER_H

#include "who_walk.bpf.h"

__noinline int is_asked_process(__u32 tgid, __u64 name, __u64 name_end)
{
	for (__u32 i = 0; i < WHO_PROCESSES; i++)
		if (i < ask.pid_count && ask.pids[i] == tgid)
			return 1;
	for (__u32 i = 0; i < WHO_PROCESSES; i++)
		if (i < ask.name_count && ask.names[i][0] == name && ask.names[i][1] == name_end)
			return 1;
	return 0;
}

/* A connection on a port with a listener. */
static __always_inline bool is_counted(const struct sock *sk)
{
	struct who_port_key key = {};
	__u8 state = sk->__sk_common.skc_state;

	if (sk->sk_protocol != IPPROTO_TCP || state == TCP_LISTEN || state == TCP_CLOSE)
		return false;
	key.netns = sk->__sk_common.skc_net.net->ns.inum;
	key.port = sk->__sk_common.skc_num;
	return bpf_map_lookup_elem(&listening, &key) != NULL;
}

/* One more of them that process @tgid holds. */
__noinline int count_use(__u64 address, __u32 tgid)
{
	const struct sock_common *skc = (const void *)address;
	struct who_use_key key = {
		.netns = BPF_CORE_READ(skc, skc_net.net, ns.inum),
		.port = BPF_CORE_READ(skc, skc_num),
		.tgid = tgid,
	};
	__u32 one = 1, *n = bpf_map_lookup_elem(&uses, &key);

	if (n)
		(*n)++;
	else if (bpf_map_update_elem(&uses, &key, &one, BPF_NOEXIST))
		walk.lost++;
	return 0;
}

/* What `all listeners` means. */
static __always_inline bool is_listener(const struct sock *sk)
{
	if (sk->sk_protocol == IPPROTO_UDP || sk->sk_protocol == IPPROTO_UDPLITE)
		return sk->__sk_common.skc_num && !sk->__sk_common.skc_dport;
	return sk->__sk_common.skc_state == TCP_LISTEN;
}

static __always_inline bool is_asked_sock(const struct sock *sk, bool counted)
{
	__u16 port = sk->__sk_common.skc_num;

	if (ask.flags & WHO_ASK_LISTENERS && is_listener(sk))
		return true;
	if (!port || sk->sk_type == SOCK_RAW || sk->__sk_common.skc_family == AF_PACKET)
		return false; /* skc_num of a raw socket is its protocol */
	return is_asked_port(port) && (!counted || ask.flags & WHO_ASK_ALL);
}

/* No room: the kernel calls again with the same file. */
static __always_inline bool holder_write(struct seq_file *seq, struct task_struct *task,
					 struct who_holder *h, __u32 fd)
{
	h->fd = fd;
	h->tgid = pid_here(BPF_CORE_READ(task, group_leader));
	h->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	return !bpf_seq_write(seq, h, sizeof(*h));
}

static __always_inline bool is_asked_task(struct task_struct *task)
{
	__u64 name[WHO_COMM / 8] = {};

	if (!(ask.flags & WHO_ASK_PROCESSES))
		return false;
	BPF_CORE_READ_STR_INTO(&name, task, group_leader, comm);
	return is_asked_process(pid_here(BPF_CORE_READ(task, group_leader)), name[0], name[1]);
}

static __always_inline void on_each_file(struct seq_file *seq, struct task_struct *task,
					 struct file *file, __u32 fd)
{
	struct socket *socket = bpf_sock_from_file(file);
	struct who_holder h = {};
	struct sock *sk;
	__u16 family;
	bool counted;

	if (!socket) {
		h.polls = (__u64)file->private_data;
		if (h.polls && bpf_map_lookup_elem(&polls, &h.polls))
			holder_write(seq, task, &h, fd);
		return;
	}
	sk = socket->sk;
	if (!sk)
		return;
	family = sk->__sk_common.skc_family;
	if (family != AF_INET && family != AF_INET6 && family != AF_PACKET)
		return;
	counted = is_counted(sk);
	if (is_asked_sock(sk, counted) || is_asked_task(task)) {
		sock_read(&h.sock, (__u64)BPF_CORE_READ(socket, sk));
		h.sock.inode = BPF_CORE_READ(file, f_inode, i_ino);
		h.sock.cookie = bpf_get_socket_cookie(sk);
		if (!holder_write(seq, task, &h, fd))
			return;
	}
	if (counted)
		count_use((__u64)BPF_CORE_READ(socket, sk),
			  pid_here(BPF_CORE_READ(task, group_leader)));
}

static __always_inline void on_each_task(struct seq_file *seq, struct task_struct *task)
{
	struct who_task t = {};

	if (BPF_CORE_READ(task, group_leader) != task)
		return;
	t.tgid = pid_here(task);
	t.start_ns = BPF_CORE_READ(task, start_boottime);
	t.parent = pid_here(BPF_CORE_READ(task, real_parent, group_leader));
	t.uid = BPF_CORE_READ(task, real_cred, uid.val);
	t.netns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	t.kthread = (BPF_CORE_READ(task, flags) & PF_KTHREAD) != 0;
	t.own_pid = pid_number(task, BPF_CORE_READ(task, thread_pid, level));
	BPF_CORE_READ_STR_INTO(&t.comm, task, comm);
	bpf_seq_write(seq, &t, sizeof(t));
}

#endif
