/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * What bpf/who.bpf.c and user space share: sockets as they are now, and who holds them. Fixed
 * widths, padded by hand, sizes asserted by both compilers. Host byte order, addresses are bytes.
 */
#ifndef WHO_ABI_H
#define WHO_ABI_H

#ifndef __bpf__
#include <linux/types.h>
#endif

enum {
	WHO_COMM = 16,
	WHO_SOCKS = 1024,              /* that one run of a walk writes */
	WHO_WAITS = 4096,              /* the same of processes that wait */
	WHO_WAITS_EACH = 1024,         /* of one socket: all that are woken, few in practice */
	WHO_ATTEMPT_BYTES = 256 << 10, /* of the ring buffer of calls of bind() */
	WHO_PROCESSES = 16,            /* that one question can name, each by number and by name */
	WHO_MORE_KEYS = 1 << 20,       /* if that was not enough */
	WHO_KEYS = 1 << 14, /* bound of each hash at first: ports with a listener, counts */
};

enum who_kind { /* what a walk goes over */
		WHO_NETS,
		WHO_LISTENERS,
		WHO_UDP,
		WHO_CONNECTIONS,
};

enum who_ask_flags {
	WHO_ASK_LISTENERS = 1 << 0, /* all listeners and UDP sockets without a peer */
	WHO_ASK_PORTS = 1 << 1,     /* those of `ports` */
	WHO_ASK_PROCESSES = 1 << 2, /* those of `pids` and `names` */
	WHO_ASK_ALL = 1 << 3,       /* also connections on ports that have a listener */
};

struct who_sock { /* mostly raw, for fewer branches to be verified: user space knows what it means
		   */
	__u64 id; /* where it is in the kernel: joins records of one question */
	__u64 cookie;
	__u64 inode;
	__u64 group;     /* the same for all that share a port by SO_REUSEPORT; 0 = none */
	__u64 ready;     /* sk_data_ready: for kernel sockets, who is told of data */
	__u64 encap_rcv; /* of UDP tunnels: the function that takes what arrives */
	__u64 expires;   /* TIME_WAIT: in jiffies */
	__u64 socket;    /* 0: no process can hold it: TIME_WAIT, orphan, or not accepted yet */
	__u64 sk_flags;  /* bits enum sock_flags of the kernel */
	__u32 netns;
	__u32 uid;
	__u32 backlog;
	__u32 backlog_max;
	__u32 ifindex; /* SO_BINDTODEVICE; 0 = none */
	__u16 family;
	__u16 protocol;
	__u16 lport;
	__u16 rport;
	__u8 type;
	__u8 state;
	__u8 reuse;
	__u8 reuseport;
	__u8 v6only;
	__u8 userlocks;
	__u8 kernel;    /* sk_kern_sock */
	__u8 is_mptcp;  /* a subflow of an MPTCP socket, if of TCP */
	__s8 fastreuse; /* of the bucket of a TCP port; -1: only connect() has chosen it */
	__u8 pad[3];
	__u8 laddr[16]; /* IPv4 as v4-mapped; an AF_INET6 socket's as it is */
	__u8 raddr[16];
};

struct who_holder { /* from the iterator over files */
	struct who_sock sock;
	__u64 start_ns; /* boottime of the process's start */
	__u64 polls;    /* not 0: no holder but a process that waits in this epoll instance */
	__u32 tgid;
	__u32 fd;
};

struct who_task { /* from the iterator over tasks: group leaders */
	__u64 start_ns;
	__u32 tgid;
	__u32 parent; /* tgid */
	__u32 uid;
	__u32 netns;
	__u32 own_pid; /* in its pid namespace */
	__u32 kthread;
	char comm[WHO_COMM];
};

struct who_net {   /* a network namespace: its tables, most share the first one's */
	__u64 tcp; /* struct inet_hashinfo */
	__u64 udp; /* struct udp_table */
	__u32 inode;
	__u32 pad;
};

struct who_wait { /* who is woken by the next connection or datagram */
	__u64 sock;
	__u64 polls; /* epoll instance, or 0: the process is */
	__u32 tgid;
	__u32 pad;
};

struct who_attempt {   /* a call of bind() */
	__u64 time_ns; /* boottime */
	__u64 cookie;
	__u32 tgid;
	__u32 netns; /* of the process */
	__u32 uid;
	__u16 port;
	__u16 protocol;
	__u8 v6; /* an AF_INET6 address */
	__u8 pad[7];
	__u8 addr[16]; /* IPv4 as v4-mapped */
	char comm[WHO_COMM];
};

struct who_port_key {
	__u32 netns;
	__u32 port;
};

struct who_local_key { /* connections on a local address */
	__u32 netns;
	__u32 port;
	__u8 addr[16];
};

struct who_counts {
	__u32 established;
	__u32 closing;      /* any other state with a socket, held or not */
	__u32 time_wait;    /* TIME_WAIT, or FIN_WAIT2 without a socket */
	__u32 orphan;       /* of established and closing: closed by all */
	__u32 not_accepted; /* of established and closing: in a backlog */
	__u32 handshake;    /* SYN_RECV */
};

struct who_use_key { /* connections that a process holds on a port with a listener */
	__u32 netns;
	__u32 port;
	__u32 tgid;
	__u32 pad;
};

struct who_ask {     /* in mapped data: user space writes */
	__u32 flags; /* enum who_ask_flags */
	__u32 pid_count;
	__u32 name_count;
	__u32 own_fd; /* a UDP socket of the process that runs the walk */
	__u32 pids[WHO_PROCESSES];
	__u64 names[WHO_PROCESSES][WHO_COMM / 8]; /* NUL-padded */
	__u8 ports[65536 / 8];                    /* bits */
};

struct who_walk {    /* in mapped data: where a walk is */
	__u64 table; /* struct inet_hashinfo, struct udp_table; 0: begin with our namespace */
	__u32 bucket;
	__u32 skip; /* sockets of this bucket that were told already */
	__u32 done;
	__u32 sock_count; /* valid in `socks` */
	__u32 wait_count;
	__u32 lost;      /* counts and waits beyond a bound */
	__u32 pid_level; /* depth of the pid namespace of who asks; 0 = the host's */
	__u32 kind;      /* enum who_kind */
	__u64 jiffies;
};

#define WHO_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), "size of " #type)
WHO_ASSERT_SIZE(struct who_sock, 144);
WHO_ASSERT_SIZE(struct who_holder, 168);
WHO_ASSERT_SIZE(struct who_task, 48);
WHO_ASSERT_SIZE(struct who_net, 24);
WHO_ASSERT_SIZE(struct who_wait, 24);
WHO_ASSERT_SIZE(struct who_attempt, 72);
WHO_ASSERT_SIZE(struct who_local_key, 24);
WHO_ASSERT_SIZE(struct who_counts, 24);
WHO_ASSERT_SIZE(struct who_use_key, 16);
WHO_ASSERT_SIZE(struct who_walk, 48);

#endif
