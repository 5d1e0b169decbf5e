/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE /* qsort_r() */
#include "who/bind.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "who/answer.h"

const char *bind_reason_name(enum bind_reason reason)
{
	static const char *const names[BIND_REASONS] = {
		[BIND_FREE] = "free",
		[BIND_NO_ADDRESS] = "no_address",
		[BIND_PRIVILEGED] = "privileged",
		[BIND_HELD] = "held",
		[BIND_WILDCARD] = "wildcard",
		[BIND_DUAL] = "dual_wildcard",
		[BIND_COVERS] = "covers",
		[BIND_CONNECTION] = "connection",
		[BIND_OUTGOING] = "outgoing",
		[BIND_TIME_WAIT] = "time_wait",
	};

	return names[reason];
}

/* inet_rcv_saddr_equal with wildcards. An IPv6 socket with an address of its own is IPv6-only
 * (__inet6_bind); for sockets of /proc, which does not say so, that follows from the address. */
static bool is_v6only(bool v6only, const struct addr *a)
{
	return !addr_is_v4(a) && (v6only || !addr_is_any(a));
}

static bool overlaps(const struct bind_ask *ask, const struct census_sock *s)
{
	const struct addr *a = &ask->addr, *b = &s->local;
	bool a_only = is_v6only(ask->v6only, a), b_only = is_v6only(s->v6only, b);

	if (addr_is_v4(a) == addr_is_v4(b))
		return !memcmp(a->ip, b->ip, sizeof(a->ip)) || addr_is_any(a) || addr_is_any(b);
	return addr_is_v4(a) ? addr_is_any(b) && !b_only : addr_is_any(a) && !a_only;
}

static bool conflicts_tcp(const struct bind_ask *ask, const struct census_sock *s)
{
	if (s->state == STATE_NEW_SYN_RECV || s->transport != TRANSPORT_TCP)
		return false; /* a request is not in the table of bound sockets */
	if (ask->reuseaddr && s->reuseaddr && s->state != STATE_LISTEN)
		return false;
	return !ask->reuseport || !s->reuseport ||
	       (s->state != STATE_TIME_WAIT && s->uid != ask->uid);
}

static bool conflicts_udp(const struct bind_ask *ask, const struct census_sock *s)
{
	if (s->transport != TRANSPORT_UDP || (ask->reuseaddr && s->reuseaddr))
		return false;
	return !ask->reuseport || !s->reuseport || s->uid != ask->uid;
}

static bool conflicts(const struct bind_ask *ask, const struct census_sock *s)
{
	if (s->netns != ask->netns || s->local.port != ask->addr.port || !overlaps(ask, s))
		return false;
	return ask->transport == TRANSPORT_UDP ? conflicts_udp(ask, s) : conflicts_tcp(ask, s);
}

static bool is_connection(const struct census_sock *s)
{
	return s->transport == TRANSPORT_TCP && s->state != STATE_LISTEN && s->state != STATE_BOUND;
}

static enum bind_reason reason_of(const struct bind_ask *ask, const struct census_sock *s)
{
	if (s->state == STATE_TIME_WAIT)
		return BIND_TIME_WAIT;
	if (is_connection(s))
		return s->outgoing ? BIND_OUTGOING : BIND_CONNECTION;
	if (!memcmp(s->local.ip, ask->addr.ip, sizeof(s->local.ip)))
		return BIND_HELD;
	if (!addr_is_any(&s->local))
		return BIND_COVERS;
	return addr_is_v4(&s->local) == addr_is_v4(&ask->addr) ? BIND_WILDCARD
	       : addr_is_v4(&s->local)                         ? BIND_COVERS
							       : BIND_DUAL;
}

static bool has_conflict(const struct bind_ask *ask, const struct census *c)
{
	for (size_t i = 0; i < c->sock_count; i++)
		if (conflicts(ask, &c->socks[i]))
			return true;
	return false;
}

struct order {
	const struct bind_ask *ask;
	const struct census *census;
};

static int by_reason(const void *a, const void *b, void *arg)
{
	const struct order *o = arg;
	const size_t *x = a, *y = b;
	enum bind_reason p = reason_of(o->ask, &o->census->socks[*x]),
			 q = reason_of(o->ask, &o->census->socks[*y]);

	if (p != q)
		return p < q ? -1 : 1;
	return (*x > *y) - (*x < *y);
}

static int find_conflicts(struct bind_verdict *v, const struct bind_ask *ask,
			  const struct census *c)
{
	struct order order = {ask, c};

	v->conflicts = calloc(c->sock_count + 1, sizeof(*v->conflicts));
	if (!v->conflicts)
		return -ENOMEM;
	for (size_t i = 0; i < c->sock_count; i++) {
		const struct census_sock *s = &c->socks[i];

		if (!conflicts(ask, s))
			continue;
		v->conflicts[v->count++] = i;
		v->other_user |= ask->reuseport && s->reuseport && s->uid != ask->uid;
	}
	qsort_r(v->conflicts, v->count, sizeof(*v->conflicts), by_reason, &order);
	return 0;
}

static void find_help(struct bind_verdict *v, const struct bind_ask *ask, const struct census *c)
{
	struct bind_ask with = *ask;

	with.reuseaddr = true;
	v->reuseaddr_helps = !has_conflict(&with, c);
	with = *ask;
	with.reuseport = true;
	v->reuseport_helps = !has_conflict(&with, c);
	with = *ask;
	with.v6only = true;
	v->v6only_helps = addr_is_any(&ask->addr) && !addr_is_v4(&ask->addr) &&
			  !has_conflict(&with, c);
}

/* IPv6 asks for the privilege first (__inet6_bind), IPv4 for the address (__inet_bind). */
static bool judge_place(struct bind_verdict *v, const struct bind_ask *ask,
			const struct bind_place *place)
{
	bool lacks = ask->addr.port < place->unprivileged && !ask->privileged;

	if (lacks && (ask->v6 || !place->error)) {
		v->reason = BIND_PRIVILEGED;
		v->error = EACCES;
	} else if (place->error) {
		v->reason = BIND_NO_ADDRESS;
		v->error = place->error;
	}
	return v->error;
}

int bind_judge(struct bind_verdict *v, const struct bind_ask *ask, const struct bind_place *place,
	       const struct census *c)
{
	int err;

	memset(v, 0, sizeof(*v));
	if (judge_place(v, ask, place))
		return 0;
	err = find_conflicts(v, ask, c);
	if (err || !v->count)
		return err;
	v->error = EADDRINUSE;
	v->reason = reason_of(ask, &c->socks[v->conflicts[0]]);
	find_help(v, ask, c);
	return 0;
}

void bind_done(struct bind_verdict *v)
{
	free(v->conflicts);
	v->conflicts = NULL;
}
