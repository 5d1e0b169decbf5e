/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Bytes: which account of a socket a call belongs to, and the adding up. The hot path. */
#ifndef BPF_ACCOUNT_H
#define BPF_ACCOUNT_H

#include "meter.bpf.h"
#include "stash.bpf.h"

#define MSG_PEEK 2
#define MSG_ERRQUEUE 0x2000
#define OWN_KEY (1ULL << 63) /* no cookie of the kernel gets that far */

struct call { /* one call that moved bytes */
	struct who who;
	struct peer peer; /* if flags have SW_F_PER_PEER, else zero */
	__u64 bytes;
	__u32 flags; /* SW_F_FIRST_TX or SW_F_FIRST_RX: its direction; SW_F_PER_PEER, SW_F_SHARED */
};

/* @call: bytes that the call under way received, or sent if negative, and not booked yet. */
static __always_inline void sock_init(struct sw_sock *st, const void *sk, __u64 cookie, __s32 call)
{
	if (__sync_val_compare_and_swap(&st->initialised, 0, 1))
		return;
	flow_read(&st->flow, sk);
	st->flow.flags |= earlier_side(&st->flow, sk);
	meters_init(st, sk, call);
	st->flow.so_cookie = cookie;
	/* An accepted MPTCP socket has its listener's cookie (mptcp_sk_clone_init copies it). 0:
	 * none was asked for yet, and a kprobe cannot. */
	if ((by_pointer && !cookie) || st->flow.protocol == IPPROTO_MPTCP)
		cookie = OWN_KEY | __sync_fetch_and_add(&stats.own_keys, 1);
	st->flow.cookie = cookie;
}

/** State of a socket, made when missing; NULL when the kernel has no memory (counted). */
static __noinline struct sw_sock *sock_get(struct sock *sk, __s32 call)
{
	struct sw_sock *st;

	if (!sk)
		return NULL;
	st = sock_make(sk);
	if (!st)
		return NULL;
	if (!st->initialised)
		sock_init(st, sk, sock_cookie(sk), call);
	return st;
}

static __always_inline bool slot_is(const struct sw_slot *slot, const struct who *who)
{
	/* start_ns 0: another thread of this process is just claiming the slot */
	if (slot->account.tgid != who->tgid)
		return false;
	return slot->account.start_ns == who->start_ns || !slot->account.start_ns;
}

/* Its end is to be told. */
static __always_inline void process_note(__u32 tgid, __u64 start_ns)
{
	struct sw_process key = {.tgid = tgid, .start_ns = start_ns};
	__u8 used = 1;

	bpf_map_update_elem(&processes, &key, &used, BPF_ANY);
}

static __noinline void account_claim(struct sw_account *account, const struct who *who)
{
	if (!account || !who)
		return;
	process_note(who->tgid, who->start_ns);
	account->start_ns = who->start_ns;
	account->uid = (__u32)bpf_get_current_uid_gid();
	account_name(account);
	__sync_lock_test_and_set(&account->flags, who->flags | SW_A_WHOLE); /* behind the others */
}

/** Index of the slot of a process on a socket, claimed if one is free; -1 = none is. */
__noinline int slot_find(struct sw_sock *st, const struct who *who)
{
	if (!st || !who)
		return -1;
	for (int i = 0; i < SW_SLOTS; i++) {
		struct sw_slot *slot = &st->slot[i];
		__u32 was;

		if (slot_is(slot, who))
			return i;
		if (slot->account.tgid)
			continue;
		was = __sync_val_compare_and_swap(&slot->account.tgid, 0, who->tgid);
		if (was && was != who->tgid)
			continue;
		if (!was)
			account_claim(&slot->account, who);
		return i;
	}
	return -1;
}

static __noinline struct sw_extra *extra_new(struct sw_sock *st, struct sock *sk,
					     const struct sw_extra_key *key,
					     const struct call *call)
{
	struct sw_extra value;

	if (!st || !sk || !key || !call)
		return NULL;
	__builtin_memcpy(&value.flow, &st->flow, sizeof(value.flow));
	__builtin_memset(&value.account, 0, sizeof(value.account));
	value.flow.flags &= ~(SW_F_FIRST_TX | SW_F_FIRST_RX);
	value.flow.flags |= call->flags | SW_F_EXTRA;
	if (call->flags & SW_F_PER_PEER) {
		value.flow.rport = key->rport;
		__builtin_memcpy(value.flow.raddr, key->raddr, sizeof(value.flow.raddr));
		flow_read_local(&value.flow, sk); /* a new connect can have moved the port */
	}
	value.account.tgid = call->who.tgid;
	account_claim(&value.account, &call->who);
	st->flow.flags |= SW_F_EXTRA;
	bpf_map_update_elem(&extras, key, &value, BPF_NOEXIST); /* or another CPU was faster */
	return bpf_map_lookup_elem(&extras, key);
}

