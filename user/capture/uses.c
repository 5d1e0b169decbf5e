/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/uses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { START_BUCKETS = 1024 };

/* Set in the number of a use that has a peer: it is in the other pool. */
static const uint32_t PEER = 1U << 31;

struct peer_use {
	struct use use;
	uint16_t port;
	uint8_t ip[16];
};

struct listener {      /* all sockets that listen on one port of one network namespace */
	uint32_t next; /* in its bucket */
	uint32_t netns;
	uint32_t sockets;
	uint16_t port;
};

int uses_init(struct uses *u, size_t max_uses)
{
	memset(u, 0, sizeof(*u));
	u->hash = hash_key_random();
	u->max_uses = max_uses;
	u->mask = START_BUCKETS - 1;
	pool_init(&u->sockets, sizeof(struct open_socket));
	pool_init(&u->plain_uses, sizeof(struct use));
	pool_init(&u->peer_uses, sizeof(struct peer_use));
	pool_init(&u->listeners, sizeof(struct listener));
	u->socket_buckets = calloc(START_BUCKETS, sizeof(*u->socket_buckets));
	u->use_buckets = calloc(START_BUCKETS, sizeof(*u->use_buckets));
	if (u->socket_buckets && u->use_buckets)
		return 0;
	uses_done(u);
	return -ENOMEM;
}

void uses_done(struct uses *u)
{
	pool_done(&u->sockets);
	pool_done(&u->plain_uses);
	pool_done(&u->peer_uses);
	pool_done(&u->listeners);
	free(u->socket_buckets);
	free(u->use_buckets);
	memset(u, 0, sizeof(*u));
}

static struct open_socket *socket_at(const struct uses *u, uint32_t number)
{
	return pool_at(&u->sockets, number);
}

static struct use *use_at(const struct uses *u, uint32_t number)
{
	return number & PEER ? pool_at(&u->peer_uses, number & ~PEER)
			     : pool_at(&u->plain_uses, number);
}

static bool has_peer(const struct use_key *key)
{
	static const uint8_t none[16];

	return key->port || memcmp(key->ip, none, sizeof(none)) != 0;
}

static bool use_is(const struct uses *u, uint32_t number, const struct use_key *key)
{
	const struct use *use = use_at(u, number);

	if (use->pid != key->pid || use->start_ns != key->start_ns || use->kind != key->kind ||
	    socket_at(u, use->socket)->cookie != key->cookie)
		return false;
	if (number & PEER) {
		const struct peer_use *peer = pool_at(&u->peer_uses, number & ~PEER);

		return peer->port == key->port && !memcmp(peer->ip, key->ip, sizeof(key->ip));
	}
	return !has_peer(key);
}

static uint32_t *socket_bucket(const struct uses *u, uint64_t cookie)
{
	return &u->socket_buckets[hash_bytes(&u->hash, &cookie, sizeof(cookie)) & u->mask];
}

static uint32_t *use_bucket(const struct uses *u, const struct use_key *key)
{
	return &u->use_buckets[hash_bytes(&u->hash, key, sizeof(*key)) & u->mask];
}

static struct use_key key_of(const struct uses *u, uint32_t number)
{
	const struct use *use = use_at(u, number);
	struct use_key key;

	memset(&key, 0, sizeof(key));
	key.cookie = socket_at(u, use->socket)->cookie;
	key.start_ns = use->start_ns;
	key.pid = use->pid;
	key.kind = use->kind;
	if (number & PEER) {
		const struct peer_use *peer = pool_at(&u->peer_uses, number & ~PEER);

		key.port = peer->port;
		memcpy(key.ip, peer->ip, sizeof(key.ip));
	}
	return key;
}

static void move_sockets(struct uses *u, const uint32_t *from, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (uint32_t n = from[i], next; n; n = next) {
			struct open_socket *s = socket_at(u, n);
			uint32_t *head = socket_bucket(u, s->cookie);

			next = s->next;
			s->next = *head;
			*head = n;
		}
	}
}

static void move_uses(struct uses *u, const uint32_t *from, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (uint32_t n = from[i], next; n; n = next) {
			struct use_key key = key_of(u, n);
			uint32_t *head = use_bucket(u, &key);

			next = use_at(u, n)->next;
			use_at(u, n)->next = *head;
			*head = n;
		}
	}
}

/* Twice the buckets, one load of work at each doubling; without memory the chains get longer. */
static void grow(struct uses *u)
{
	size_t old = u->mask + 1;
	uint32_t *sockets = calloc(old * 2, sizeof(*sockets));
	uint32_t *uses = calloc(old * 2, sizeof(*uses));
	uint32_t *was_sockets = u->socket_buckets, *was_uses = u->use_buckets;

	if (!sockets || !uses) {
		free(sockets);
		free(uses);
		return;
	}
	u->mask = old * 2 - 1;
	u->socket_buckets = sockets;
	u->use_buckets = uses;
	move_sockets(u, was_sockets, old);
	move_uses(u, was_uses, old);
	free(was_sockets);
	free(was_uses);
}

static uint32_t find_socket(const struct uses *u, uint64_t cookie)
{
	uint32_t n = *socket_bucket(u, cookie);

	while (n && socket_at(u, n)->cookie != cookie)
		n = socket_at(u, n)->next;
	return n;
}

