/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Peers of unconnected UDP calls, from the hook that sees them to the one that sees the length. */
#ifndef BPF_STASH_H
#define BPF_STASH_H

#include "store.bpf.h"

struct peer {
	__u8 ip[16];
	__u16 port;
};

static __always_inline bool entry_take(struct sw_stash_entry *entry, bool rx, struct peer *peer)
{
	bool is_it = entry->is_rx == rx;

	peer->port = entry->port;
	__builtin_memcpy(peer->ip, entry->ip, sizeof(peer->ip));
	entry->tid = 0;
	return is_it;
}

static __always_inline void entry_fill(struct sw_stash_entry *entry, const struct peer *peer,
				       bool rx)
{
	entry->port = peer->port;
	entry->is_rx = rx;
	__builtin_memcpy(entry->ip, peer->ip, sizeof(entry->ip));
}

/* The peer that the cgroup hook left for this thread's call, if it did. */
static __always_inline bool stash_take(struct sw_sock *st, struct sock *sk, bool rx,
				       struct peer *peer)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct sw_stash_entry *entry;
	struct sw_stash *stash;

	if (st && st->stash.tid == tid)
		return entry_take(&st->stash, rx, peer);
	stash = bpf_sk_storage_get(&stashes, sk, NULL, 0);
	if (!stash)
		return false;
	entry = &stash->entry[tid & (SW_STASH - 1)];
	return entry->tid == tid && entry_take(entry, rx, peer);
}

/** Keep the peer of an unconnected UDP call until its length is known, for stash_take. */
static __always_inline void stash_put(void *sk, const struct peer *peer, bool rx)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct sw_stash_entry *entry;
	struct sw_stash *stash;
	struct sw_sock *st;

	st = bpf_sk_storage_get(&socks, sk, NULL, 0);
	if (st) {
		st->stashes = 1;
		/* Taken by another thread until that one's length is known: use the map. */
		if (!__sync_val_compare_and_swap(&st->stash.tid, 0, tid) || st->stash.tid == tid) {
			entry_fill(&st->stash, peer, rx);
			return;
		}
	}
	stash = STORAGE_CREATE(&stashes, sk);
	if (!stash)
		return;
	entry = &stash->entry[tid & (SW_STASH - 1)];
	entry->tid = 0;
	entry_fill(entry, peer, rx);
	entry->tid = tid;
}

#endif