/* What can have changed since the last record of a socket that is not TCP: autobind, connect. */
static __always_inline void flow_refresh(struct sw_flow *flow, const struct sock *sk)
{
	if (flow->protocol == IPPROTO_TCP)
		return;
	flow_read_local(flow, sk);
	if (flow->protocol != IPPROTO_UDP) /* mptcp_connect copies the peer behind the state */
		flow_read_peer(flow, sk);
}

/** Book to the hash: further processes, peers of unconnected UDP, sockets without release. */
static __noinline void extra_add(struct sw_sock *st, struct sock *sk, const struct call *call)
{
	struct sw_extra_key key = {};
	struct sw_extra *e;
	bool rx;

	if (!st || !sk || !call)
		return;
	rx = call->flags & SW_F_FIRST_RX;
	key.cookie = st->flow.cookie;
	key.start_ns = call->who.start_ns;
	key.tgid = call->who.tgid;
	key.rport = call->peer.port;
	__builtin_memcpy(key.raddr, call->peer.ip, sizeof(key.raddr));
	e = bpf_map_lookup_elem(&extras, &key);
	if (!e)
		e = extra_new(st, sk, &key, call);
	if (!e) {
		count(&stats.lost_accounts);
		__sync_fetch_and_add(rx ? &st->over_rx : &st->over_tx, call->bytes);
		count(&stats.dirty);
		return;
	}
	__sync_fetch_and_add(rx ? &e->account.rx_bytes : &e->account.tx_bytes, call->bytes);
	if (e->account.epoch == live.epoch)
		return;
	flow_refresh(&e->flow, sk);
	account_name(&e->account);
	if (emit(SW_REC_IO, 0, &e->flow, &e->account, 0))
		e->account.epoch = live.epoch;
}

static __always_inline bool same_ip(const __u8 *a, const __u8 *b)
{
	const __u64 *x = (const __u64 *)a, *y = (const __u64 *)b; /* both are aligned in sw_flow */

	return x[0] == y[0] && x[1] == y[1];
}

/* Whether the peer of a call is known without asking the socket: @peer has it then. */
static __always_inline bool peer_known(struct sw_sock *st, struct sock *sk, bool rx,
				       struct peer *peer)
{
	if (by_pointer) /* the kprobe saw the call and its peer in one place */
		return peer->port || *(__u64 *)(peer->ip + 8);
	return (st->stashes || !st->slot[0].account.epoch) && stash_take(st, sk, rx, peer);
}

/* UDP: the peer of this call when it is not the one of the socket's own row. */
static __noinline bool udp_other_peer(struct sw_sock *st, struct sock *sk, bool rx,
				      struct peer *peer)
{
	struct sw_flow now = {};

	if (!st || !sk || !peer)
		return false;
	/* sendto() on a connected socket goes where it says */
	if (peer_known(st, sk, rx, peer))
		return peer->port != st->flow.rport || !same_ip(peer->ip, st->flow.raddr);
	if (!(by_pointer ? BPF_CORE_READ(sk, __sk_common.skc_dport) : sk->__sk_common.skc_dport))
		return false;
	now.family = st->flow.family;
	flow_read_peer(&now, sk);
	if (now.rport == st->flow.rport && same_ip(now.raddr, st->flow.raddr))
		return false;
	if (!st->flow.rport && !st->slot[0].account.tx_bytes && !st->slot[0].account.rx_bytes &&
	    !(st->flow.flags & SW_F_EXTRA)) {
		flow_read_peer(&st->flow, sk); /* bind, then connect: the row gets a peer */
		flow_read_local(&st->flow, sk);
		return false;
	}
	peer->port = now.rport; /* connected to another peer: earlier bytes stay where they are */
	__builtin_memcpy(peer->ip, now.raddr, 16);
	return true;
}