struct open_socket *uses_socket(const struct uses *u, uint64_t cookie)
{
	return socket_at(u, find_socket(u, cookie));
}

struct use *uses_find(const struct uses *u, const struct use_key *key)
{
	uint32_t n = *use_bucket(u, key);

	while (n && !use_is(u, n, key))
		n = use_at(u, n)->next;
	return use_at(u, n);
}

struct open_socket *uses_socket_of(const struct uses *u, const struct use *use)
{
	return socket_at(u, use->socket);
}

static uint32_t socket_get(struct uses *u, uint64_t cookie)
{
	uint32_t n = find_socket(u, cookie), *head;

	if (n)
		return n;
	n = pool_get(&u->sockets);
	if (!n)
		return 0;
	head = socket_bucket(u, cookie);
	socket_at(u, n)->cookie = cookie;
	socket_at(u, n)->next = *head;
	*head = n;
	u->socket_count++;
	return n;
}

static uint32_t use_alloc(struct uses *u, const struct use_key *key)
{
	struct peer_use *peer;
	uint32_t n;

	if (!has_peer(key))
		return pool_get(&u->plain_uses);
	n = pool_get(&u->peer_uses);
	if (!n)
		return 0;
	peer = pool_at(&u->peer_uses, n);
	peer->port = key->port;
	memcpy(peer->ip, key->ip, sizeof(peer->ip));
	return n | PEER;
}

static struct use *use_new(struct uses *u, const struct use_key *key, uint32_t socket)
{
	struct open_socket *s = socket_at(u, socket);
	uint32_t n = use_alloc(u, key), *head;
	struct use *use = use_at(u, n);

	if (!n)
		return NULL;
	head = use_bucket(u, key);
	use->start_ns = key->start_ns;
	use->pid = key->pid;
	use->kind = (uint8_t)key->kind;
	use->socket = socket;
	use->next = *head;
	use->sibling = s->uses;
	*head = n;
	s->uses = n;
	u->use_count++;
	return use;
}

struct use *uses_get(struct uses *u, const struct use_key *key, struct open_socket **ret_socket)
{
	struct use *use = uses_find(u, key);
	uint32_t socket;

	if (use) {
		*ret_socket = uses_socket_of(u, use);
		return use;
	}
	if (u->use_count >= u->max_uses)
		return NULL;
	if (u->use_count > u->mask)
		grow(u);
	socket = socket_get(u, key->cookie);
	if (!socket)
		return NULL;
	use = use_new(u, key, socket);
	if (!use && !socket_at(u, socket)->uses) {
		uses_forget(u, socket_at(u, socket));
		return NULL;
	}
	*ret_socket = socket_at(u, socket);
	return use;
}

/* ---- who listens ---- */

static uint32_t *listener_place(struct uses *u, uint32_t netns, uint16_t port)
{
	uint32_t *place = &u->listening[port % LISTENER_BUCKETS];
	struct listener *l;

	while ((l = pool_at(&u->listeners, *place)) && (l->port != port || l->netns != netns))
		place = &l->next;
	return place;
}

void uses_listen(struct uses *u, struct open_socket *s, uint32_t netns, uint16_t port)
{
	uint32_t *place;
	struct listener *l;

	if (s->listener || !port)
		return;
	place = listener_place(u, netns, port);
	if (!*place) {
		*place = pool_get(&u->listeners);
		if (!*place)
			return;
		l = pool_at(&u->listeners, *place);
		l->netns = netns;
		l->port = port;
	}
	l = pool_at(&u->listeners, *place);
	l->sockets++;
	s->listener = *place;
}

bool uses_listened(struct uses *u, uint32_t netns, uint16_t port)
{
	return *listener_place(u, netns, port) != 0;
}

static void listen_no_more(struct uses *u, struct open_socket *s)
{
	struct listener *l = pool_at(&u->listeners, s->listener);

	if (!l || --l->sockets)
		return;
	*listener_place(u, l->netns, l->port) = l->next;
	pool_put(&u->listeners, s->listener);
}

/* ---- the end ---- */

static void use_forget(struct uses *u, uint32_t number)
{
	struct use_key key = key_of(u, number);
	uint32_t *place = use_bucket(u, &key);

	while (*place != number)
		place = &use_at(u, *place)->next;
	*place = use_at(u, number)->next;
	if (number & PEER)
		pool_put(&u->peer_uses, number & ~PEER);
	else
		pool_put(&u->plain_uses, number);
	u->use_count--;
}

void uses_forget(struct uses *u, struct open_socket *s)
{
	uint32_t *place, number;

	if (!s)
		return;
	for (uint32_t n = s->uses, next; n; n = next) {
		next = use_at(u, n)->sibling;
		use_forget(u, n);
	}
	listen_no_more(u, s);
	if (s->no_release)
		u->no_release_count--;
	place = socket_bucket(u, s->cookie);
	while (socket_at(u, *place) != s)
		place = &socket_at(u, *place)->next;
	number = *place;
	*place = s->next;
	s->cookie = 0;
	pool_put(&u->sockets, number);
	u->socket_count--;
}

void uses_each_socket(struct uses *u, void (*fn)(struct open_socket *s, void *arg), void *arg)
{
	for (uint32_t n = 1; n <= u->sockets.made; n++)
		if (socket_at(u, n)->cookie)
			fn(socket_at(u, n), arg);
}
