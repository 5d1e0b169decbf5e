/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "gen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/** A line of JSON being put together; pipes keep a write() of this size whole. */
struct line {
	char text[2048];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...)
{
	size_t room = sizeof(line->text) - line->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line->text + line->len, room, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room)
		die("line of JSON too long");
	line->len += n;
}

static void add_string(struct line *line, const char *text)
{
	add(line, "\"");
	for (; *text; text++) {
		unsigned char c = *text;

		if (c == '"' || c == '\\')
			add(line, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			add(line, "\\u%04x", c);
		else
			add(line, "%c", c);
	}
	add(line, "\"");
}

static void put(const struct gen_report *rep, struct line *line)
{
	add(line, "}\n");
	if (write(rep->fd, line->text, line->len) != (ssize_t)line->len)
		die("write of a line");
}

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

static void format_addr(char *text, size_t size, const struct sockaddr_in6 *addr)
{
	if (IN6_IS_ADDR_V4MAPPED(&addr->sin6_addr))
		inet_ntop(AF_INET, addr->sin6_addr.s6_addr + 12, text, size);
	else
		inet_ntop(AF_INET6, &addr->sin6_addr, text, size);
}

/** Take the addresses that the socket has now; keep those it had before when it has none. */
static void learn_addresses(struct gen_flow *flow)
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

void flow_open(struct gen_flow *flow, int fd, const char *role)
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

void flow_peer(struct gen_flow *flow, const struct sockaddr_storage *addr)
{
	unify(&flow->peer, addr);
}

ssize_t flow_tx(struct gen_flow *flow, ssize_t n)
{
	if (n > 0)
		flow->tx += n;
	return n;
}

ssize_t flow_rx(struct gen_flow *flow, ssize_t n)
{
	if (n > 0)
		flow->rx += n;
	return n;
}

static struct gen_peer *find_peer(struct gen_flow *flow, const struct sockaddr *addr)
{
	struct sockaddr_storage any = {0};
	struct sockaddr_in6 wanted;
	struct gen_peer *peer;

	if (addr)
		memcpy(&any, addr,
		       addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
						  : sizeof(struct sockaddr_in6));
	unify(&wanted, &any);
	for (peer = flow->peers; peer < flow->peers + flow->n_peers; peer++)
		if (peer->addr.sin6_port == wanted.sin6_port &&
		    !memcmp(&peer->addr.sin6_addr, &wanted.sin6_addr, sizeof(struct in6_addr)))
			return peer;
	if (flow->n_peers == GEN_MAX_PEERS)
		die("too many peers for a flow");
	flow->n_peers++;
	peer->addr = wanted;
	return peer;
}

ssize_t flow_tx_peer(struct gen_flow *flow, const struct sockaddr *addr, ssize_t n)
{
	if (n > 0)
		find_peer(flow, addr)->tx += n;
	return flow_tx(flow, n);
}

ssize_t flow_rx_peer(struct gen_flow *flow, const struct sockaddr *addr, ssize_t n)
{
	if (n > 0)
		find_peer(flow, addr)->rx += n;
	return flow_rx(flow, n);
}

/** The group leader's name, as the kernel has it: up to 15 bytes, any but 0. */
static void read_comm(char name[17])
{
	int fd = must(open("/proc/self/comm", O_RDONLY | O_CLOEXEC), "/proc/self/comm");
	ssize_t n = must(read(fd, name, 16), "/proc/self/comm");

	close(fd);
	if (n > 0 && name[n - 1] == '\n')
		n--;
	name[n] = '\0';
}

static const char *transport_of(const struct gen_flow *flow)
{
	if (flow->transport)
		return flow->transport;
	if (flow->domain == AF_PACKET)
		return "packet";
	if (flow->type == SOCK_RAW)
		return "raw";
	switch (flow->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_MPTCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "icmp";
	}
	return "?";
}

/** What travels: a v6 socket that talks to a v4-mapped address speaks IPv4. */
static const char *network_type(const struct gen_flow *flow)
{
	const struct sockaddr_in6 *addr = flow->peer.sin6_family ? &flow->peer : &flow->local;

	if (!flow->peer.sin6_family && flow->n_peers && flow->peers[0].addr.sin6_family)
		addr = &flow->peers[0].addr;
	if (flow->domain == AF_INET || IN6_IS_ADDR_V4MAPPED(&addr->sin6_addr))
		return "ipv4";
	return "ipv6";
}

/** with_port: raw sockets have none; the kernel keeps their protocol in its place. */
static void add_endpoint(struct line *line, const char *which, const struct sockaddr_in6 *addr,
			 bool with_port)
{
	char text[INET6_ADDRSTRLEN];

	if (!addr->sin6_family)
		return;
	format_addr(text, sizeof(text), addr);
	add(line, ",\"%s_address\":\"%s\"", which, text);
	if (with_port)
		add(line, ",\"%s_port\":%u", which, ntohs(addr->sin6_port));
}

static void add_peers(struct line *line, const struct gen_flow *flow)
{
	const struct gen_peer *peer = flow->peers;
	char text[INET6_ADDRSTRLEN];
	unsigned int i;

	add(line, ",\"peers\":[");
	for (i = 0; i < flow->n_peers; i++, peer++) {
		add(line, "%s{", i ? "," : "");
		if (peer->addr.sin6_family) {
			format_addr(text, sizeof(text), &peer->addr);
			add(line, "\"address\":\"%s\",\"port\":%u,", text,
			    ntohs(peer->addr.sin6_port));
		}
		add(line, "\"tx\":%" PRIu64 ",\"rx\":%" PRIu64 "}", peer->tx, peer->rx);
	}
	add(line, "]");
}

void flow_report(const struct gen_report *rep, struct gen_flow *flow)
{
	struct line line = {.len = 0};
	char comm[17];

	learn_addresses(flow);
	read_comm(comm);
	add(&line, "{\"case\":\"%s\",\"pid\":%d,\"uid\":%u,\"name\":", rep->case_name, getpid(),
	    getuid());
	add_string(&line, comm);
	add(&line, ",\"transport\":\"%s\"", transport_of(flow));
	if (flow->domain != AF_PACKET) {
		add(&line, ",\"type\":\"%s\"", network_type(flow));
		add_endpoint(&line, "local", &flow->local, flow->type != SOCK_RAW);
		add_endpoint(&line, "peer", &flow->peer, flow->type != SOCK_RAW);
	}
	add(&line, ",\"role\":\"%s\",\"cookie\":%" PRIu64, flow->role, flow->cookie);
	add(&line, ",\"tx\":%" PRIu64 ",\"rx\":%" PRIu64, flow->tx, flow->rx);
	if (flow->n_peers)
		add_peers(&line, flow);
	if (flow->fail)
		add(&line, ",\"fail\":\"%s\"", flow->fail);
	put(rep, &line);
}

int report_skip(const struct gen_report *rep, const char *reason)
{
	struct line line = {.len = 0};

	add(&line, "{\"case\":\"%s\",\"skip\":", rep->case_name);
	add_string(&line, reason);
	put(rep, &line);
	return 0;
}

void report_event(const struct gen_report *rep, const char *what)
{
	struct line line = {.len = 0};

	add(&line, "{\"case\":\"%s\",\"pid\":%d,\"event\":\"%s\"", rep->case_name, getpid(), what);
	put(rep, &line);
}