/* First record of an account in an epoch; what can have changed since is read anew. */
static __noinline void account_tell(struct sw_sock *st, struct sock *sk, int i)
{
	if (!st || !sk)
		return;
	flow_refresh(&st->flow, sk);
	account_name(&st->slot[i & 1].account); /* exec and prctl change it */
	emit_slot(SW_REC_IO, 0, st, i);
}

static __always_inline void slot_add(struct sw_slot *slot, __u64 bytes, bool rx)
{
	__sync_fetch_and_add(rx ? &slot->account.rx_bytes : &slot->account.tx_bytes, bytes);
}

/* Book to the slot @i of the caller, or to the hash if it has none. */
static __always_inline void account_at(struct sw_sock *st, struct sock *sk, struct call *call,
				       int i)
{
	if (i < 0 || (st->flow.flags & SW_F_NO_RELEASE)) {
		call->flags |= i ? SW_F_SHARED : 0;
		extra_add(st, sk, call);
		return;
	}
	slot_add(&st->slot[i & 1], call->bytes, call->flags == SW_F_FIRST_RX);
	if (st->slot[i & 1].account.epoch != live.epoch)
		account_tell(st, sk, i);
}

/* What slot 0 does not cover: peers, second and further processes, sockets without release. */
static __noinline void account_slow(struct sw_sock *st, struct sock *sk, struct call *call)
{
	int i;

	if (!st || !sk || !call)
		return;
	if (!(st->flow.flags & (SW_F_FIRST_TX | SW_F_FIRST_RX))) {
		st->flow.flags |= call->flags;
		flow_refresh(&st->flow, sk);
	}
	i = slot_find(st, &call->who);
	if (i && has_meter(&st->flow, call->flags == SW_F_FIRST_RX) &&
	    !is_metered(call->flags == SW_F_FIRST_RX))
		call->bytes = others_book(st, call->flags == SW_F_FIRST_RX, call->bytes);
	if (st->flow.protocol == IPPROTO_UDP &&
	    udp_other_peer(st, sk, call->flags == SW_F_FIRST_RX, &call->peer)) {
		if (i >= 0 && st->slot[i & 1].account.epoch == 0)
			account_tell(st, sk, i); /* the row of the socket itself */
		call->flags |= SW_F_PER_PEER | SW_F_SHARED;
		extra_add(st, sk, call);
		return;
	}
	account_at(st, sk, call, i);
}

/* Without a helper: whether a UDP socket talks to the peer of its own row, as nearly always. */
static __always_inline bool is_own_peer(const struct sw_sock *st, struct sock *sk)
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

/* From now on account_io may book calls of the process in slot 0 itself. */
static __always_inline void plain_learn(struct sw_sock *st)
{
	if ((st->flow.flags & SW_F_NO_RELEASE) || !st->slot[0].account.start_ns)
		return;
	st->plain = st->flow.protocol == IPPROTO_UDP ? SW_PLAIN_UDP : SW_PLAIN;
}

static __noinline void account_other(struct sock *sk, int ret, bool rx)
{
	struct call call = {.bytes = ret, .flags = rx ? SW_F_FIRST_RX : SW_F_FIRST_TX};
	struct sw_sock *st;

	if (!sk)
		return;
	st = sock_get(sk, rx ? ret : -ret);
	if (!st)
		return;
	who_runs(&call.who);
	account_slow(st, sk, &call);
	plain_learn(st);
}

/* A call that moved nothing must not leave its peer to a later one. */
static __noinline void account_nothing(struct sock *sk, bool rx)
{
	struct peer peer;

	if (sk)
		stash_take(bpf_sk_storage_get(&socks, sk, NULL, 0), sk, rx, &peer);
}

static __always_inline bool is_first_owner(const struct sw_sock *st, const struct task_struct *task)
{
	return st->slot[0].account.tgid == task->tgid &&
	       st->slot[0].account.start_ns == task->group_leader->start_boottime;
}

