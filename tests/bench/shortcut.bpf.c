/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Of the same experiment: the hot path without calls of helpers. A call and its return is what all
 * the rest costs together where returns are made safe against speculation, so here is what it takes
 * to read what a helper would give: the current task, the place in socket storage.
 */
#include "parts.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

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

/*
 * bpf_get_current_task_btf is a call (later kernels inline it); a lookup in such an array and
 * bpf_get_smp_processor_id are none. A task that is on this CPU while we are is the current one:
 * on_cpu is set before a switch to it and cleared behind the switch away from it, and its CPU
 * changes only in between. Memory that is a task no more would have to hold all that its reader
 * compares as well. Read once: a program that preempts us may change it.
 */
static __always_inline const struct task_struct *current_without_call(void)
{
	const struct task_struct___cpu *cpu;
	volatile __u64 *last;
	__u32 zero = 0;
	__u64 address;

	last = bpf_map_lookup_elem(&lasts, &zero);
	if (!last)
		return NULL;
	address = *last;
	cpu = bpf_rdonly_cast((void *)address, bpf_core_type_id_kernel(struct task_struct));
	if (cpu->on_cpu != 1 || cpu->thread_info.cpu != bpf_get_smp_processor_id()) {
		address = (__u64)bpf_get_current_task();
		*last = address;
	}
	return bpf_rdonly_cast((void *)address, bpf_core_type_id_kernel(struct task_struct));
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
	fill_hot(&slots[*index & (SLOTS - 1)], sk);
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

/* The same with who the task is kept beside it: it is what it was if it has not started anew. Not
 * for kernels that preempt programs: the entry can change between check and use. */
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
	if (!is_hot_for(slot, sk, bpf_get_current_task_btf()) || !is_result(ret, flags, rx))
		return make_index(sk);
	__sync_fetch_and_add(rx ? &slot->rx_bytes : &slot->tx_bytes, ret);
	return 0;
}

PAIR(array, array(sk, ret, flags, rx))
