/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * Kernel types, kept by hand: only the types and fields that bpf/ reads, for every architecture.
 * CO-RE moves each access to where the field is on the running kernel, so order, padding and size
 * of the structs do not matter here; names and the fields' own types do. README.md says how this
 * is checked; `optional` fields may be missing and are asked for with bpf_core_field_exists.
 */
#ifndef VMLINUX_VMLINUX_H
#define VMLINUX_VMLINUX_H

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
#endif

struct sk_buff;
struct bpf_map; /* only pointed at; its fields are nobody's business here */

struct list_head {
	struct list_head *next;
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct hlist_nulls_node {
	struct hlist_nulls_node *next; /* odd: the end */
};

struct hlist_nulls_head {
	struct hlist_nulls_node *first;
};

struct timer_list {
	unsigned long expires; /* jiffies */
};

typedef struct {
	int counter;
} atomic_t;

typedef struct refcount_struct {
	atomic_t refs;
} refcount_t;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__be32 u6_addr32[4];
	} in6_u;
};

struct proc_ns_operations;

struct ns_common {
	const struct proc_ns_operations *ops;
	unsigned int inum;
};

struct inet_ehash_bucket {
	struct hlist_nulls_head chain;
};

struct inet_listen_hashbucket {
	struct hlist_nulls_head nulls_head;
};

struct inet_hashinfo {
	struct inet_ehash_bucket *ehash;
	unsigned int ehash_mask;
	unsigned int lhash2_mask;
	struct inet_listen_hashbucket *lhash2;
};

struct udp_hslot {
	union {
		struct hlist_head head;
	};
};

struct udp_table {
	struct udp_hslot *hash;
	unsigned int mask;
};

struct inet_timewait_death_row {
	struct inet_hashinfo *hashinfo;
};

/* tcp_death_row was a pointer from 5.17 to 6.0, which are not walked for it. */
struct netns_ipv4 {
	struct inet_timewait_death_row tcp_death_row; /* optional: since 6.1 */
	struct udp_table *udp_table;                  /* optional: since 6.2 */
};

struct net {
	struct list_head list;
	struct ns_common ns;
	struct netns_ipv4 ipv4;
};

struct proto {
	union {
		struct udp_table *udp_table; /* optional: no more in 7.3 */
	} h;
};

typedef struct {
	__s64 counter;
} atomic64_t;

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	union {
		struct {
			__be32 skc_daddr;
			__be32 skc_rcv_saddr;
		};
	};
	union {
		struct {
			__be16 skc_dport;
			__u16 skc_num;
		};
	};
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned char skc_reuse : 4;
	unsigned char skc_reuseport : 1;
	unsigned char skc_ipv6only : 1;
	int skc_bound_dev_if;
	struct proto *skc_prot;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
	union {
		unsigned long skc_flags;
	};
	union {
		struct hlist_node skc_node;
		struct hlist_nulls_node skc_nulls_node;
	};
};

