/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Every map and every variable that user space sets or reads. */
#ifndef BPF_MAPS_H
#define BPF_MAPS_H

#include <stdbool.h>

#include "sockwatch_abi.h"

struct sw_slot {
	struct sw_account account;
	__u64 sent_tx; /* totals in the last record that was delivered */
	__u64 sent_rx;
};

struct sw_meter {     /* one direction of a TCP socket, beside what calls book: see meter.bpf.h */
	__u64 base;   /* the kernel's count when nothing of ours had moved; if metered, booked */
	__u64 others; /* booked to all accounts but slot 0 */
	__u64 ahead;  /* what slot 0 was told to have moved, be it booked or not */
	__u64 paid;   /* by others for what slot 0 was told */
	__u32 anchor; /* of the connection that base belongs to (struct tcp_count) */
	__u32 set;    /* base and anchor hold */
};

struct sw_stash_entry {
	__u32 tid; /* 0 = empty */
	__u16 port;
	__u16 is_rx;
	__u8 ip[16];
};

enum sw_plain { SW_PLAIN = 1, SW_PLAIN_UDP };

struct sw_sock { /* state of one socket; freed with it by the kernel */
	struct sw_flow flow;
	struct sw_meter tx, rx;
	__u64 tx_end;  /* the kernel's count when the process could send no more, without FIN */
	__u64 tx_owed; /* that no call had booked at the last sweep */
	__u64 over_tx; /* bytes of accounts that the hash had no room for */
	__u64 over_rx;
	__u64 sent_over;   /* over_tx + over_rx in the last record */
	__u32 initialised; /* flow and base are being set, or are set */
	__u32 changed;     /* state changed and no record told it */
	__u32 stashes;     /* a peer was left for a call of this socket, once at least */
	__u32 tx_ended;    /* tx_end holds */
	__u32 user;  /* slot of the process that was last seen to use the socket, if metered */
	__u32 plain; /* enum sw_plain: calls of the process in slot 0 need no second thought */
	struct sw_stash_entry stash; /* of the thread that came first, as nearly always */
	__u8 bind_ip[16];            /* what a bind() asks for that is under way */
	__u32 bind_port;
	__u32 pad;
	struct sw_slot slot[SW_SLOTS];
};

struct sw_stash { /* peers of unconnected UDP calls of further threads, one entry a thread */
	struct sw_stash_entry entry[SW_STASH];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SW_RING_BYTES);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct sw_sock);
} socks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct sw_stash);
} stashes SEC(".maps");

/* In place of socks where programs may not use socket storage (see by_pointer): by the address of
 * the struct sock. Only made then. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SW_SOCKETS);
	__type(key, __u64);
	__type(value, struct sw_sock);
} pointers SEC(".maps");

struct sw_call { /* a call under way: what its return will need and is not told */
	__u64 sk;
	__u8 ip[16]; /* where it sends to, if it says so */
	__u16 port;
	__u16 pad[3];
};

/* By thread and enum call_kind; for kprobes alone. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SW_CALLS);
	__type(key, __u64);
	__type(value, struct sw_call);
} calls SEC(".maps");

/* A plain hash, not an LRU one: that evicts in batches long before it is full. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SW_ACCOUNTS);
	__type(key, struct sw_extra_key);
	__type(value, struct sw_extra);
} extras SEC(".maps");

struct sw_process {
	__u64 start_ns;
	__u32 tgid;
	__u32 pad;
};

/* Processes that have used a socket, to tell of their end. A cache: what it loses is only told
 * late. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct sw_process);
	__type(value, __u8);
} processes SEC(".maps");

/* Programs on tracepoints, on trampolines have others behind them: look.bpf.h */
const volatile bool tp_further, fn_further;
__u64 marks[SW_MARKS];

/* Kprobes get a struct sock as a number and no helper for socket storage, so state goes by address
 * in `pointers`. Set before the programs are loaded: the verifier drops the way not taken. */
const volatile bool by_pointer;

/* Linux before 5.19: recvmsg of a protocol has a parameter `noblock` in front of the flags, removed
 * by ec095263a965 ("net: remove noblock parameter from recvmsg() entities"). */
const volatile bool recvmsg_noblock;

volatile struct sw_live live = {.epoch = 1, .half_ring = SW_RING_BYTES / 2};
struct sw_stats stats;

#endif
