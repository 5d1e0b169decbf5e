/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/sentence.h"

#include <string.h>

#include "model/cell.h"
#include "model/column.h"
#include "util/buf.h"
#include "util/fmt.h"
#include "util/text.h"

enum { TEXT = 1024 };

/* ---- parts ---- */

static void put_cell(struct buf *b, cell_fn *cell, const struct row *row, const struct model *m)
{
	char text[TEXT];

	cell(text, sizeof(text), row, m);
	buf_puts(b, text);
}

/* `curl, process 4711 of user root` */
static void put_who(struct buf *b, const struct row *row, const struct model *m)
{
	static const char *const nobody[UNATTRIBUTED_COUNT] = {
		[UNATTRIBUTED_NONE] = "A process that is not known",
		[UNATTRIBUTED_KERNEL] = "The kernel itself",
		[UNATTRIBUTED_NOT_ACCEPTED] = "A server that has not yet accepted it",
		[UNATTRIBUTED_EXITED] = "A process that is gone",
		[UNATTRIBUTED_BEFORE_START] = "A process that was not found",
		[UNATTRIBUTED_OVERFLOW] = "One of more processes than can be told apart",
	};

	if (!row->proc.pid) {
		buf_puts(b, row->proc.unattributed < UNATTRIBUTED_COUNT
				    ? nobody[row->proc.unattributed]
				    : nobody[UNATTRIBUTED_NONE]);
		return;
	}
	put_cell(b, cell_process, row, m);
	buf_printf(b, ", process %u of user ", (unsigned int)row->proc.pid);
	put_cell(b, cell_user, row, m);
	buf_putc(b, ',');
}

static void put_age(struct buf *b, uint64_t then_ns, const struct model *m)
{
	uint64_t now_ns = model_totals(m)->time_ns;
	char age[FMT_TEXT];

	fmt_age(age, sizeof(age), now_ns > then_ns ? now_ns - then_ns : 0);
	buf_puts(b, age);
}

/* ` 12s ago`, ` before sockwatch started, 2m01s ago` */
static void put_since(struct buf *b, const struct row *row, const struct model *m)
{
	if (row->count.first_ns <= model_totals(m)->live_ns)
		buf_puts(b, " before sockwatch started,");
	buf_putc(b, ' ');
	put_age(b, row->count.first_ns, m);
	buf_puts(b, " ago");
}

static void put_port(struct buf *b, const struct row *row, uint16_t port, const struct model *m)
{
	const char *name = port ? model_service(m, row->transport, port) : NULL;
	char text[TEXT];

	buf_printf(b, "port %u", (unsigned int)port);
	if (!name)
		return;
	text_sanitize(text, sizeof(text), name, strlen(name));
	buf_printf(b, " (%s)", text);
}

static void put_host(struct buf *b, const struct addr *a)
{
	char text[ADDR_TEXT];

	buf_puts(b, addr_format_ip(text, sizeof(text), a));
	if (addr_is_loopback(a))
		buf_puts(b, " (this host itself)");
}

static const char *protocol(const struct row *row)
{
	switch (row->transport) {
	case TRANSPORT_TCP:
		return "TCP";
	case TRANSPORT_UDP:
		return "UDP";
	case TRANSPORT_ICMP:
		return "ICMP";
	case TRANSPORT_MPTCP:
		return "MPTCP";
	case TRANSPORT_SCTP:
		return "SCTP";
	case TRANSPORT_UDPLITE:
		return "UDP-Lite";
	default:
		return transport_name(row->transport);
	}
}

static bool is_datagram(const struct row *row)
{
	return row->transport == TRANSPORT_UDP || row->transport == TRANSPORT_UDPLITE;
}

/* ---- one connection ---- */

static void listener(struct buf *b, const struct row *row, const struct model *m)
{
	const struct addr *a = &row->flow.local;
	char text[ADDR_TEXT];

	buf_printf(b, " is a server: it waits for clients at %s ", protocol(row));
	put_port(b, row, a->port, m);
	if (addr_is_any(a))
		buf_puts(b, " of every address of this host");
	else if (addr_is_loopback(a))
		buf_puts(b, ", which only programs on this same host can reach");
	else
		buf_printf(b, " of the address %s alone", addr_format_ip(text, sizeof(text), a));
	buf_puts(b, ", and began");
	put_since(b, row, m);
	buf_putc(b, '.');
}

