/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Over the hash tables, over open files, over tasks. */
#ifndef BPF_WHO_WALK_H
#define BPF_WHO_WALK_H

#include "who_sock.bpf.h"

enum {
	MAX_BUCKETS = 1 << 22, /* of a table, and sockets of one bucket: bounds that bpf_loop wants
				*/
	MAX_NETS = 1 << 16,
};

/* ---- who waits on a socket ---- */

struct waiting {
	__u64 sock;
	const struct list_head *head, *at;
};

/* Whether @p, whatever it points to, looks like a task: its leader is its own leader. */
static __always_inline bool is_task(const struct task_struct *p)
{
	const struct task_struct *leader = BPF_CORE_READ(p, group_leader);
	int tgid = BPF_CORE_READ(p, tgid);

	return leader && tgid > 0 && BPF_CORE_READ(leader, group_leader) == leader &&
	       BPF_CORE_READ(leader, tgid) == tgid;
}

static __always_inline void wait_add(__u64 sock, __u64 polls_id, __u32 tgid)
{
	__u32 at = walk.wait_count, one = 1;

	if (at >= WHO_WAITS) {
		walk.lost++;
		return;
	}
	waits[at].sock = sock;
	waits[at].polls = polls_id;
	waits[at].tgid = tgid;
	walk.wait_count = at + 1;
	if (polls_id && bpf_map_update_elem(&polls, &polls_id, &one, BPF_ANY))
		walk.lost++;
}

/* An entry of epoll has no owner and lies in a struct eppoll_entry; one of a call that sleeps
 * (accept, recv) has the task, one of poll and select a struct poll_wqueues with the task. */
static long each_wait(__u64 i, struct waiting *w)
{
	const struct wait_queue_entry *entry;
	const struct list_head *at = w->at;
	const struct eppoll_entry *pwq;
	const void *owner;

	if (!at || at == w->head)
		return 1;
	entry = (const void *)at - bpf_core_field_offset(struct wait_queue_entry, entry);
	owner = BPF_CORE_READ(entry, private);
	if (!owner) {
		pwq = (const void *)entry - bpf_core_field_offset(struct eppoll_entry, wait);
		if ((const void *)BPF_CORE_READ(pwq, whead) ==
		    (const void *)w->head - bpf_core_field_offset(struct wait_queue_head, head))
			wait_add(w->sock, (__u64)BPF_CORE_READ(pwq, base, ep), 0);
	} else {
		const struct task_struct *task = owner;

		if (!is_task(task))
			task = BPF_CORE_READ((const struct poll_wqueues *)owner, polling_task);
		if (task && is_task(task))
			wait_add(w->sock, 0, pid_here(BPF_CORE_READ(task, group_leader)));
	}
	w->at = BPF_CORE_READ(at, next);
	return 0;
}

__noinline int waits_of(__u64 address)
{
	const struct sock *sk = (const void *)address;
	struct waiting w = {.sock = address};
	const struct socket_wq *wq = BPF_CORE_READ(sk, sk_wq);
	const struct list_head *head;

	if (!wq)
		return 0;
	head = (const void *)wq + bpf_core_field_offset(struct socket_wq, wait) +
	       bpf_core_field_offset(struct wait_queue_head, head);
	w.head = head;
	w.at = BPF_CORE_READ(head, next);
	bpf_loop(WHO_WAITS_EACH, each_wait, &w, 0);
	return 0;
}

/* ---- one socket of a table: 1 when there is no room left, and nothing was done ---- */

static __always_inline bool is_full(void)
{
	return walk.sock_count >= WHO_SOCKS || walk.wait_count > WHO_WAITS - WHO_WAITS_EACH;
}

static __always_inline bool is_told_port(__u16 port)
{
	if (ask.flags & (WHO_ASK_LISTENERS | WHO_ASK_PROCESSES))
		return true;
	return is_asked_port(port);
}

__noinline int listener_told(__u64 sk)
{
	const struct sock_common *skc = (const void *)sk;
	struct who_port_key key = {
		.netns = BPF_CORE_READ(skc, skc_net.net, ns.inum),
		.port = BPF_CORE_READ(skc, skc_num),
	};
	__u32 at = walk.sock_count, one = 1;

	if (is_full() || at >= WHO_SOCKS)
		return 1;
	if (bpf_map_update_elem(&listening, &key, &one, BPF_ANY))
		walk.lost++;
	if (!is_told_port(key.port))
		return 0;
	sock_read(&socks[at], sk);
	walk.sock_count = at + 1;
	waits_of(sk);
	return 0;
}

