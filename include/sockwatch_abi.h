/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * What the kernel programs and user space share: records, settings, limits. Fixed widths, padded
 * by hand, sizes asserted by both compilers. Host byte order, ports included; addresses are bytes.
 */
#ifndef SOCKWATCH_ABI_H
#define SOCKWATCH_ABI_H

#ifndef __bpf__
#include <linux/types.h>
#endif

enum {
	SW_COMM = 16,    /* bytes of a process name, as TASK_COMM_LEN */
	SW_SLOTS = 2,    /* accounts inside socket storage; further ones are in the hash */
	SW_MARKS = 4096, /* calls that can be between a first and a last look */
	SW_STASH = 8,    /* threads that can be inside an unconnected UDP call of one socket */
	SW_RING_BYTES = 2 << 20, /* default size of the ring buffer */
	SW_ACCOUNTS = 65536,     /* default bound of the hash of further accounts */
	SW_SOCKETS = 131072,     /* bound of the hash of sockets, where there is one */
	SW_CALLS = 8192,         /* bound of the hash of calls under way, likewise */
};

enum sw_kind { /* why a record was sent; every record carries everything that is known */
	       SW_REC_IO = 1,   /* first bytes of an account in an epoch */
	       SW_REC_SWEEP,    /* from the sweep: bytes or a state that no record told yet */
	       SW_REC_SNAPSHOT, /* open before the start: one for each process that holds the socket
				 */
	       SW_REC_CONNECT,  /* TCP: SYN about to be sent */
	       SW_REC_ESTABLISHED, /* TCP: our connect succeeded */
	       SW_REC_ACCEPT,      /* TCP: a process took it from the backlog */
	       SW_REC_FAIL, /* TCP: our connect failed; error says why, 0 = before a SYN was sent */
	       SW_REC_BIND,
	       SW_REC_LISTEN,
	       SW_REC_BIND_FAIL, /* a bind that no success followed: flow has what was asked for */
	       SW_REC_RESET,     /* TCP: the connection broke while a process held it: flow.end */
	       SW_REC_CLOSE,     /* last totals of one account: the socket is gone for processes */
	       SW_REC_EXIT,      /* the process of the account ended; no flow */
	       SW_REC_KINDS
};

enum sw_flow_flags {
	SW_F_SERVER = 1 << 0,       /* passively opened */
	SW_F_CLIENT = 1 << 1,       /* connect() was called, or the kernel's counters say so */
	SW_F_LISTENER = 1 << 2,     /* listen() was called */
	SW_F_BEFORE_START = 1 << 3, /* existed when the programs were attached */
	SW_F_KERNEL = 1 << 4,       /* a kernel socket (sk_kern_sock) */
	SW_F_BOUND = 1 << 5,        /* the process asked for this local port (SOCK_BINDPORT_LOCK) */
	SW_F_FIRST_TX = 1 << 6,     /* the first bytes were sent */
	SW_F_FIRST_RX = 1 << 7,     /* the first bytes were received */
	SW_F_PER_PEER = 1 << 8,     /* account of one peer of an unconnected socket */
	SW_F_SHARED = 1 << 9,       /* not the first account of this socket */
	SW_F_EXTRA = 1 << 10,       /* socket has, or had, accounts in the hash */
	SW_F_NO_RELEASE = 1 << 11,  /* no hook reports its end; liveness comes from the sweep */
	SW_F_OVERFLOW = 1 << 12,    /* account stands for all that could not be told apart */
	SW_F_RELEASED = 1 << 13,    /* closed by its last process */
	SW_F_WAS_ESTABLISHED = 1 << 14,
	SW_F_ATTEMPT = 1 << 15,   /* connect() was entered and no SYN has followed yet */
	SW_F_BINDING = 1 << 16,   /* bind() was entered and no success has followed yet */
	SW_F_REUSEADDR = 1 << 17, /* as set when it was bound */
	SW_F_REUSEPORT = 1 << 18,
};