static void client(struct buf *b, const struct row *row, const struct model *m)
{
	const struct flow *f = &row->flow;

	if (row->error) {
		buf_puts(b, " is a client that could not connect to ");
	} else if (f->state == STATE_SYN_SENT) {
		buf_puts(b, " is a client that waits for an answer of ");
	} else if (is_datagram(row)) {
		buf_puts(b, " is the client: it sent the first datagram to ");
	} else {
		buf_puts(b, " is the client: it opened this connection to ");
	}
	buf_printf(b, "%s ", protocol(row));
	put_port(b, row, f->peer.port, m);
	buf_puts(b, " of the server ");
	put_host(b, &f->peer);
	put_since(b, row, m);
	if (row->error) {
		buf_puts(b, ": ");
		put_cell(b, cell_error, row, m);
	}
	buf_putc(b, '.');
}

static void server(struct buf *b, const struct row *row, const struct model *m)
{
	const struct flow *f = &row->flow;

	buf_puts(b, " is the server: the client ");
	put_host(b, &f->peer);
	buf_printf(b,
		   is_datagram(row) ? " sent the first datagram to its %s "
				    : " connected to its %s ",
		   protocol(row));
	put_port(b, row, f->local.port, m);
	put_since(b, row, m);
	buf_putc(b, '.');
}

/* Raw and packet sockets have no ports, others are only bound, of some nobody knows who began. */
static void neither(struct buf *b, const struct row *row, const struct model *m)
{
	static const struct addr none;
	const struct flow *f = &row->flow;
	bool has_peer = addr_cmp(&f->peer, &none) != 0;

	if (row->transport == TRANSPORT_PACKET)
		buf_puts(b, " reads or writes whole packets of a network interface");
	else if (has_peer)
		buf_printf(b, " exchanges %s with ", protocol(row));
	else
		buf_printf(b, " has a %s socket without a peer", protocol(row));
	if (has_peer && f->peer.port) {
		put_port(b, row, f->peer.port, m);
		buf_puts(b, " of ");
	}
	if (has_peer)
		put_host(b, &f->peer);
	if (f->local.port) {
		buf_puts(b, " at ");
		put_port(b, row, f->local.port, m);
		buf_puts(b, " of this host");
	}
	buf_puts(b, ", since");
	put_since(b, row, m);
	buf_puts(b, has_peer ? "; who began is not known." : ".");
}

static void connection(struct buf *b, const struct row *row, const struct model *m)
{
	put_who(b, row, m);
	switch (row->flow.role) {
	case ROLE_LISTENER:
		listener(b, row, m);
		break;
	case ROLE_CLIENT:
		client(b, row, m);
		break;
	case ROLE_SERVER:
		server(b, row, m);
		break;
	default:
		neither(b, row, m);
		break;
	}
}

/* ---- groups ---- */

static void put_number(struct buf *b, uint64_t n, const char *what)
{
	char text[FMT_TEXT];

	buf_printf(b, "%s %s%s", fmt_exact(text, sizeof(text), n), what, n == 1 ? "" : "s");
}

static void put_counts(struct buf *b, const struct row *row)
{
	put_number(b, row->count.open, "connection");
	buf_puts(b, " open now");
	if (row->count.listening) {
		buf_puts(b, ", ");
		put_number(b, row->count.listening, "listener");
	}
	buf_puts(b, ", ");
	put_number(b, row->count.opened, "connection");
	buf_puts(b, " seen in all");
	if (row->count.failed) {
		buf_puts(b, ", ");
		put_number(b, row->count.failed, "attempt");
		buf_puts(b, " failed");
	}
	buf_putc(b, '.');
}