__noinline int datagram_told(__u64 address)
{
	const struct sock *sk = (const void *)address;
	__u32 at = walk.sock_count;
	struct who_sock *out;

	if (is_full() || at >= WHO_SOCKS)
		return 1;
	if (!is_told_port(BPF_CORE_READ(sk, __sk_common.skc_num)))
		return 0;
	out = &socks[at];
	sock_read(out, address);
	walk.sock_count = at + 1;
	waits_of(address);
	return 0;
}

static __always_inline void count_state(struct who_counts *n, const struct who_sock *s)
{
	if (s->state == TCP_TIME_WAIT) {
		n->time_wait++;
		return;
	}
	if (s->state == TCP_NEW_SYN_RECV || s->state == TCP_SYN_RECV) {
		n->handshake++;
		return;
	}
	if (s->state == TCP_ESTABLISHED)
		n->established++;
	else
		n->closing++;
	if (s->socket)
		return;
	if (s->sk_flags & SOCK_DEAD_BIT)
		n->orphan++;
	else
		n->not_accepted++;
}

__noinline int count_connection(const struct who_sock *s)
{
	struct who_local_key key = {};
	struct who_counts none = {}, *n;

	if (!s)
		return 0;
	key.netns = s->netns;
	key.port = s->lport;
	__builtin_memcpy(key.addr, s->laddr, sizeof(key.addr));
	n = bpf_map_lookup_elem(&connections, &key);
	if (!n) {
		bpf_map_update_elem(&connections, &key, &none, BPF_NOEXIST);
		n = bpf_map_lookup_elem(&connections, &key);
	}
	if (n)
		count_state(n, s);
	else
		walk.lost++;
	return 0;
}

__noinline int connection_read(struct who_sock *out, __u64 address)
{
	const struct inet_timewait_sock *tw = (const void *)address;
	__u8 state = BPF_CORE_READ(&tw->__tw_common, skc_state);

	if (!out)
		return 0;
	if (state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV)
		return sock_read(out, address);
	common_read(out, address);
	out->protocol = IPPROTO_TCP;
	if (state == TCP_TIME_WAIT)
		out->expires = BPF_CORE_READ(tw, tw_timer.expires);
	return 0;
}

/* A connection on a port with a listener is counted; one that no process can hold, or without a
 * listener, is told if its port is asked for. */
__noinline int connection_told(__u64 address)
{
	const struct sock_common *skc = (const void *)address;
	struct who_port_key key = {
		.netns = BPF_CORE_READ(skc, skc_net.net, ns.inum),
		.port = BPF_CORE_READ(skc, skc_num),
	};
	__u32 at = walk.sock_count;
	bool has_listener, asked;
	struct who_sock *out;

	if (is_full() || at >= WHO_SOCKS)
		return 1;
	has_listener = bpf_map_lookup_elem(&listening, &key);
	asked = is_asked_port(key.port);
	if (!has_listener && !asked)
		return 0;
	out = &socks[at];
	connection_read(out, address);
	if (has_listener)
		count_connection(out);
	if (asked && (!has_listener || !out->socket || ask.flags & WHO_ASK_ALL))
		walk.sock_count = at + 1;
	return 0;
}

/* ---- tables ---- */

struct table {
	__u64 buckets;
	__u32 stride, head; /* bytes; offset of the first node */
	__u32 count;
	__u32 at; /* sockets of this bucket that were met */
	__u64 node;
	__u32 full;
};

/* The end of a chain is NULL or, with hlist_nulls, odd. */
static __always_inline bool is_end(__u64 node)
{
	return !node || node & 1;
}

static __always_inline __u64 sock_at(__u64 node)
{
	return node - bpf_core_field_offset(struct sock_common, skc_node);
}

static __always_inline long step(struct table *t, int full)
{
	if (full) {
		t->full = 1;
		return 1;
	}
	t->at++;
	return bpf_probe_read_kernel(&t->node, sizeof(t->node), (const void *)t->node) != 0;
}

static long each_listener(__u64 i, struct table *t)
{
	if (is_end(t->node))
		return 1;
	return step(t, t->at >= walk.skip ? listener_told(sock_at(t->node)) : 0);
}

static long each_datagram(__u64 i, struct table *t)
{
	if (is_end(t->node))
		return 1;
	return step(t, t->at >= walk.skip ? datagram_told(sock_at(t->node)) : 0);
}

static long each_connection(__u64 i, struct table *t)
{
	if (is_end(t->node))
		return 1;
	return step(t, t->at >= walk.skip ? connection_told(sock_at(t->node)) : 0);
}

static __always_inline bool bucket_begin(struct table *t)
{
	t->at = 0;
	if (bpf_probe_read_kernel(&t->node, sizeof(t->node),
				  (const void *)t->buckets + (__u64)walk.bucket * t->stride +
					  t->head))
		t->node = 0;
	return !is_end(t->node);
}

