/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * Memory of decode: the sockets that are open and the last totals of each use of them. Small, since
 * there is one of each for every open socket: links are numbers in pools, and a peer is kept only
 * by uses that are told apart by it.
 */
#ifndef CAPTURE_USES_H
#define CAPTURE_USES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/hash.h"
#include "util/pool.h"

struct use_key { /* without padding, since its bytes are hashed */
	uint64_t cookie;
	uint64_t start_ns;
	uint32_t pid;
	uint16_t port; /* of the peer, when the use is one of several peers */
	uint16_t kind; /* 1 = overflow account, else 0 */
	uint8_t ip[16];
};

struct use {
	uint64_t start_ns;
	uint64_t tx_bytes, rx_bytes; /* last totals */
	uint32_t socket;             /* number in uses.sockets */
	uint32_t next;               /* use in its bucket */
	uint32_t sibling;            /* next use of the same socket */
	uint32_t pid;
	uint32_t name;       /* hash of the process's name as last told */
	uint8_t kind;        /* as in the key */
	uint8_t role, state; /* as last told */
	bool told;           /* an event was made of it */
};

struct open_socket {
	uint32_t uses;               /* the newest of them */
	uint32_t next;               /* socket in its bucket */
	uint64_t cookie;             /* 0 = given back */
	struct open_socket *waiting; /* next in the list of closing ones */
	uint32_t listener;           /* number in uses.listeners, 0 = does not listen */
	bool closing;                /* its CLOSE was read, the hash was not walked since */
	bool no_release;             /* its end is known only from sweeps that miss it */
	uint8_t missed;              /* sweeps in a row that did not see it */
};

enum { LISTENER_BUCKETS = 256 };

struct uses {
	struct hash_key hash;
	struct pool sockets, plain_uses, peer_uses, listeners;
	uint32_t *socket_buckets, *use_buckets; /* owned */
	uint32_t listening[LISTENER_BUCKETS];   /* by port */
	struct open_socket *closing;            /* list by .waiting */
	size_t mask;                            /* of both bucket arrays */
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
struct open_socket *uses_socket_of(const struct uses *u, const struct use *use);
/** @s listens on a port, which it does until it is forgotten; a second call is a no-op. */
void uses_listen(struct uses *u, struct open_socket *s, uint32_t netns, uint16_t port);
/** Whether a socket listens there. */
bool uses_listened(struct uses *u, uint32_t netns, uint16_t port);
/** Forget a socket and all its uses. NULL is a no-op. */
void uses_forget(struct uses *u, struct open_socket *s);
/** Call @fn for each socket; it may forget the one it is given. */
void uses_each_socket(struct uses *u, void (*fn)(struct open_socket *s, void *arg), void *arg);

#endif