/* As account_slow does it, for a peer that this process has talked to before. */
static __noinline bool account_peer(struct sw_sock *st, int bytes, bool rx)
{
	const struct task_struct *task = bpf_get_current_task_btf();
	struct sw_extra_key key = {};
	struct sw_extra *e;

	if (!st || st->stash.tid != (__u32)task->pid || st->stash.is_rx != rx ||
	    !is_first_owner(st, task))
		return false;
	key.rport = st->stash.port;
	__builtin_memcpy(key.raddr, st->stash.ip, sizeof(key.raddr));
	key.cookie = st->flow.cookie;
	key.start_ns = st->slot[0].account.start_ns;
	key.tgid = st->slot[0].account.tgid;
	e = bpf_map_lookup_elem(&extras, &key);
	if (!e || e->account.epoch != live.epoch)
		return false;
	st->stash.tid = 0;
	__sync_fetch_and_add(rx ? &e->account.rx_bytes : &e->account.tx_bytes, bytes);
	return true;
}

/**
 * Book @ret bytes of a call that has just returned to the process that made it. The hot path: each
 * call of a helper or function here is a sixth of what all of it costs (tests/bench/README.md).
 */
static __always_inline void account_io(struct sock *sk, int ret, int flags, bool rx)
{
	struct sw_account *account;
	struct sw_sock *st;

	if (!is_watched(sk->__sk_common.skc_family))
		return;
	if (ret <= 0 || (rx && (flags & (MSG_PEEK | MSG_ERRQUEUE)))) {
		if (sk->sk_protocol == IPPROTO_UDP)
			account_nothing(sk, rx);
		return;
	}
	st = bpf_sk_storage_get(&socks, sk, NULL, 0);
	if (!st || !st->plain || (st->plain == SW_PLAIN_UDP && !is_own_peer(st, sk)) ||
	    !is_first_owner(st, bpf_get_current_task_btf())) {
		if (!st || !st->stash.tid || !st->plain || !account_peer(st, ret, rx))
			account_other(sk, ret, rx);
		return;
	}
	account = &st->slot[0].account;
	__sync_fetch_and_add(rx ? &account->rx_bytes : &account->tx_bytes, ret);
	if (account->epoch != live.epoch)
		account_tell(st, sk, 0);
}

/* Another process receives now. Clients ask before they receive, servers answer after it: what was
 * sent until now was sent by this one, or by the one before. */
static __always_inline void user_change(struct sw_sock *st, struct sock *sk, int i)
{
	__u32 was = st->user;

	st->user = i;
	if (st->flow.flags & SW_F_CLIENT)
		was = i;
	slot_add(&st->slot[was & 1], meter_take(st, sk, false, false), false);
}

static __noinline void account_consumed_slow(struct sw_sock *st, struct sock *sk, struct call *call)
{
	int i;

	if (!st || !sk || !call)
		return;
	i = slot_find(st, &call->who);
	if (i >= 0 && (__u32)i != st->user && is_metered(false))
		user_change(st, sk, i);
	if (!call->bytes)
		return;
	st->flow.flags |= SW_F_FIRST_RX;
	if (i < 0) {
		call->flags |= SW_F_SHARED;
		extra_add(st, sk, call);
		return;
	}
	slot_add(&st->slot[i & 1], call->bytes, true);
	if (st->slot[i & 1].account.epoch != live.epoch)
		account_tell(st, sk, i);
}

/**
 * Somebody took bytes from a TCP socket, by any path, or looked at them, and holds its lock
 * (tcp_rcv_space_adjust, once for each packet): book them to the process that is running. In
 * softirq nobody owns the lock and any process may be running; the sweep takes those, and what the
 * kernel receives for itself.
 */
static __always_inline void account_consumed(struct sock *sk)
{
	struct call call = {.flags = SW_F_FIRST_RX};
	struct sw_sock *st;

	if (!is_watched(sk->__sk_common.skc_family) || !sk->sk_lock.owned || is_subflow(sk))
		return;
	st = bpf_sk_storage_get(&socks, sk, NULL, 0);
	if (!st || !st->initialised) {
		sock_get(sk, 0); /* counts from here on */
		return;
	}
	if (st->flow.flags & SW_F_KERNEL)
		return;
	meter_late(st, sk, true);
	call.bytes = meter_take(st, sk, true, false);
	who_runs(&call.who);
	if (st->user || !slot_is(&st->slot[0], &call.who) ||
	    st->slot[0].account.epoch != live.epoch)
		account_consumed_slow(st, sk, &call);
	else
		slot_add(&st->slot[0], call.bytes, true);
}

#endif
