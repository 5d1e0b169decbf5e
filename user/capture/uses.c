/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/uses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { START_BUCKETS = 1024 };

int uses_init(struct uses *u, size_t max_uses)
{
	memset(u, 0, sizeof(*u));
	u->hash = hash_key_random();
	u->max_uses = max_uses;
	u->mask = START_BUCKETS - 1;
	u->sockets = calloc(START_BUCKETS, sizeof(*u->sockets));
	u->uses = calloc(START_BUCKETS, sizeof(*u->uses));
	if (u->sockets && u->uses)
		return 0;
	uses_done(u);
	return -ENOMEM;
}

static void free_sockets(struct open_socket *s)
{
	while (s) {
		struct open_socket *next = s->next;

		free(s);
		s = next;
	}
}

static void free_uses(struct use *use)
{
	while (use) {
		struct use *next = use->next;

		free(use);
		use = next;
	}
}

void uses_done(struct uses *u)
{
	for (size_t i = 0; u->sockets && i <= u->mask; i++)
		free_sockets(u->sockets[i]);
	for (size_t i = 0; u->uses && i <= u->mask; i++)
		free_uses(u->uses[i]);
	free_sockets(u->free_sockets);
	free_uses(u->free_uses);
	free(u->sockets);
	free(u->uses);
	memset(u, 0, sizeof(*u));
}

static size_t socket_bucket(const struct uses *u, uint64_t cookie)
{
	return hash_bytes(&u->hash, &cookie, sizeof(cookie)) & u->mask;
}

static size_t use_bucket(const struct uses *u, const struct use_key *key)
{
	return hash_bytes(&u->hash, key, sizeof(*key)) & u->mask;
}

/* Twice the buckets, one load of work at each doubling; without memory the chains get longer. */
static void grow(struct uses *u)
{
	size_t old = u->mask + 1;
	struct open_socket **sockets = calloc(old * 2, sizeof(*sockets));
	struct use **uses = calloc(old * 2, sizeof(*uses));
	struct open_socket **was_sockets = u->sockets;
	struct use **was_uses = u->uses;

	if (!sockets || !uses) {
		free(sockets);
		free(uses);
		return;
	}
	u->mask = old * 2 - 1;
	for (size_t i = 0; i < old; i++) {
		for (struct open_socket *s = was_sockets[i], *next; s; s = next) {
			struct open_socket **head = &sockets[socket_bucket(u, s->cookie)];

			next = s->next;
			s->next = *head;
			*head = s;
		}
		for (struct use *use = was_uses[i], *next; use; use = next) {
			struct use **head = &uses[use_bucket(u, &use->key)];

			next = use->next;
			use->next = *head;
			*head = use;
		}
	}
	free(was_sockets);
	free(was_uses);
	u->sockets = sockets;
	u->uses = uses;
}

struct open_socket *uses_socket(const struct uses *u, uint64_t cookie)
{
	struct open_socket *s = u->sockets[socket_bucket(u, cookie)];

	while (s && s->cookie != cookie)
		s = s->next;
	return s;
}

struct use *uses_find(const struct uses *u, const struct use_key *key)
{
	struct use *use = u->uses[use_bucket(u, key)];

	while (use && memcmp(&use->key, key, sizeof(*key)) != 0)
		use = use->next;
	return use;
}

static struct open_socket *socket_get(struct uses *u, uint64_t cookie)
{
	struct open_socket *s = uses_socket(u, cookie), **head;

	if (s)
		return s;
	s = u->free_sockets;
	if (s)
		u->free_sockets = s->next;
	else
		s = malloc(sizeof(*s));
	if (!s)
		return NULL;
	head = &u->sockets[socket_bucket(u, cookie)];
	*s = (struct open_socket){.cookie = cookie, .next = *head};
	*head = s;
	u->socket_count++;
	return s;
}

static struct use *use_new(struct uses *u, const struct use_key *key, struct open_socket *s)
{
	struct use *use = u->free_uses, **head;

	if (use)
		u->free_uses = use->next;
	else
		use = malloc(sizeof(*use));
	if (!use)
		return NULL;
	head = &u->uses[use_bucket(u, key)];
	*use = (struct use){.key = *key, .next = *head, .sibling = s->uses};
	*head = use;
	s->uses = use;
	u->use_count++;
	return use;
}

struct use *uses_get(struct uses *u, const struct use_key *key, struct open_socket **ret_socket)
{
	struct use *use = uses_find(u, key);
	struct open_socket *s;

	if (use) {
		*ret_socket = uses_socket(u, key->cookie);
		return use;
	}
	if (u->use_count >= u->max_uses)
		return NULL;
	if (u->use_count > u->mask)
		grow(u);
	s = socket_get(u, key->cookie);
	if (!s)
		return NULL;
	use = use_new(u, key, s);
	if (!use && !s->uses) {
		uses_forget(u, s);
		return NULL;
	}
	*ret_socket = s;
	return use;
}

static void use_forget(struct uses *u, struct use *use)
{
	struct use **p = &u->uses[use_bucket(u, &use->key)];

	while (*p != use)
		p = &(*p)->next;
	*p = use->next;
	use->next = u->free_uses;
	u->free_uses = use;
	u->use_count--;
}

void uses_forget(struct uses *u, struct open_socket *s)
{
	struct open_socket **p;

	if (!s)
		return;
	for (struct use *use = s->uses, *next; use; use = next) {
		next = use->sibling;
		use_forget(u, use);
	}
	if (s->no_release)
		u->no_release_count--;
	p = &u->sockets[socket_bucket(u, s->cookie)];
	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	s->next = u->free_sockets;
	u->free_sockets = s;
	u->socket_count--;
}

void uses_each_socket(struct uses *u, void (*fn)(struct open_socket *s, void *arg), void *arg)
{
	for (size_t i = 0; i <= u->mask; i++)
		for (struct open_socket *s = u->sockets[i], *next; s; s = next) {
			next = s->next;
			fn(s, arg);
		}
}
