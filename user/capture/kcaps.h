/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What this kernel and this process can do, asked once and turned into plain booleans. */
#ifndef CAPTURE_KCAPS_H
#define CAPTURE_KCAPS_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/limits.h"

enum kcap {
	KCAP_CAP_BPF,       /* CAP_BPF or CAP_SYS_ADMIN */
	KCAP_CAP_PERFMON,   /* CAP_PERFMON or CAP_SYS_ADMIN */
	KCAP_CAP_NET_ADMIN, /* for programs on cgroups */
	KCAP_BTF,           /* the kernel describes its types */
	KCAP_TP_BTF,        /* typed tracepoints can be loaded: not refused by lockdown or an LSM */
	KCAP_ITERATORS,     /* iter/task_file and iter/bpf_sk_storage_map */
	KCAP_STORAGE_ITER,  /* the latter does not fault (until 6.19) */
	KCAP_SK_STORAGE,    /* socket storage and cookies in tracing programs (5.12) */
	KCAP_TP_SOCK_LENGTH, /* tracepoints sock_send_length, sock_recv_length (6.3) */
	KCAP_TP_TCP_STATE,   /* tracepoint inet_sock_set_state (4.16) */
	KCAP_TP_TCP_DESTROY, /* tracepoint tcp_destroy_sock */
	KCAP_TP_TCP_RCVD,    /* tracepoint tcp_rcv_space_adjust */
	KCAP_CGROUP2,        /* the cgroup2 hierarchy can be reached */
	KCAP_TRAMPOLINES,    /* fentry and fexit programs load and attach */
	KCAP_FN_INET_IO,     /* functions inet_sendmsg, inet_recvmsg and their IPv6 twins */
	KCAP_FN_SENDPAGE,    /* function inet_sendpage (until 6.4) */
	KCAP_NO_SENDPAGE,    /* it is not there: sendfile comes by sendmsg (6.5) */
	KCAP_FN_PACKET,      /* functions packet_sendmsg, packet_recvmsg, packet_release */
	KCAP_FN_SPLICE_READ, /* function sock_splice_read */
	KCAP_FN_RELEASE,     /* function inet_release */
	KCAP_FN_BIND,        /* functions inet_bind, inet6_bind */
	KCAP_FN_CONNECT,     /* functions tcp_v4_connect, tcp_v6_connect */
	KCAP_FN_CONSUME_UDP, /* function skb_consume_udp */
	KCAP_FN_ACCEPT,      /* function inet_csk_accept(sk, arg) (6.10) */
	KCAP_FN_ACCEPT_OLD,  /* function inet_csk_accept(sk, flags, err, kern) */
	KCAP_FN_UDP,         /* functions udp_sendmsg, udpv6_sendmsg */
	KCAP_KPROBES,        /* kprobes attach through perf_event_open */
	KCAP_COUNT
};

struct kcaps {
	bool has[KCAP_COUNT];
	int cgroup_fd;        /* owned, root of cgroup2; -1 = none */
	unsigned int version; /* major << 16 | minor << 8 */
	char release[65];     /* as uname -r */
	bool recvmsg_noblock; /* recvmsg of a protocol has a parameter `noblock` (until 5.18) */
	bool btf_unread;      /* BTF is there and could not be loaded: memory, descriptors */
	bool is_root;         /* by its id, whatever it may */
	bool is_admin;        /* CAP_SYS_ADMIN */
	int tracing_error;    /* errno with which a typed tracepoint was refused; 0 = it was not */
	int trampoline_error; /* the same of fentry */
	int kprobe_error;     /* the same of kprobes; ENODEV = the kernel has none */
	struct limits limits;
	bool tp_preempted; /* other tasks run while a tracepoint program waits: it is skipped */
	bool fn_preempted; /* the same with programs on trampolines */
};

/** Ask the kernel, but for kprobes. Never fails: what cannot be asked is not there. */
void kcaps_probe(struct kcaps *caps);
/** Ask for kprobes too: takes the kernel some 50 ms (synchronize_rcu when one is taken away), so
 *  only where nothing better serves. */
void kcaps_ask_kprobes(struct kcaps *caps);
/** Leave out what is better than @way, to try the other ways: `tracepoint` (nothing), `fexit`,
 *  `kprobe`, `kprobe-only` (no cgroup2 either), `no-cgroup`, `no-trampoline`, `degraded` (what sees
 *  calls); or look `twice` although nothing is skipped here. `lossy`, `suspicious` and
 *  `hurried` leave out nothing here: the capture does not see calls that send, or looks for bytes
 * of such, or sweeps as if there were very many sockets. False when there is no such way. */
bool kcaps_limit(struct kcaps *caps, const char *way);
/** Close what it holds. */
void kcaps_done(struct kcaps *caps);
/** What the user would call it: `CAP_BPF`, `cgroup2`, `tracepoint sock_send_length (6.3)`. */
const char *kcap_name(enum kcap cap);
#endif
