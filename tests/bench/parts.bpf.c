/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The record of an experiment: where the time of the hot path goes. Each NAME_send and NAME_recv is
 * a pair for both hooks. The first are the hot path as it was, cut off after each part (it returns
 * what it has read, or the compiler would leave that out), the others have one thing changed.
 */
#include "parts.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { FIRST = 3 << 6, NO_RELEASE = 1 << 11 }; /* of flow.flags */

/* Laid out as struct sw_sock was. */
struct state {
	struct {
		__u64 cookie[3];
		__u32 netns, uid, flags;
		__u16 family, protocol, lport, rport, other[2];
		__u8 laddr[16], raddr[16];
	} flow;
	__u64 rest[5];
	__u32 initialised, changed, stashes, pad;
	struct {
		__u64 tx_bytes, rx_bytes, start_ns;
		__u32 tgid, uid, flags, epoch;
		char comm[16];
		__u64 sent_tx, sent_rx;
	} slot[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct state);
} states SEC(".maps");

/* As the slow path leaves a socket. */
static __noinline struct state *make(struct sock *sk)
{
	struct state *st;
	struct who who;

	if (!sk)
		return NULL;
	st = bpf_sk_storage_get(&states, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!st)
		return NULL;
	who_runs(&who);
	st->initialised = 1;
	st->flow.flags = FIRST;
	st->flow.family = BPF_CORE_READ(sk, __sk_common.skc_family);
	st->flow.protocol = BPF_CORE_READ(sk, sk_protocol);
	st->flow.rport = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	((__u32 *)st->flow.raddr)[3] = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	st->slot[0].start_ns = who.start_ns;
	st->slot[0].tgid = who.tgid;
	st->slot[0].epoch = live.epoch;
	return st;
}

/* Stands for the record of an epoch: the epoch does not move here. */
static __noinline int tell(struct state *st)
{
	if (st)
		st->slot[0].epoch = live.epoch;
	return 0;
}

static __always_inline bool is_own_peer(const struct state *st, struct sock *sk)
{
	const __u32 *ip = (const __u32 *)st->flow.raddr;

	if (st->stashes || sk->__sk_common.skc_dport != bpf_htons(st->flow.rport))
		return false;
	if (!st->flow.rport)
		return true;
	if (st->flow.family == AF_INET)
		return sk->__sk_common.skc_daddr == ip[3];
	return sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[3] == ip[3] &&
	       sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[2] == ip[2] &&
	       sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[1] == ip[1] &&
	       sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[0] == ip[0];
}

static __always_inline void slot_add(struct state *st, __u32 bytes, bool rx)
{
	__sync_fetch_and_add(rx ? &st->slot[0].rx_bytes : &st->slot[0].tx_bytes, bytes);
}

/* ---- the hot path, cut off ---- */

enum cut { FAMILY, RESULT, STORAGE, WHO, OWNER, PEER, ADD, EPOCH };

static __always_inline int part(struct sock *sk, int ret, int flags, bool rx, enum cut cut)
{
	struct state *st;
	struct who who;

	if (!is_watched(sk->__sk_common.skc_family))
		return 1;
	if (cut == FAMILY)
		return 2;
	if (!is_result(ret, flags, rx))
		return 3;
	if (cut == RESULT)
		return 4;
	st = bpf_sk_storage_get(&states, sk, NULL, 0);
	if (!st || !st->initialised)
		st = make(sk);
	if (!st || cut == STORAGE)
		return 5;
	who_runs(&who);
	if (cut == WHO)
		return (int)(who.tgid ^ who.start_ns ^ who.flags);
	if (st->slot[0].tgid != who.tgid ||
	    (st->slot[0].start_ns != who.start_ns && st->slot[0].start_ns) ||
	    !(st->flow.flags & FIRST) || (st->flow.flags & NO_RELEASE))
		return 6;
	if (cut == OWNER)
		return 7;
	if (st->flow.protocol == IPPROTO_UDP && !is_own_peer(st, sk))
		return 8;
	if (cut == PEER)
		return 9;
	slot_add(st, ret, rx);
	if (cut == ADD)
		return 10;
	return st->slot[0].epoch != live.epoch ? tell(st) : 0;
}

PAIR(family, part(sk, ret, flags, rx, FAMILY))
PAIR(result, part(sk, ret, flags, rx, RESULT))
PAIR(storage, part(sk, ret, flags, rx, STORAGE))
PAIR(who, part(sk, ret, flags, rx, WHO))
PAIR(owner, part(sk, ret, flags, rx, OWNER))
PAIR(peer, part(sk, ret, flags, rx, PEER))
PAIR(add, part(sk, ret, flags, rx, ADD))
PAIR(epoch, part(sk, ret, flags, rx, EPOCH))