struct kernfs_node {
	__u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

/* Before 8520e224f547 ("bpf, cgroups: Fix cgroup v2 fallback on v1/v2 mixed mode", 5.15) a number.
 */
struct sock_cgroup_data {
	struct cgroup *cgroup; /* optional: since 5.15 */
};

typedef struct {
	unsigned int val;
} kuid_t;

typedef struct {
	int owned;
} socket_lock_t;

struct wait_queue_head {
	struct list_head head;
};

struct wait_queue_entry {
	void *private;
	struct list_head entry;
};

typedef struct wait_queue_head wait_queue_head_t;
typedef struct wait_queue_entry wait_queue_entry_t;

struct socket_wq {
	wait_queue_head_t wait;
};

struct eventpoll;

struct epitem {
	struct eventpoll *ep;
};

struct eppoll_entry {
	struct epitem *base;
	wait_queue_entry_t wait;
	wait_queue_head_t *whead;
};

struct task_struct;

struct poll_wqueues {
	struct task_struct *polling_task;
};

struct sock_reuseport;
struct socket;

struct numa_drop_counters { /* optional: since 6.18 */
	atomic_t drops0;
	atomic_t drops1;
};

struct sock {
	struct sock_common __sk_common;
	atomic_t sk_drops;
	struct {
		atomic_t rmem_alloc;
	} sk_backlog;
	struct numa_drop_counters *sk_drop_counters; /* optional: since 6.18 */
	refcount_t sk_wmem_alloc;
	int sk_sndbuf;
	int sk_rcvbuf;
	unsigned long sk_pacing_rate;
	socket_lock_t sk_lock;
	int sk_write_pending;
	__u8 sk_kern_sock : 1;
	__u8 sk_userlocks : 4; /* until 6.6 a bit-field, then a byte: read as the former */
	int sk_err;
	unsigned long sk_lingertime;
	kuid_t sk_uid;
	__u16 sk_type;
	__u16 sk_protocol;
	struct sock_cgroup_data sk_cgrp_data; /* optional: CONFIG_SOCK_CGROUP_DATA */
	union {
		struct socket_wq *sk_wq;
	};
	struct socket *sk_socket;
	void (*sk_data_ready)(struct sock *);
	__u32 sk_ack_backlog;
	__u32 sk_max_ack_backlog;
	struct sock_reuseport *sk_reuseport_cb;
};

struct inet_timewait_sock {
	struct sock_common __tw_common;
	struct timer_list tw_timer;
};

struct inet_sock {
	struct sock sk;
	__be32 inet_saddr;
};

struct udp_sock {
	struct inet_sock inet;
	__u8 encap_type;
	int (*encap_rcv)(struct sock *, struct sk_buff *);
};

struct tcp_ulp_ops;

struct inet_bind_bucket {
	signed char fastreuse;
};

struct tcp_congestion_ops {
	char name[16];
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	struct inet_bind_bucket *icsk_bind_hash;
	const struct tcp_congestion_ops *icsk_ca_ops;
	const struct tcp_ulp_ops *icsk_ulp_ops;
	__u8 icsk_ca_state : 5;
	__u8 icsk_retransmits;
	__u8 icsk_backoff;
};

struct minmax_sample {
	__u32 t;
	__u32 v;
};

struct minmax {
	struct minmax_sample s[3];
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u32 srtt_us;
	__u32 mdev_us;
	struct minmax rtt_min;
	__u32 snd_cwnd;
	__u32 snd_ssthresh;
	__u32 snd_wnd;
	__u32 rcv_wnd;
	__u32 mss_cache;
	__u32 packets_out;
	__u32 sacked_out;
	__u32 lost_out;
	__u32 retrans_out;
	__u32 total_retrans;
	__u32 rate_delivered;
	__u32 rate_interval_us;
	__u8 rate_app_limited : 1;
	__u8 chrono_type : 2; /* in 6.18 a byte: read as in 6.1 */
	__u32 chrono_start;
	__u32 chrono_stat[3];
	__u32 copied_seq;
	__u32 rcv_nxt;
	__u32 snd_nxt;
	__u32 snd_una;
	__u32 write_seq;
	__u64 bytes_received;
	__u64 bytes_acked;
	__u64 bytes_sent;
	__u64 bytes_retrans;
	_Bool is_mptcp; /* optional: CONFIG_MPTCP, since 5.6 */
};

struct mptcp_sock { /* optional: CONFIG_MPTCP, since 5.6 */
	struct inet_connection_sock sk;
	__u64 bytes_consumed; /* optional: not yet in 6.1 */
};

struct packet_sock {
	struct sock sk;
	__be16 num;
};

struct cred {
	kuid_t uid;
};

struct signal_struct {
	atomic_t live;
};

struct upid {
	int nr;
};

struct pid {
	unsigned int level;
	struct upid numbers[]; /* one element until 6.5, then none, which is flexible */
};

struct nsproxy {
	struct net *net_ns;
};

struct fdtable {
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct task_struct {
	unsigned int flags;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct pid *thread_pid;
	struct nsproxy *nsproxy;
	struct files_struct *files;
	struct task_struct *group_leader;
	struct signal_struct *signal;
	__u64 start_boottime;
	const struct cred *real_cred;
	char comm[16];
};

struct inode {
	unsigned long i_ino;
};

struct file {
	void *private_data;
	struct inode *f_inode;
};

struct socket {
	struct file *file;
	struct sock *sk;
};

struct msghdr {
	void *msg_name;
};

/* What a kprobe is given. Each architecture has its own, so each is a flavour and the programs ask
 * which one is there: one object serves all. */
struct pt_regs___x86 {
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long r8;
	unsigned long ax;
};

struct pt_regs___arm64 {
	__u64 regs[31];
};

struct sk_buff {
	__be16 protocol;
	__u16 transport_header;
	__u16 network_header;
	unsigned char *head;
};

struct seq_file;

struct bpf_iter_meta {
	union {
		struct seq_file *seq;
	};
	__u64 seq_num;
};

struct bpf_iter__task {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		struct task_struct *task;
	};
};

struct bpf_iter__task_file {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		struct task_struct *task;
	};
	__u32 fd;
	union {
		struct file *file;
	};
};

struct bpf_iter__bpf_sk_storage_map {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		struct bpf_map *map;
	};
	union {
		struct sock *sk;
	};
	union {
		void *value;
	};
};

struct bpf_iter__bpf_map_elem {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		struct bpf_map *map;
	};
	union {
		void *key;
	};
	union {
		void *value;
	};
};

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif
