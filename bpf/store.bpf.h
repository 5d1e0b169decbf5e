/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Where the state of a socket is kept: in socket storage, or in a hash by address (by_pointer). */
#ifndef BPF_STORE_H
#define BPF_STORE_H

#include "emit.bpf.h"
#include "sock.bpf.h"

/* The kernel's struct sock or sk_buff behind the pointer of a cgroup program, which the verifier
 * lets nobody add to: as a number, through memory. At run time they are the same (bpf_sock and
 * __sk_buff are views of them). */
static __always_inline const void *raw_pointer(void *view)
{
	void *typed = view;
	const void *raw = NULL;

	bpf_probe_read_kernel(&raw, sizeof(raw), &typed);
	return raw;
}

static __always_inline const void *raw_sock(void *sk)
{
	return raw_pointer(sk);
}

/* Two CPUs that make the first storage of one socket disturb each other: one gets nothing
 * (bpf_local_storage_alloc: EAGAIN; bpf_local_storage_update: EEXIST) and has to ask again. */
#define STORAGE_CREATE(map, sk)                                                                  \
	({                                                                                       \
		void *value_ = bpf_sk_storage_get(map, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);   \
		if (!value_)                                                                     \
			value_ = bpf_sk_storage_get(map, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE); \
		if (!value_)                                                                     \
			value_ = bpf_sk_storage_get(map, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE); \
		if (!value_)                                                                     \
			count(&stats.lost_storage);                                              \
		value_;                                                                          \
	})

static __always_inline __u64 raw_cookie(const struct sock *raw)
{
	return BPF_CORE_READ(raw, __sk_common.skc_cookie.counter);
}

/* The kernel uses the memory of a socket again. The end of the one before was told and its state is
 * gone, but for sockets that nobody ever held; their cookie gives them away. */
static __always_inline bool is_of(struct sw_sock *st, const struct sock *raw)
{
	__u64 cookie = raw_cookie(raw);

	if (!st->initialised)
		return true;
	if (!!(st->flow.flags & SW_F_KERNEL) != BPF_CORE_READ_BITFIELD_PROBED(raw, sk_kern_sock))
		return false;
	if (!st->flow.so_cookie) /* somebody has asked for it since */
		st->flow.so_cookie = cookie;
	return st->flow.so_cookie == cookie;
}

static __noinline struct sw_sock *pointer_find(const struct sock *raw)
{
	__u64 key = (__u64)raw;
	struct sw_sock *st = bpf_map_lookup_elem(&pointers, &key);

	if (!st || is_of(st, raw))
		return st;
	bpf_map_delete_elem(&pointers, &key);
	return NULL;
}

static __noinline struct sw_sock *pointer_make(const struct sock *raw)
{
	static const volatile struct sw_sock blank;
	struct sw_sock *st = pointer_find(raw);
	__u64 key = (__u64)raw;

	if (st)
		return st;
	bpf_map_update_elem(&pointers, &key, (const void *)&blank, BPF_NOEXIST);
	st = bpf_map_lookup_elem(&pointers, &key);
	if (!st)
		count(&stats.lost_storage);
	return st;
}

/** State of a socket; NULL when there is none. */
static __always_inline struct sw_sock *sock_find(void *sk)
{
	if (by_pointer)
		return pointer_find(raw_sock(sk));
	return bpf_sk_storage_get(&socks, sk, NULL, 0);
}

/* A function of its own for the verifier's sake: inlined, it goes through what follows twice. */
static __noinline struct sw_sock *storage_make(void *sk)
{
	return STORAGE_CREATE(&socks, sk);
}

/** The same, made when missing, all zero; NULL when the kernel has no memory (counted). */
static __always_inline struct sw_sock *sock_make(void *sk)
{
	if (by_pointer)
		return pointer_make(raw_sock(sk));
	return storage_make(sk);
}

/** The socket is no more: nothing comes after this. Storage goes with it by itself. */
static __always_inline void sock_drop(const void *raw)
{
	__u64 key = (__u64)raw;

	if (by_pointer)
		bpf_map_delete_elem(&pointers, &key);
}

/* Its cookie; a kprobe has to take what is there, maybe none. */
static __always_inline __u64 sock_cookie(struct sock *sk)
{
	return by_pointer ? raw_cookie(sk) : bpf_get_socket_cookie(sk);
}

#endif