static void port(struct buf *b, const struct row *row, const struct model *m)
{
	buf_printf(b, "%s ", protocol(row));
	put_port(b, row, row->port, m);
	if (row->table == TABLE_LISTENERS)
		buf_puts(b, " is open to clients");
	else if (row->role == ROLE_SERVER)
		buf_puts(b, " is a service of this host");
	else if (row->role == ROLE_CLIENT)
		buf_puts(b, " is a service that programs here use as its clients");
	if (row->users) {
		buf_puts(b, ", by ");
		put_cell(b, cell_processes, row, m);
	}
	buf_puts(b, ": ");
	put_counts(b, row);
}

static void group(struct buf *b, const struct row *row, const struct model *m)
{
	const struct table_info *info = &table_info[row->table];

	if (row->is_other)
		buf_puts(b, "What ended, or found no room in this table, in one sum");
	else if (row->table == TABLE_PROCESSES)
		put_who(b, row, m);
	else
		buf_printf(b, "%s ", info->one);
	if (!row->is_other && row->table != TABLE_PROCESSES)
		put_cell(b, columns[info->name].text, row, m);
	if (row->table == TABLE_PROCESSES && !row->is_other)
		buf_puts(b, " has ");
	else
		buf_puts(b, ": ");
	put_counts(b, row);
}

static void failure(struct buf *b, const struct row *row, const struct model *m)
{
	put_who(b, row, m);
	buf_printf(b, " could not connect to %s ", protocol(row));
	put_port(b, row, row->flow.peer.port, m);
	buf_puts(b, " of ");
	put_host(b, &row->flow.peer);
	buf_puts(b, ", ");
	put_number(b, row->count.failed, "time");
	buf_puts(b, ", last ");
	put_age(b, row->count.last_ns, m);
	buf_puts(b, " ago: ");
	put_cell(b, cell_error, row, m);
	buf_putc(b, '.');
}

void sentence(struct buf *b, const struct row *row, const struct model *m)
{
	if (row->table == TABLE_FAILURES && !row->is_other)
		failure(b, row, m);
	else if (row->table == TABLE_CONNECTIONS && !row->is_other)
		connection(b, row, m);
	else if ((row->table == TABLE_PORTS || row->table == TABLE_LISTENERS) && row->port)
		port(b, row, m);
	else
		group(b, row, m);
}

/* ---- more ---- */

/* Ephemeral by the range of this host: another host may have another. */
static void ports(struct buf *b, const struct row *row, const struct model *m)
{
	const struct flow *f = &row->flow;
	bool is_client = f->role == ROLE_CLIENT;
	uint16_t service = is_client ? f->peer.port : f->local.port;
	uint16_t other = is_client ? f->local.port : f->peer.port;

	if (!service || !other || (!is_client && f->role != ROLE_SERVER))
		return;
	buf_printf(b, " Port %u is the service's; port %u of the client is ", (unsigned int)service,
		   (unsigned int)other);
	if (model_port_class(m, other) == PORT_CLASS_EPHEMERAL)
		buf_puts(b, "an ephemeral one, taken for the time of this exchange.");
	else
		buf_puts(b, "not of the ephemeral range: it was chosen.");
}

static const char *state_means(const struct row *row)
{
	if (row->transport != TRANSPORT_TCP && row->transport != TRANSPORT_MPTCP)
		return NULL;
	switch (row->flow.state) {
	case STATE_FIN_WAIT1:
	case STATE_FIN_WAIT2:
		return " This side has closed; the other one has not yet.";
	case STATE_CLOSE_WAIT:
		return " The other side has closed; the program here has not yet.";
	case STATE_LAST_ACK:
	case STATE_CLOSING:
		return " Both sides have closed; the last acknowledgement is on its way.";
	default:
		return NULL;
	}
}

void sentence_more(struct buf *b, const struct row *row, const struct model *m)
{
	const char *means = state_means(row);

	if (row->table != TABLE_CONNECTIONS || row->is_other)
		return;
	ports(b, row, m);
	if (row->ended && !row->error) {
		buf_puts(b, " It ended ");
		put_age(b, row->count.last_ns, m);
		buf_puts(b, " ago.");
	} else if (means) {
		buf_puts(b, means);
	}
}