static __always_inline long bucket_end(struct table *t)
{
	if (t->full) {
		walk.skip = t->at;
		return 1;
	}
	walk.skip = 0;
	walk.bucket++;
	return 0;
}

#define EACH_BUCKET(name, each_sock)                            \
	static long name(__u64 i, struct table *t)              \
	{                                                       \
		if (walk.bucket >= t->count)                    \
			return 1;                               \
		if (bucket_begin(t))                            \
			bpf_loop(MAX_BUCKETS, each_sock, t, 0); \
		return bucket_end(t);                           \
	}

EACH_BUCKET(each_listener_bucket, each_listener)
EACH_BUCKET(each_datagram_bucket, each_datagram)
EACH_BUCKET(each_connection_bucket, each_connection)

static __always_inline int walk_on(struct table *t, long (*each)(__u64, struct table *))
{
	walk.sock_count = 0;
	walk.wait_count = 0;
	walk.jiffies = bpf_jiffies64();
	bpf_loop(MAX_BUCKETS, each, t, 0);
	walk.done = !t->full;
	return 0;
}

static __always_inline int on_listeners(void)
{
	const struct inet_hashinfo *info = (const void *)walk.table;
	struct table t = {
		.buckets = (__u64)BPF_CORE_READ(info, lhash2),
		.count = BPF_CORE_READ(info, lhash2_mask) + 1,
		.stride = bpf_core_type_size(struct inet_listen_hashbucket),
		.head = bpf_core_field_offset(struct inet_listen_hashbucket, nulls_head),
	};

	return walk_on(&t, each_listener_bucket);
}

static __always_inline int on_connections(void)
{
	const struct inet_hashinfo *info = (const void *)walk.table;
	struct table t = {
		.buckets = (__u64)BPF_CORE_READ(info, ehash),
		.count = BPF_CORE_READ(info, ehash_mask) + 1,
		.stride = bpf_core_type_size(struct inet_ehash_bucket),
		.head = bpf_core_field_offset(struct inet_ehash_bucket, chain),
	};

	return walk_on(&t, each_connection_bucket);
}

static __always_inline int on_udp(void)
{
	const struct udp_table *table = (const void *)walk.table;
	struct table t = {
		.buckets = (__u64)BPF_CORE_READ(table, hash),
		.count = BPF_CORE_READ(table, mask) + 1,
		.stride = bpf_core_type_size(struct udp_hslot),
		.head = bpf_core_field_offset(struct udp_hslot, head),
	};

	return walk_on(&t, each_datagram_bucket);
}

/* ---- network namespaces ---- */

struct net_walk {
	const struct net *own, *at;
	const void *ops;
	__u64 udp; /* before 6.2 (ba6aac151561) all namespaces have one table */
};

/* The list has a head that is no namespace, somewhere: it has other operations. */
static long each_net(__u64 i, struct net_walk *w)
{
	__u32 n = walk.sock_count;
	const struct net *net = w->at;

	if (n >= WHO_SOCKS) {
		walk.lost++;
		return 1;
	}
	if (BPF_CORE_READ(net, ns.ops) == w->ops) {
		nets[n].inode = BPF_CORE_READ(net, ns.inum);
		nets[n].udp = w->udp;
		if (bpf_core_field_exists(net->ipv4.tcp_death_row))
			nets[n].tcp = (__u64)BPF_CORE_READ(net, ipv4.tcp_death_row.hashinfo);
		if (bpf_core_field_exists(net->ipv4.udp_table))
			nets[n].udp = (__u64)BPF_CORE_READ(net, ipv4.udp_table);
		walk.sock_count = n + 1;
	}
	w->at = (const void *)BPF_CORE_READ(net, list.next) -
		bpf_core_field_offset(struct net, list);
	return w->at == w->own;
}

static __always_inline int on_nets(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct file **files = BPF_CORE_READ(task, files, fdt, fd), *file = NULL;
	const struct net *own = BPF_CORE_READ(task, nsproxy, net_ns);
	struct net_walk w = {.own = own, .at = own, .ops = BPF_CORE_READ(own, ns.ops)};
	const struct socket *socket;
	const struct proto *proto;

	walk.sock_count = 0;
	walk.pid_level = BPF_CORE_READ(task, thread_pid, level);
	bpf_probe_read_kernel(&file, sizeof(file), files + ask.own_fd);
	socket = BPF_CORE_READ(file, private_data);
	proto = BPF_CORE_READ(socket, sk, __sk_common.skc_prot);
	if (bpf_core_field_exists(proto->h.udp_table)) /* else each namespace has one */
		w.udp = (__u64)BPF_CORE_READ(proto, h.udp_table);
	bpf_loop(MAX_NETS, each_net, &w, 0);
	walk.jiffies = bpf_jiffies64();
	walk.done = 1;
	return 0;
}

#endif
