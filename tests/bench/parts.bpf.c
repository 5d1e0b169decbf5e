/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The record of an experiment: where the time of the hot path goes. Each NAME_send and NAME_recv is
 * a pair for both hooks. The first are the hot path as it was, cut off after each part (it returns
 * what it has read, or the compiler would leave that out), the others have one thing changed.
 * Nothing of bpf/ is included: that goes on, and this stays what was measured.
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

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define AF_INET 2
#define AF_INET6 10
#define AF_PACKET 17
#define MSG_PEEK 2
#define MSG_ERRQUEUE 0x2000
#define PF_KTHREAD 0x00200000

enum { FIRST = 3 << 6, NO_RELEASE = 1 << 11 }; /* of flow.flags */

#define PAIR(name, call)                                               \
	SEC("tp_btf/sock_send_length")                                 \
	int BPF_PROG(name##_send, struct sock *sk, int ret, int flags) \
	{                                                              \
		const bool rx = false;                                 \
		return call;                                           \
	}                                                              \
	SEC("tp_btf/sock_recv_length")                                 \
	int BPF_PROG(name##_recv, struct sock *sk, int ret, int flags) \
	{                                                              \
		const bool rx = true;                                  \
		return call;                                           \
	}

/* Laid out as struct state was. */
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

volatile struct {
	__u32 epoch, told;
} live = {.epoch = 1};

struct who {
	__u64 start_ns;
	__u32 tgid;
	__u32 flags;
};

static __always_inline void who_runs(struct who *who)
{
	struct task_struct *task = bpf_get_current_task_btf();

	who->tgid = task->tgid;
	who->start_ns = task->group_leader->start_boottime;
	who->flags = task->flags & PF_KTHREAD ? 1 : 0;
}

static __always_inline bool is_watched(__u16 family)
{
	return family == AF_INET || family == AF_INET6 || family == AF_PACKET;
}

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

static __always_inline bool is_result(int ret, int flags, bool rx)
{
	return ret > 0 && !(rx && (flags & (MSG_PEEK | MSG_ERRQUEUE)));
}

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

struct hot {
	__u64 tx_bytes;
	__u64 rx_bytes;
	__u64 start_ns;
	__u32 tgid; /* 0: nothing is plain, take the slow path */
	__u32 epoch;
	__u32 peer;  /* skc_daddr as it was */
	__u32 ports; /* skc_dport as it was; 0 and is_udp 0: not asked for */
	__u32 is_udp;
	__u32 rest[5];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct hot);
} hots SEC(".maps");

static __noinline int make_hot(struct sock *sk)
{
	struct hot *hot;
	struct who who;

	if (!sk)
		return 0;
	hot = bpf_sk_storage_get(&hots, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!hot)
		return 0;
	who_runs(&who);
	hot->start_ns = who.start_ns;
	hot->tgid = who.tgid;
	hot->epoch = live.epoch;
	hot->is_udp = BPF_CORE_READ(sk, sk_protocol) == IPPROTO_UDP;
	hot->peer = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	hot->ports = BPF_CORE_READ(sk, __sk_common.skc_dport);
	return 0;
}

static __always_inline bool is_hot(const struct hot *hot, const struct sock *sk)
{
	const struct task_struct *task = bpf_get_current_task_btf();

	if (hot->tgid != (__u32)task->tgid || hot->start_ns != task->group_leader->start_boottime ||
	    hot->epoch != live.epoch)
		return false;
	return !hot->is_udp ||
	       (hot->peer == sk->__sk_common.skc_daddr && hot->ports == sk->__sk_common.skc_dport);
}

/* One test for all that is not plain, the epoch among it; the slow path does the rest. */
static __always_inline int line(struct sock *sk, int ret, int flags, bool rx)
{
	struct hot *hot = bpf_sk_storage_get(&hots, sk, NULL, 0);

	if (!hot || !is_hot(hot, sk) || !is_result(ret, flags, rx))
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

/* ---- without helpers: a call of one, and its return, is what the rest costs together ---- */

struct timespec64 { /* any two words of kernel memory: a type that is just that */
	__s64 tv_sec;
	long tv_nsec;
} __attribute__((preserve_access_index));

struct sock___storage {
	void *sk_bpf_storage;
} __attribute__((preserve_access_index));

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;

static __always_inline const struct timespec64 *words_at(__u64 address)
{
	return bpf_rdonly_cast((void *)address, bpf_core_type_id_kernel(struct timespec64));
}

struct task_struct___cpu {
	struct {
		__u32 cpu;
	} thread_info;
	int on_cpu;
} __attribute__((preserve_access_index));

/* The task that made the last call on this CPU; perhaps gone. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lasts SEC(".maps");

static __noinline int learn_current(void)
{
	__u32 zero = 0;
	__u64 *last = bpf_map_lookup_elem(&lasts, &zero);

	if (last)
		*last = (__u64)bpf_get_current_task();
	return 0;
}

/*
 * bpf_get_current_task_btf is a call (inlined by later kernels); a lookup in such an array and
 * bpf_get_smp_processor_id are none. A task that runs on this CPU while we do is the current one:
 * on_cpu is set before a switch to it and cleared behind the switch away from it, and its CPU
 * changes only in between. Memory that is a task no more would have to hold all that its reader
 * compares as well.
 */
static __always_inline const struct task_struct *current_without_call(void)
{
	const struct task_struct___cpu *cpu;
	__u32 zero = 0;
	__u64 *last = bpf_map_lookup_elem(&lasts, &zero);

	if (!last)
		return NULL;
	cpu = bpf_rdonly_cast((void *)*last, bpf_core_type_id_kernel(struct task_struct));
	if (cpu->on_cpu != 1 || cpu->thread_info.cpu != bpf_get_smp_processor_id()) {
		learn_current();
		return bpf_get_current_task_btf();
	}
	return bpf_rdonly_cast((void *)*last, bpf_core_type_id_kernel(struct task_struct));
}

static __always_inline bool is_hot_for(const struct hot *hot, const struct sock *sk,
				       const struct task_struct *task)
{
	if (hot->tgid != (__u32)task->tgid || hot->start_ns != task->group_leader->start_boottime ||
	    hot->epoch != live.epoch)
		return false;
	return !hot->is_udp ||
	       (hot->peer == sk->__sk_common.skc_daddr && hot->ports == sk->__sk_common.skc_dport);
}

static __always_inline int current_read(struct sock *sk, int ret, int flags, bool rx)
{
	struct hot *hot = bpf_sk_storage_get(&hots, sk, NULL, 0);
	const struct task_struct *task;

	if (!hot)
		return make_hot(sk);
	task = current_without_call();
	if (!task || !is_hot_for(hot, sk, task) || !is_result(ret, flags, rx))
		return make_hot(sk);
	__sync_fetch_and_add(rx ? &hot->rx_bytes : &hot->tx_bytes, ret);
	return 0;
}

PAIR(current, current_read(sk, ret, flags, rx))

/* Totals in an array that user space could map; socket storage holds the index in its first word,
 * and is found as bpf_local_storage_lookup does: in the place of its map in the socket's cache. */
enum { SLOTS = 4096, CACHE = 16 };

struct hot slots[SLOTS];
__u32 next_slot;
__u64 cache_at, map_at; /* bytes into struct bpf_local_storage; address of the map */

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} indices SEC(".maps");

static __noinline int learn_cache(struct sock *sk)
{
	__u64 storage = 0, data, map;

	if (!sk)
		return 0;
	bpf_core_read(&storage, sizeof(storage), &((struct sock___storage *)sk)->sk_bpf_storage);
	for (int i = 0; i < CACHE; i++) {
		data = map = 0;
		bpf_probe_read_kernel(&data, 8, (void *)(storage + i * 8));
		bpf_probe_read_kernel(&map, 8, (void *)data);
		if (data && map == map_at)
			cache_at = i * 8;
	}
	return 0;
}

static __noinline int make_index(struct sock *sk)
{
	__u64 *index;
	struct hot *slot;
	struct who who;

	if (!sk)
		return 0;
	index = bpf_sk_storage_get(&indices, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	index = bpf_sk_storage_get(&indices, sk, NULL, 0); /* into the cache */
	if (!index)
		return 0;
	if (!*index)
		*index = 1 + __sync_fetch_and_add(&next_slot, 1);
	map_at = (__u64)&indices;
	learn_cache(sk);
	slot = &slots[*index & (SLOTS - 1)];
	who_runs(&who);
	slot->start_ns = who.start_ns;
	slot->tgid = who.tgid;
	slot->epoch = live.epoch;
	slot->is_udp = BPF_CORE_READ(sk, sk_protocol) == IPPROTO_UDP;
	slot->peer = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	slot->ports = BPF_CORE_READ(sk, __sk_common.skc_dport);
	return 0;
}

static __always_inline struct hot *slot_of(struct sock *sk)
{
	__u64 at = bpf_core_field_offset(((struct sock___storage *)sk)->sk_bpf_storage);
	__u64 storage = words_at((__u64)sk + at)->tv_sec; /* a number: pointers cannot be moved in
							   */
	const struct timespec64 *data;

	if (!storage)
		return NULL;
	data = words_at(words_at(storage + cache_at)->tv_sec);
	if (!map_at || data->tv_sec != map_at)
		return NULL;
	return &slots[data->tv_nsec & (SLOTS - 1)];
}

static __always_inline int walk(struct sock *sk, int ret, int flags, bool rx, bool has_current)
{
	const struct task_struct *task;
	struct hot *slot = slot_of(sk);

	if (!slot)
		return make_index(sk);
	task = has_current ? current_without_call() : bpf_get_current_task_btf();
	if (!task || !is_hot_for(slot, sk, task) || !is_result(ret, flags, rx))
		return make_index(sk);
	__sync_fetch_and_add(rx ? &slot->rx_bytes : &slot->tx_bytes, ret);
	return 0;
}

PAIR(walk, walk(sk, ret, flags, rx, false))
PAIR(no_helper, walk(sk, ret, flags, rx, true))

/* Of it, what finding the slot costs, with and without the lock, and what the task costs. */
static __always_inline int walk_only(struct sock *sk, int ret, bool rx, bool has_lock)
{
	struct hot *slot = slot_of(sk);

	if (!slot)
		return make_index(sk);
	if (has_lock)
		__sync_fetch_and_add(rx ? &slot->rx_bytes : &slot->tx_bytes, ret);
	else if (rx)
		slot->rx_bytes += ret;
	else
		slot->tx_bytes += ret;
	return 0;
}

static __always_inline int current_only(void)
{
	const struct task_struct *task = current_without_call();

	return task ? (int)(task->tgid ^ task->group_leader->start_boottime) : 0;
}

PAIR(walk_bytes, walk_only(sk, ret, rx, true))
PAIR(walk_plain, walk_only(sk, ret, rx, false))
PAIR(task_only, ((void)sk, (void)ret, (void)flags, (void)rx, current_only()))

/* The same with who the task is kept beside it: it is what it was if it has not started anew. */
struct known {
	__u64 task, thread_start_ns, start_ns;
	__u32 tgid, pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct known);
} knowns SEC(".maps");

static __noinline int learn_known(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 zero = 0;
	struct known *known = bpf_map_lookup_elem(&knowns, &zero);

	if (!known)
		return 0;
	known->task = (__u64)task;
	known->thread_start_ns = task->start_boottime;
	known->start_ns = task->group_leader->start_boottime;
	known->tgid = task->tgid;
	return 0;
}

static __always_inline const struct known *known_current(void)
{
	const struct task_struct___cpu *cpu;
	const struct task_struct *task;
	__u32 zero = 0;
	struct known *known = bpf_map_lookup_elem(&knowns, &zero);

	if (!known)
		return NULL;
	task = bpf_rdonly_cast((void *)known->task, bpf_core_type_id_kernel(struct task_struct));
	cpu = (const void *)task;
	if (cpu->on_cpu != 1 || task->start_boottime != known->thread_start_ns ||
	    cpu->thread_info.cpu != bpf_get_smp_processor_id())
		learn_known();
	return known;
}

static __always_inline bool is_known(const struct hot *hot, const struct sock *sk,
				     const struct known *known)
{
	if (hot->tgid != known->tgid || hot->start_ns != known->start_ns ||
	    hot->epoch != live.epoch)
		return false;
	return !hot->is_udp ||
	       (hot->peer == sk->__sk_common.skc_daddr && hot->ports == sk->__sk_common.skc_dport);
}

static __always_inline int known_read(struct sock *sk, int ret, int flags, bool rx)
{
	struct hot *hot = bpf_sk_storage_get(&hots, sk, NULL, 0);
	const struct known *known = known_current();

	if (!hot || !known || !is_known(hot, sk, known) || !is_result(ret, flags, rx))
		return make_hot(sk);
	__sync_fetch_and_add(rx ? &hot->rx_bytes : &hot->tx_bytes, ret);
	return 0;
}

static __always_inline int known_walk(struct sock *sk, int ret, int flags, bool rx)
{
	struct hot *slot = slot_of(sk);
	const struct known *known = known_current();

	if (!slot || !known || !is_known(slot, sk, known) || !is_result(ret, flags, rx))
		return make_index(sk);
	__sync_fetch_and_add(rx ? &slot->rx_bytes : &slot->tx_bytes, ret);
	return 0;
}

PAIR(known, known_read(sk, ret, flags, rx))
PAIR(known_walk, known_walk(sk, ret, flags, rx))

/* ---- storage by its helper, which gives the index of a slot in an array ---- */

static __always_inline int array(struct sock *sk, int ret, int flags, bool rx)
{
	__u64 *index = bpf_sk_storage_get(&indices, sk, NULL, 0);
	struct hot *slot;

	if (!index || !*index)
		return make_index(sk);
	slot = &slots[*index & (SLOTS - 1)];
	if (!is_hot(slot, sk) || !is_result(ret, flags, rx))
		return make_index(sk);
	__sync_fetch_and_add(rx ? &slot->rx_bytes : &slot->tx_bytes, ret);
	return 0;
}

PAIR(array, array(sk, ret, flags, rx))