enum sw_account_flags {
	SW_A_KTHREAD = 1 << 0, /* moved by a kernel thread */
	SW_A_WHOLE = 1 << 1,   /* all about the process is there */
};

enum sw_end { /* who or what ended a TCP connection; 0 = it has not ended, or not known */
	      SW_END_LOCAL = 1,   /* we sent FIN first */
	      SW_END_PEER,        /* the peer did */
	      SW_END_RESET_LOCAL, /* we reset it: bytes were unread, or SO_LINGER is 0 */
	      SW_END_RESET_PEER,
	      SW_END_TIMEOUT,
	      SW_END_ABORTED, /* by an administrator (SOCK_DESTROY) */
	      SW_END_ERROR,
	      SW_ENDS
};

struct sw_flow {
	__u64 cookie;    /* key of the socket: its cookie, or for MPTCP a number of ours */
	__u64 so_cookie; /* as getsockopt(SO_COOKIE) says */
	__u64 cgroup_id; /* 0 = not known */
	__u32 netns;     /* inode */
	__u32 uid;       /* of the socket */
	__u32 flags;     /* enum sw_flow_flags */
	__u16 family;    /* AF_INET, AF_INET6, AF_PACKET */
	__u16 protocol;  /* IPPROTO_*, up to 262; ethertype of packet sockets */
	__u16 lport;
	__u16 rport;
	__u8 type;  /* SOCK_STREAM, SOCK_DGRAM, SOCK_RAW ... */
	__u8 state; /* TCP_ESTABLISHED ... */
	__u8 end;   /* enum sw_end */
	__u8 pad;
	__u8 laddr[16]; /* IPv4 as v4-mapped */
	__u8 raddr[16];
	__u32 srtt_us;     /* TCP, at its end: smoothed round trip */
	__u32 retransmits; /* of segments */
};

struct sw_account {     /* the use of one socket by one process (and with one peer, if per peer) */
	__u64 tx_bytes; /* in total */
	__u64 rx_bytes;
	__u64 start_ns; /* boottime of the process's start */
	__u32 tgid;     /* 0 = nobody yet */
	__u32 uid;      /* of the process */
	__u32 flags;    /* enum sw_account_flags */
	__u32 epoch;    /* in which the last record was sent */
	char comm[SW_COMM];
};

struct sw_record {
	__u64 time_ns; /* boottime */
	__u32 kind;    /* enum sw_kind */
	__s32 error;   /* SW_REC_FAIL: positive errno, 0 = not known */
	struct sw_flow flow;
	struct sw_account account;
};

struct sw_extra_key { /* of the hash of further accounts */
	__u64 cookie;
	__u64 start_ns;
	__u32 tgid;
	__u16 rport;
	__u16 closed; /* 1 + slot: a last record that found the ring buffer full is kept here */
	__u8 raddr[16];
};

struct sw_extra {
	struct sw_flow flow;
	struct sw_account account;
};

enum sw_release {
	SW_RELEASE_USER = 1 << 0,   /* sockets of processes */
	SW_RELEASE_KERNEL = 1 << 1, /* the kernel's own */
	SW_RELEASE_PACKET = 1 << 2, /* packet sockets */
};

enum sw_heal {
	SW_HEAL_TX = 1 << 0, /* calls that sent were not seen: the sweep looks for their bytes */
};

enum sw_metered { /* what is booked instead of calls: TCP by the socket's counter, UDP by packets */
		  SW_METERED_RX = 1 << 0,
		  SW_METERED_TX = 1 << 1,
		  SW_METERED_UDP = 1 << 2,
};

struct sw_live {             /* in mapped data: user space writes, programs read */
	__u32 epoch;         /* moved at each refresh, never 0 */
	__u32 sweep_final;   /* the sweep books what bypassed recvmsg even on shared sockets */
	__u32 release;       /* enum sw_release: whose end some hook reports */
	__u32 half_ring;     /* bytes in the ring buffer from which on the reader is woken */
	__u32 connect_errno; /* a hook on the return of connect tells why it failed */
	__u32 heal;          /* enum sw_heal */
	__u32 metered;       /* enum sw_metered */
	__u32 further_looks; /* each program that has others behind it runs before them */
	__u32 swept; /* epoch of the last sweep: pass by what was quiet since; 0 = nothing */
	__u32 pad;
};

