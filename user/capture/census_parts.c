/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/census_parts.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "capture/census.h"
#include "who_abi.h"

enum {
	FIRST_ROOM = 64,
	SOCK_DEAD_BIT = 1 << 0,     /* include/net/sock.h: closed by all */
	SOCK_BINDPORT_LOCK = 1 << 3 /* the process chose the port */
};

bool list_add(struct list *list, const void *element)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : FIRST_ROOM;
		void *data = realloc(list->data, room * list->size);

		if (!data)
			return false;
		list->data = data;
		list->room = room;
	}
	memcpy((char *)list->data + list->count++ * list->size, element, list->size);
	return true;
}

/* ---- sockets by their id ---- */

static size_t home(const struct census_index *index, uint64_t id)
{
	return (size_t)(id * 0x9e3779b97f4a7c15ULL >> 20) & (index->slot_count - 1);
}

static bool grow(struct census_index *index)
{
	size_t count = index->slot_count ? index->slot_count * 2 : 256;
	size_t *slots = calloc(count, sizeof(*slots));
	const struct census_sock *socks = index->socks.data;

	if (!slots)
		return false;
	free(index->slots);
	index->slots = slots;
	index->slot_count = count;
	for (size_t i = 0; i < index->socks.count; i++) {
		size_t at = home(index, socks[i].id);

		while (slots[at])
			at = (at + 1) & (count - 1);
		slots[at] = i + 1;
	}
	return true;
}

/* The memory of a socket that is gone may hold another one by now. */
static bool is_same(const struct census_sock *a, const struct census_sock *b)
{
	return a->id == b->id && a->netns == b->netns && a->local.port == b->local.port &&
	       a->peer.port == b->peer.port && (!a->cookie || !b->cookie || a->cookie == b->cookie);
}

size_t census_index_add(struct census_index *index, const struct census_sock *sock)
{
	struct census_sock *socks = index->socks.data;
	size_t at;

	index->socks.size = sizeof(*sock);
	if (index->socks.count * 2 >= index->slot_count && !grow(index)) {
		index->failed = true;
		return SIZE_MAX;
	}
	for (at = home(index, sock->id); index->slots[at];
	     at = (at + 1) & (index->slot_count - 1)) {
		struct census_sock *known = &socks[index->slots[at] - 1];

		if (!is_same(known, sock))
			continue;
		if (!known->cookie)
			known->cookie = sock->cookie;
		if (!known->inode)
			known->inode = sock->inode;
		return index->slots[at] - 1;
	}
	if (!list_add(&index->socks, sock)) {
		index->failed = true;
		return SIZE_MAX;
	}
	index->slots[at] = index->socks.count;
	return index->socks.count - 1;
}

size_t census_index_find(const struct census_index *index, uint64_t id)
{
	const struct census_sock *socks = index->socks.data;
	size_t found = SIZE_MAX;

	if (!index->slot_count)
		return SIZE_MAX;
	for (size_t at = home(index, id); index->slots[at]; at = (at + 1) & (index->slot_count - 1))
		if (socks[index->slots[at] - 1].id == id)
			found = index->slots[at] - 1;
	return found;
}

void census_index_done(struct census_index *index)
{
	free(index->slots);
	index->slots = NULL;
	index->slot_count = 0;
}

/* ---- records ---- */

uint8_t census_transport(int family, int type, int protocol)
{
	if (family == AF_PACKET)
		return TRANSPORT_PACKET;
	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		return TRANSPORT_ICMP;
	if (type == SOCK_RAW)
		return TRANSPORT_RAW;
	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_MPTCP: /* TCP on the wire, with the ports of TCP */
		return TRANSPORT_TCP;
	case IPPROTO_UDP:
		return TRANSPORT_UDP;
	case IPPROTO_SCTP:
		return TRANSPORT_SCTP;
	case IPPROTO_UDPLITE:
		return TRANSPORT_UDPLITE;
	default:
		return TRANSPORT_OTHER;
	}
}

/* The kernel's numbers are those of enum sock_state. What TCP calls CLOSE is for others a socket
 * like any, and for TCP with a port one that is bound. */
static uint8_t state_of(const struct who_sock *raw, uint8_t transport)
{
	bool stream = transport == TRANSPORT_TCP || transport == TRANSPORT_SCTP;

	if (raw->state == STATE_CLOSE)
		return !stream ? STATE_OPEN : raw->lport ? STATE_BOUND : STATE_CLOSE;
	if (!stream && raw->state == STATE_ESTABLISHED)
		return raw->rport ? STATE_ESTABLISHED : STATE_OPEN;
	return raw->state < STATE_COUNT ? raw->state : STATE_NONE;
}

static uint64_t left_ns(const struct who_sock *raw, uint64_t jiffies, unsigned int hz)
{
	uint64_t left = raw->expires - jiffies;

	if (!raw->expires || !hz || left > UINT32_MAX) /* over, or not known */
		return 0;
	return left * 1000000000 / hz;
}

void census_decode(struct census_sock *s, const struct who_sock *raw, uint64_t jiffies,
		   unsigned int hz)
{
	bool whole = raw->state != STATE_TIME_WAIT && raw->state != STATE_NEW_SYN_RECV;

	memset(s, 0, sizeof(*s));
	s->id = raw->id;
	s->cookie = raw->cookie;
	s->inode = raw->inode;
	s->group = raw->group;
	s->handler = raw->kernel ? raw->encap_rcv ? raw->encap_rcv : raw->ready : 0;
	s->left_ns = left_ns(raw, jiffies, hz);
	s->netns = raw->netns;
	s->uid = raw->uid;
	s->ifindex = raw->ifindex;
	s->backlog = raw->backlog;
	s->backlog_max = raw->backlog_max;
	memcpy(s->local.ip, raw->laddr, sizeof(s->local.ip));
	memcpy(s->peer.ip, raw->raddr, sizeof(s->peer.ip));
	s->local.port = raw->lport;
	s->peer.port = raw->rport;
	s->transport = census_transport(raw->family, raw->type, raw->protocol);
	s->state = state_of(raw, s->transport);
	s->v6 = raw->family == AF_INET6;
	s->v6only = raw->v6only;
	s->reuseaddr = raw->reuse;
	s->reuseport = raw->reuseport;
	s->kernel = raw->kernel;
	s->dead = raw->sk_flags & SOCK_DEAD_BIT && whole;
	s->not_accepted = !raw->socket && !s->dead && raw->state != STATE_TIME_WAIT;
	s->subflow = raw->is_mptcp;
	s->mptcp = raw->protocol == IPPROTO_MPTCP;
	s->outgoing = raw->fastreuse < 0;
	s->bound_port = raw->userlocks & SOCK_BINDPORT_LOCK;
}

unsigned int census_hz(uint64_t jiffies, uint64_t uptime_s)
{
	static const unsigned int rates[] = {100, 250, 300, 1000};
	uint64_t best = UINT64_MAX;
	unsigned int found = 0;

	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		uint32_t expected =
			(uint32_t)(-300 * (int64_t)rates[i]) + (uint32_t)(uptime_s * rates[i]);
		uint32_t ahead = (uint32_t)jiffies - expected,
			 behind = expected - (uint32_t)jiffies;
		uint64_t off = (uint64_t)(ahead < behind ? ahead : behind) * 1000 / rates[i];

		if (off < best) {
			best = off;
			found = rates[i];
		}
	}
	return found;
}
