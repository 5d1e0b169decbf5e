/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Records: reserve, fill, submit; count what is lost, and keep last totals that found no room. */
#ifndef BPF_EMIT_H
#define BPF_EMIT_H

#include "maps.bpf.h"

static __always_inline void count(__u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

/* Else another CPU is just claiming it, and its key and name are not there yet. */
static __always_inline bool is_whole(const struct sw_account *account)
{
	return !account->tgid || account->flags & SW_A_WHOLE;
}

static __always_inline void record_fill(struct sw_record *r, __u32 kind, int error,
					const struct sw_flow *flow,
					const struct sw_account *account)
{
	r->time_ns = bpf_ktime_get_boot_ns();
	r->kind = kind;
	r->error = error;
	__builtin_memcpy(&r->flow, flow, sizeof(r->flow));
	if (account)
		__builtin_memcpy(&r->account, account, sizeof(r->account));
	else
		__builtin_memset(&r->account, 0, sizeof(r->account));
}

/* No wakeup for each record: the reader comes on its own timer, and is called when half is full. */
static __always_inline __u64 ring_flags(void)
{
	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > live.half_ring ? BPF_RB_FORCE_WAKEUP
									    : BPF_RB_NO_WAKEUP;
}

/** Send one record; false when the ring buffer was full (counted). Global, as other functions that
 *  many call: the verifier looks at it once and not at each call (pointers to what has a size may
 * be given since 5.12, e5069b9c23b3). */
__noinline bool emit(__u32 kind, int error, const struct sw_flow *flow,
		     const struct sw_account *account, __u32 flags)
{
	struct sw_record *r;

	if (!flow)
		return false;
	if (!flow->cookie || (account && !is_whole(account))) {
		/* another CPU is just setting it: the sweep tells what this would */
		count(&stats.dirty);
		return false;
	}
	count(&stats.seen);
	r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r) {
		count(&stats.lost_ring);
		return false;
	}
	record_fill(r, kind, error, flow, account);
	r->flow.flags |= flags;
	bpf_ringbuf_submit(r, ring_flags());
	return true;
}

/** Send that a process ended. Not sent again when it finds no room: its row goes later then. */
static __always_inline void emit_exit(__u32 tgid, __u64 start_ns)
{
	struct sw_record *r;

	count(&stats.seen);
	r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r) {
		count(&stats.lost_ring);
		return;
	}
	__builtin_memset(r, 0, sizeof(*r));
	r->time_ns = bpf_ktime_get_boot_ns();
	r->kind = SW_REC_EXIT;
	r->account.tgid = tgid;
	r->account.start_ns = start_ns;
	bpf_ringbuf_submit(r, ring_flags());
}

static __always_inline bool emit_slot(__u32 kind, int error, struct sw_sock *st, int i)
{
	struct sw_slot *slot = &st->slot[i & 1];
	__u64 tx = slot->account.tx_bytes, rx = slot->account.rx_bytes;

	if (!emit(kind, error, &st->flow, &slot->account, i ? SW_F_SHARED : 0))
		return false;
	slot->account.epoch = live.epoch;
	slot->sent_tx = tx;
	slot->sent_rx = rx;
	st->changed = 0;
	return true;
}

/* A last record found the ring buffer full and its totals die with the socket: keep them in the
 * hash, which the reader walks. */
static __noinline void park(const struct sw_flow *flow, const struct sw_account *account, int i,
			    __u32 flags)
{
	struct sw_extra_key key = {};
	struct sw_extra value;

	if (!flow || !account)
		return;
	key.cookie = flow->cookie;
	key.start_ns = account->start_ns;
	key.tgid = account->tgid;
	key.closed = 1 + i;
	__builtin_memcpy(&value.flow, flow, sizeof(value.flow));
	__builtin_memcpy(&value.account, account, sizeof(value.account));
	value.flow.flags |= SW_F_RELEASED | SW_F_EXTRA | flags;
	if (bpf_map_update_elem(&extras, &key, &value, BPF_ANY))
		count(&stats.lost_close);
	count(&stats.dirty);
}

/* Last totals of what is not slot 0: sent, or kept. The CLOSE of slot 0 follows and ends all. */
static __noinline void emit_last(struct sw_sock *st, const struct sw_account *account, int i,
				 __u32 flags)
{
	if (!st || !account)
		return;
	if (emit(SW_REC_SWEEP, 0, &st->flow, account, flags))
		return;
	st->flow.flags |= SW_F_EXTRA; /* the reader must walk the hash before it believes the CLOSE
				       */
	park(&st->flow, account, i, flags);
}

/** Send what a socket still owes and that it is gone. @st is not to be counted on any more. */
static __noinline void emit_close(struct sw_sock *st)
{
	struct sw_account over = {};

	if (!st)
		return;
	st->flow.flags |= SW_F_RELEASED;
	if (st->over_tx | st->over_rx) {
		over.tx_bytes = st->over_tx;
		over.rx_bytes = st->over_rx;
		emit_last(st, &over, SW_SLOTS, SW_F_SHARED | SW_F_OVERFLOW);
	}
	if (st->slot[1].account.tgid)
		emit_last(st, &st->slot[1].account, 1, SW_F_SHARED);
	if (!emit_slot(SW_REC_CLOSE, 0, st, 0))
		park(&st->flow, &st->slot[0].account, 0, 0);
}

#endif
