/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE /* strerrorname_np() */
#include "who/bind_text.h"

#include <errno.h>
#include <string.h>

#include "util/buf.h"
#include "util/text.h"
#include "who/bound.h"
#include "who/scene.h"

enum { LABEL = 13 };

struct sheet {
	struct buf *out;
	struct buf line;
	int width;
};

static void put_line(struct sheet *s, const char *label)
{
	char clean[1024];

	text_sanitize(clean, sizeof(clean), s->line.data ? s->line.data : "", s->line.len);
	buf_reset(&s->line);
	if (label)
		buf_printf(s->out, "  %-*s", LABEL - 2, label);
	text_fold(s->out, clean, label ? LABEL : 0, label ? LABEL : 2, s->width);
	buf_putc(s->out, '\n');
}

/* As it would be bound, in the words for those that are. */
static struct census_sock as_bound(const struct bind_ask *ask)
{
	return (struct census_sock){.local = ask->addr, .v6 = ask->v6, .v6only = ask->v6only};
}

static void put_reason(struct buf *b, const struct bind_ask *ask, const struct bind_place *place,
		       const struct bind_verdict *v)
{
	static const char *const texts[BIND_REASONS] = {
		[BIND_HELD] = "a socket is bound to the same address",
		[BIND_WILDCARD] = "a socket is bound to all addresses, this one among them",
		[BIND_DUAL] = "an IPv6 socket is bound to all addresses, and takes IPv4 too",
		[BIND_COVERS] = "all addresses are asked for, and a socket is bound to one of them",
		[BIND_CONNECTION] = "connections of a server on this port are still there",
		[BIND_OUTGOING] = "an outgoing connection has it as its local port",
		[BIND_TIME_WAIT] = "closed connections are in TIME_WAIT, nothing else",
	};

	if (texts[v->reason])
		buf_puts(b, texts[v->reason]);
	else if (v->reason == BIND_PRIVILEGED)
		buf_printf(b,
			   "ports below %u (net.ipv4.ip_unprivileged_port_start) take "
			   "CAP_NET_BIND_SERVICE",
			   (unsigned int)place->unprivileged);
	else if (v->error == EADDRNOTAVAIL)
		buf_puts(b, "the address is not one of this network namespace");
	else
		buf_puts(b, ask->v6 ? "there is no IPv6 here" : "there is no IPv4 here");
}

static void put_help(struct buf *b, const struct bind_verdict *v)
{
	const char *before = "";

	if (v->reason == BIND_PRIVILEGED) {
		buf_puts(b, "run it with that capability, or lower the setting");
		return;
	}
	if (v->reason == BIND_NO_ADDRESS) {
		buf_puts(b,
			 "ip addr shows those there are; net.ipv4.ip_nonlocal_bind or IP_FREEBIND "
			 "binds others");
		return;
	}
	if (v->reuseaddr_helps) {
		buf_puts(b, "SO_REUSEADDR on the new socket");
		before = "; ";
	}
	if (v->reuseport_helps) {
		buf_printf(b, "%sSO_REUSEPORT on the new socket, which then shares the port",
			   before);
		before = "; ";
	}
	if (v->v6only_helps) {
		buf_printf(b, "%sIPV6_V6ONLY on the new socket", before);
		before = "; ";
	}
	if (!*before)
		buf_puts(b, v->reason == BIND_TIME_WAIT || v->reason == BIND_CONNECTION
				    ? "only to wait: SO_REUSEADDR must be set on both the old and "
				      "the new socket, and the old one had it not"
				    : "only to end what has it, or to take another port");
	if (v->other_user)
		buf_puts(b, "; SO_REUSEPORT shares among sockets of one user alone");
}

static void put_notes(struct sheet *s, const struct bind_ask *ask, const struct bind_place *place)
{
	unsigned int port = ask->addr.port;

	if (port < place->unprivileged && ask->privileged) {
		buf_printf(&s->line, "below %u: it takes CAP_NET_BIND_SERVICE, which you have",
			   (unsigned int)place->unprivileged);
		put_line(s, "note");
	}
	if (place->reserved) {
		buf_puts(&s->line, "in net.ipv4.ip_local_reserved_ports: no connection takes it by "
				   "chance");
		put_line(s, "note");
	} else if (port >= place->ephemeral_min && port <= place->ephemeral_max) {
		buf_printf(&s->line,
			   "in the range of outgoing connections, %u to %u: one may take it at any "
			   "time (net.ipv4.ip_local_reserved_ports keeps it)",
			   (unsigned int)place->ephemeral_min, (unsigned int)place->ephemeral_max);
		put_line(s, "note");
	}
}

void bind_text(struct buf *out, struct scene *scene, const struct bind_ask *ask,
	       const struct bind_place *place, const struct bind_verdict *v, int width)
{
	struct sheet s = {.out = out, .width = width};
	const struct census_sock bound = as_bound(ask);
	const char *netns = netns_name(&scene->names, place->netns);
	char text[BOUND_TEXT];

	buf_printf(&s.line, "%s %s ", transport_name(ask->transport),
		   bound_address(text, sizeof(text), &bound));
	if (v->error)
		buf_printf(&s.line, "cannot be bound: %s (%s)", strerror(v->error),
			   strerrorname_np(v->error));
	else
		buf_puts(&s.line, "is free to be bound");
	put_line(&s, NULL);
	if (v->error) {
		put_reason(&s.line, ask, place, v);
		put_line(&s, "why");
		put_help(&s.line, v);
		put_line(&s, "helps");
	}
	put_notes(&s, ask, place);
	if (place->netns != scene->own_netns) {
		buf_printf(&s.line, "%u%s%s", (unsigned int)place->netns, netns ? ", named " : "",
			   netns ? netns : "");
		put_line(&s, "netns");
	}
	if (v->count)
		buf_putc(out, '\n');
	buf_done(&s.line);
}

static void put_flag(struct buf *b, const char *name, bool value)
{
	buf_printf(b, ",\"sockwatch.bind.%s\":%s", name, value ? "true" : "false");
}

void bind_json(struct buf *out, const struct bind_ask *ask, const struct bind_place *place,
	       const struct bind_verdict *v)
{
	char ip[ADDR_TEXT];

	buf_printf(out, "{\"sockwatch.record\":\"bind\",\"network.transport\":\"%s\"",
		   transport_name(ask->transport));
	buf_printf(out, ",\"network.local.address\":\"%s\"",
		   addr_format_ip(ip, sizeof(ip), &ask->addr));
	buf_printf(out, ",\"network.local.port\":%u", (unsigned int)ask->addr.port);
	buf_printf(out, ",\"sockwatch.netns\":%u", (unsigned int)place->netns);
	buf_printf(out, ",\"sockwatch.bind.reason\":\"%s\"", bind_reason_name(v->reason));
	if (v->error)
		buf_printf(out, ",\"sockwatch.bind.error\":\"%s\"", strerrorname_np(v->error));
	if (v->count) {
		put_flag(out, "reuseaddr_helps", v->reuseaddr_helps);
		put_flag(out, "reuseport_helps", v->reuseport_helps);
		put_flag(out, "v6only_helps", v->v6only_helps);
		put_flag(out, "other_user", v->other_user);
	}
	put_flag(out, "takes_privilege", ask->addr.port < place->unprivileged);
	put_flag(out, "reserved", place->reserved);
	put_flag(out, "ephemeral",
		 ask->addr.port >= place->ephemeral_min && ask->addr.port <= place->ephemeral_max);
	buf_puts(out, "}\n");
}