struct sw_stats {            /* in mapped data: programs write, user space reads */
	__u64 seen;          /* records that were to be sent */
	__u64 lost_ring;     /* of these, found the ring buffer full */
	__u64 lost_close;    /* of these, last records that could not be kept for later either */
	__u64 lost_storage;  /* sockets that got no storage: their bytes are not counted */
	__u64 lost_accounts; /* accounts that found the hash full: booked to the socket's own row */
	__u64 dirty;         /* grows with each change that no record tells */
	__u64 own_keys;      /* sockets that got a key of ours */
	__u64 ownerless;     /* sweeps that found bytes taken by a process not known yet */
	__u64 left;          /* calls that the first look left to the others */
	__u64 found;         /* calls that only a further look has seen */
	__u64 lost_calls;    /* calls that no return was seen of */
};

enum {
	SW_CHRONOS = 3,  /* enum tcp_chrono (linux/tcp.h) without 0, nothing to send */
	SW_CA_NAME = 16, /* TCP_CA_NAME_MAX */
};

struct sw_detail {           /* of one socket at one moment; what only TCP has is 0 for others */
	__u64 cookie;        /* key of the socket */
	__u64 pacing_rate;   /* bytes a second; all ones = not limited */
	__u64 bytes_retrans; /* sent again */
	__u32 jiffies;
	__u32 chrono[SW_CHRONOS]; /* jiffies sending, limited by receiver, by send buffer */
	__u32 recv_queue;         /* bytes; of listeners: connections not accepted yet */
	__u32 send_queue;         /* bytes not acknowledged; of listeners: the most of those */
	__u32 unsent;             /* of these, not sent once */
	__u32 drops;              /* of listeners: connections refused; else packets dropped */
	__u32 sndbuf;
	__u32 rcvbuf;
	__u32 srtt_us;
	__u32 rttvar_us;
	__u32 min_rtt_us; /* all ones = not measured */
	__u32 cwnd;       /* packets, as what follows */
	__u32 ssthresh;
	__u32 unacked;
	__u32 sacked;
	__u32 lost;
	__u32 retrans_out;
	__u32 total_retrans;
	__u32 mss; /* bytes */
	__u32 snd_wnd;
	__u32 rcv_wnd;
	__u32 rate_delivered; /* packets, in rate_interval_us */
	__u32 rate_interval_us;
	__u8 state;       /* TCP_ESTABLISHED ... */
	__u8 ca_state;    /* enum tcp_ca_state (linux/tcp.h) */
	__u8 retransmits; /* of what is sent again now, so far */
	__u8 backoff;     /* the timer was doubled so often */
	__u8 chrono_type; /* enum tcp_chrono: what is limiting now */
	__u8 app_limited; /* rate_delivered is no measure of the path */
	__u8 is_tcp;      /* the fields of TCP hold */
	__u8 pad[5];
	char ca_name[SW_CA_NAME];
};

struct sw_holder {      /* an open file that is the socket */
	__u64 start_ns; /* boottime of the process's start */
	__u32 tgid;
	__u32 uid;
	__u32 fd;
	__u32 pad;
	char comm[SW_COMM];
};

#define SW_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), "size of " #type)
SW_ASSERT_SIZE(struct sw_flow, 88);
SW_ASSERT_SIZE(struct sw_account, 56);
SW_ASSERT_SIZE(struct sw_record, 160);
SW_ASSERT_SIZE(struct sw_extra_key, 40);
SW_ASSERT_SIZE(struct sw_extra, 144);
SW_ASSERT_SIZE(struct sw_detail, 152);
SW_ASSERT_SIZE(struct sw_holder, 40);
SW_ASSERT_SIZE(struct sw_live, 40);
SW_ASSERT_SIZE(struct sw_stats, 88);

#endif
