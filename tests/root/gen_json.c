/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "gen_json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "traffic/traffic.h"

static void fail(const char *what)
{
	fprintf(stderr, "gen[%d]: %s: %s\n", getpid(), what, strerror(errno));
	_exit(1);
}

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
		fail("line of JSON too long");
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

static void put(const struct traffic_report *rep, struct line *line)
{
	add(line, "}\n");
	if (write(rep->fd, line->text, line->len) != (ssize_t)line->len)
		fail("write of a line");
}

static void format_addr(char *text, size_t size, const struct sockaddr_in6 *addr)
{
	if (IN6_IS_ADDR_V4MAPPED(&addr->sin6_addr))
		inet_ntop(AF_INET, addr->sin6_addr.s6_addr + 12, text, size);
	else
		inet_ntop(AF_INET6, &addr->sin6_addr, text, size);
}

/** The group leader's name, as the kernel has it: up to 15 bytes, any but 0. */
static void read_comm(char name[17])
{
	int fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, name, 16);

	if (n < 0)
		fail("/proc/self/comm");
	close(fd);
	if (n > 0 && name[n - 1] == '\n')
		n--;
	name[n] = '\0';
}

static const char *transport_of(const struct traffic_flow *flow)
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
static const char *network_type(const struct traffic_flow *flow)
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

static void add_peers(struct line *line, const struct traffic_flow *flow)
{
	const struct traffic_peer *peer = flow->peers;
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

static void write_flow(const struct traffic_report *rep, const struct traffic_flow *flow)
{
	struct line line = {.len = 0};
	char comm[17];

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

static void write_skip(const struct traffic_report *rep, const char *reason)
{
	struct line line = {.len = 0};

	add(&line, "{\"case\":\"%s\",\"skip\":", rep->case_name);
	add_string(&line, reason);
	put(rep, &line);
}

static void write_event(const struct traffic_report *rep, const char *what)
{
	struct line line = {.len = 0};

	add(&line, "{\"case\":\"%s\",\"pid\":%d,\"event\":\"%s\"", rep->case_name, getpid(), what);
	put(rep, &line);
}

const struct traffic_writer gen_json = {write_flow, write_skip, write_event};
