/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Memory of decode: the sockets that are open and the last totals of each use of them. */
#ifndef CAPTURE_USES_H
#define CAPTURE_USES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/hash.h"

struct use_key {
	uint64_t cookie;
	uint64_t start_ns;
	uint32_t pid;
	uint16_t port; /* of the peer, when the use is one of several peers */
	uint16_t kind; /* 1 = overflow account, else 0 */
	uint8_t ip[16];
};

struct use {
	struct use_key key;
	uint64_t tx_bytes, rx_bytes; /* last totals */
	uint32_t name;               /* hash of the process's name as last told */
	uint8_t role, state;         /* as last told */
	bool told;                   /* an event was made of it */
	struct use *next;            /* in its bucket, or in the free list */
	struct use *sibling;         /* next use of the same socket */
};

struct open_socket {
	uint64_t cookie;
	struct use *uses;
	struct open_socket *next;    /* in its bucket, or in the free list */
	struct open_socket *waiting; /* next in the list of closing ones */
	uint32_t netns;              /* of a listener, else 0 */
	uint16_t listen_port;
	bool closing;    /* its CLOSE was read, the hash was not walked since */
	bool no_release; /* its end is known only from sweeps that miss it */
	uint8_t missed;  /* sweeps in a row that did not see it */
};

struct uses {
	struct hash_key hash;
	struct open_socket **sockets; /* buckets */
	struct use **uses;
	struct open_socket *free_sockets;
	struct use *free_uses;
	struct open_socket *closing; /* list by .waiting */
	size_t mask;                 /* of both bucket arrays */
	size_t socket_count, use_count, max_uses, no_release_count;
};

/** 0 or -ENOMEM. */
int uses_init(struct uses *u, size_t max_uses);
void uses_done(struct uses *u);

/** NULL when there is none. */
struct open_socket *uses_socket(const struct uses *u, uint64_t cookie);
/** The use of @key, made when missing (with its socket); NULL at the bound or out of memory. */
struct use *uses_get(struct uses *u, const struct use_key *key, struct open_socket **ret_socket);
struct use *uses_find(const struct uses *u, const struct use_key *key);
/** Forget a socket and all its uses. NULL is a no-op. */
void uses_forget(struct uses *u, struct open_socket *s);
/** Call @fn for each socket; it may forget the one it is given. */
void uses_each_socket(struct uses *u, void (*fn)(struct open_socket *s, void *arg), void *arg);

#endif