/* ---- one thing changed ---- */

enum change {
	NOTHING = 0,
	PLAIN_ADD = 1 << 0,  /* not exact: only what the lock costs */
	NO_START = 1 << 1,   /* the process by its number alone */
	PID_HELPER = 1 << 2, /* ... as bpf_get_current_pid_tgid tells it */
	LEADER = 1 << 3,     /* ... by the address of its leader, and its number */
	NO_FAMILY = 1 << 4,  /* a socket with storage is one that we watch */
	NO_PEER = 1 << 5,    /* not exact: only what the comparison costs */
	JIFFIES = 1 << 6,    /* a clock in place of the epoch */
	KTIME = 1 << 7,
};

static __always_inline bool is_caller(struct state *st, enum change change)
{
	struct task_struct *task;

	if (change & PID_HELPER)
		return st->slot[0].tgid == bpf_get_current_pid_tgid() >> 32;
	task = bpf_get_current_task_btf();
	if (st->slot[0].tgid != (__u32)task->tgid)
		return false;
	if (change & NO_START)
		return true;
	if (change & LEADER) {
		if (!st->rest[0]) /* stands in for a field of its own */
			st->rest[0] = (unsigned long)task->group_leader;
		return st->rest[0] == (unsigned long)task->group_leader;
	}
	return st->slot[0].start_ns == task->group_leader->start_boottime;
}

static __always_inline bool is_same_epoch(struct state *st, enum change change)
{
	__u32 now = live.epoch;

	if (change & KTIME)
		now = bpf_ktime_get_ns() >> 40;
	if (change & JIFFIES)
		now = bpf_jiffies64() >> 32;
	if (change & (KTIME | JIFFIES) && st->slot[0].epoch != now)
		st->slot[0].epoch = now;
	return st->slot[0].epoch == now;
}

/* Everything that only the slow path needs is left to it: no struct call, no flags of the task. */
static __always_inline int lean(struct sock *sk, int ret, int flags, bool rx, enum change change)
{
	struct state *st;

	if (!(change & NO_FAMILY) && !is_watched(sk->__sk_common.skc_family))
		return 0;
	if (!is_result(ret, flags, rx))
		return 0;
	st = bpf_sk_storage_get(&states, sk, NULL, 0);
	if (!st || !st->initialised)
		st = make(sk);
	if (!st || !is_caller(st, change))
		return 0;
	if (!(st->flow.flags & FIRST) || (st->flow.flags & NO_RELEASE))
		return 0;
	if (!(change & NO_PEER) && st->flow.protocol == IPPROTO_UDP && !is_own_peer(st, sk))
		return 0;
	if (change & PLAIN_ADD) {
		if (rx)
			st->slot[0].rx_bytes += ret;
		else
			st->slot[0].tx_bytes += ret;
	} else {
		slot_add(st, ret, rx);
	}
	return is_same_epoch(st, change) ? 0 : tell(st);
}

PAIR(lean, lean(sk, ret, flags, rx, NOTHING))
PAIR(plain_add, lean(sk, ret, flags, rx, PLAIN_ADD))
PAIR(no_start, lean(sk, ret, flags, rx, NO_START))
PAIR(pid_helper, lean(sk, ret, flags, rx, PID_HELPER))
PAIR(leader, lean(sk, ret, flags, rx, LEADER))
PAIR(no_family, lean(sk, ret, flags, rx, NO_FAMILY))
PAIR(no_peer, lean(sk, ret, flags, rx, NO_PEER))
PAIR(jiffies, lean(sk, ret, flags, rx, JIFFIES))
PAIR(ktime, lean(sk, ret, flags, rx, KTIME))

/* ---- what a call needs in one cache line, made by the slow path ---- */

/* One test for all that is not plain, the epoch among it; the slow path does the rest. */
static __always_inline int line(struct sock *sk, int ret, int flags, bool rx)
{
	struct hot *hot = bpf_sk_storage_get(&hots, sk, NULL, 0);

	if (!hot || !is_hot_for(hot, sk, bpf_get_current_task_btf()) || !is_result(ret, flags, rx))
		return make_hot(sk);
	__sync_fetch_and_add(rx ? &hot->rx_bytes : &hot->tx_bytes, ret);
	return 0;
}

PAIR(line, line(sk, ret, flags, rx))

/* The same, without an owner: the least that counts at all. */
static __always_inline int bytes_only(struct sock *sk, int ret, bool rx)
{
	struct hot *hot = bpf_sk_storage_get(&hots, sk, NULL, 0);

	if (!hot)
		return make_hot(sk);
	__sync_fetch_and_add(rx ? &hot->rx_bytes : &hot->tx_bytes, ret);
	return 0;
}

PAIR(bytes_only, bytes_only(sk, ret, rx))
