/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "traffic/parts.h"

#include <string.h>

/** IPv4 as v4-mapped, so that one type holds both. */
static void unify(struct sockaddr_in6 *to, const struct sockaddr_storage *from)
{
	const struct sockaddr_in *v4 = (const void *)from;

	if (from->ss_family == AF_INET6) {
		memcpy(to, from, sizeof(*to));
		return;
	}
	memset(to, 0, sizeof(*to));
	if (from->ss_family != AF_INET)
		return;
	to->sin6_family = AF_INET6;
	to->sin6_port = v4->sin_port;
	to->sin6_addr.s6_addr[10] = 0xff;
	to->sin6_addr.s6_addr[11] = 0xff;
	memcpy(to->sin6_addr.s6_addr + 12, &v4->sin_addr, 4);
}

/** Take the addresses that the socket has now; keep those it had before when it has none. */
static void learn_addresses(struct traffic_flow *flow)
{
	struct sockaddr_storage addr = {0};
	socklen_t len = sizeof(addr);

	if (getsockname(flow->fd, (void *)&addr, &len) == 0)
		unify(&flow->local, &addr);
	memset(&addr, 0, sizeof(addr));
	len = sizeof(addr);
	if (getpeername(flow->fd, (void *)&addr, &len) == 0)
		unify(&flow->peer, &addr);
}

static int int_option(int fd, int option)
{
	int value = 0;
	socklen_t len = sizeof(value);

	must(getsockopt(fd, SOL_SOCKET, option, &value, &len), "getsockopt");
	return value;
}

void flow_open(struct traffic_flow *flow, int fd, const char *role)
{
	socklen_t len = sizeof(flow->cookie);

	memset(flow, 0, sizeof(*flow));
	flow->fd = fd;
	flow->role = role;
	must(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &flow->cookie, &len), "SO_COOKIE");
	flow->domain = int_option(fd, SO_DOMAIN);
	flow->type = int_option(fd, SO_TYPE);
	flow->protocol = int_option(fd, SO_PROTOCOL);
	learn_addresses(flow);
}

void flow_peer(struct traffic_flow *flow, const struct sockaddr_storage *addr)
{
	unify(&flow->peer, addr);
}

ssize_t flow_tx(struct traffic_flow *flow, ssize_t n)
{
	if (n > 0)
		flow->tx += n;
	return n;
}

ssize_t flow_rx(struct traffic_flow *flow, ssize_t n)
{
	if (n > 0)
		flow->rx += n;
	return n;
}

static struct traffic_peer *find_peer(struct traffic_flow *flow, const struct sockaddr *addr)
{
	struct sockaddr_storage any = {0};
	struct sockaddr_in6 wanted;
	struct traffic_peer *peer;

	if (addr)
		memcpy(&any, addr,
		       addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
						  : sizeof(struct sockaddr_in6));
	unify(&wanted, &any);
	for (peer = flow->peers; peer < flow->peers + flow->n_peers; peer++)
		if (peer->addr.sin6_port == wanted.sin6_port &&
		    !memcmp(&peer->addr.sin6_addr, &wanted.sin6_addr, sizeof(struct in6_addr)))
			return peer;
	if (flow->n_peers == TRAFFIC_MAX_PEERS)
		die("too many peers for a flow");
	flow->n_peers++;
	peer->addr = wanted;
	return peer;
}

ssize_t flow_tx_peer(struct traffic_flow *flow, const struct sockaddr *addr, ssize_t n)
{
	if (n > 0)
		find_peer(flow, addr)->tx += n;
	return flow_tx(flow, n);
}

ssize_t flow_rx_peer(struct traffic_flow *flow, const struct sockaddr *addr, ssize_t n)
{
	if (n > 0)
		find_peer(flow, addr)->rx += n;
	return flow_rx(flow, n);
}

void flow_report(const struct traffic_report *rep, struct traffic_flow *flow)
{
	learn_addresses(flow);
	rep->writer->flow(rep, flow);
}

int report_skip(const struct traffic_report *rep, const char *reason)
{
	rep->writer->skip(rep, reason);
	return 0;
}

void report_event(const struct traffic_report *rep, const char *what)
{
	rep->writer->event(rep, what);
}
