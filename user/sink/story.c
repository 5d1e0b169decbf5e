/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE /* strerrorname_np() */
#include "sink/story.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sink/field.h"
#include "sink/trace.h"
#include "util/buf.h"
#include "util/text.h"

enum {
	NAME = EVENT_NAME * 4 + 16, /* bytes of a name, all escaped, and its pid */
	PLACE = ADDR_TEXT + 8,
	WIDTH_EVENT = 14,
	WIDTH_PROTO = 7,
	WIDTH_PROCESS = 22,
	WIDTH_PLACE = 21,
};

static void put_cell(struct buf *b, const char *text, int width)
{
	buf_puts(b, text);
	for (int spare = width - text_width(text); spare > 0; spare--)
		buf_putc(b, ' ');
	buf_putc(b, ' ');
}

static void end_line(struct buf *b)
{
	while (b->len && b->data[b->len - 1] == ' ')
		b->len--;
	buf_putc(b, '\n');
}

static char *process(char *dst, size_t size, const struct proc *p)
{
	size_t len;

	if (!p->pid) {
		snprintf(dst, size, "[%s]", unattributed_name(p->unattributed));
		return dst;
	}
	len = text_sanitize(dst, size, p->name, strnlen(p->name, EVENT_NAME));
	snprintf(dst + len, size - len, "[%u]", p->pid);
	return dst;
}

/* Milliseconds with three decimals. */
static void put_ms(struct buf *b, const char *before, uint64_t ns)
{
	buf_printf(b, "%s%" PRIu64 ".%03u ms", before, ns / 1000000,
		   (unsigned int)(ns / 1000 % 1000));
}

static void put_error(struct buf *b, int error)
{
	const char *name = error ? strerrorname_np(error) : "errno not known";

	if (name)
		buf_puts(b, name);
	else
		buf_printf(b, "errno %d", error);
}

static void put_end(struct buf *b, const struct record *r)
{
	static const char *const ends[ENDED_COUNT] = {
		[ENDED_LOCAL] = "closed by this side",
		[ENDED_PEER] = "closed by the peer",
		[ENDED_RESET_LOCAL] = "reset by this side",
		[ENDED_RESET_PEER] = "reset by the peer",
		[ENDED_TIMEOUT] = "timed out",
		[ENDED_ABORTED] = "aborted by an administrator",
		[ENDED_ERROR] = "broken",
	};
	const struct flow *f = &r->row->flow;

	if (f->end && f->end < ENDED_COUNT)
		buf_printf(b, "%s, ", ends[f->end]);
	if (r->facts->has_duration)
		put_ms(b, "after ", r->facts->duration_ns);
	else
		buf_puts(b, "open before the start");
	if (r->facts->has_bytes)
		buf_printf(b, ", tx %" PRIu64 " rx %" PRIu64, r->row->count.tx_total,
			   r->row->count.rx_total);
	if (!f->end)
		return;
	if (f->rtt_us)
		put_ms(b, ", rtt ", (uint64_t)f->rtt_us * 1000);
	buf_printf(b, ", retransmits %u", f->retransmits);
}

static void put_holder(struct buf *b, const struct record *r)
{
	const struct row *h = &r->facts->holder;
	char name[NAME], place[PLACE];

	if (!h->flow.cookie)
		return;
	buf_printf(b, ": held by %s, %s %s", process(name, sizeof(name), &h->proc),
		   state_name(h->flow.state), addr_format(place, sizeof(place), &h->flow.local));
	buf_printf(b, " in netns %u, %s%s%s", h->flow.netns,
		   h->flow.reuse_addr ? "SO_REUSEADDR" : "",
		   h->flow.reuse_addr && h->flow.reuse_port ? " " : "",
		   h->flow.reuse_port    ? "SO_REUSEPORT"
		   : !h->flow.reuse_addr ? "without SO_REUSEADDR and SO_REUSEPORT"
					 : "");
}

static void put_details(struct buf *b, const struct record *r)
{
	const struct trace_facts *facts = r->facts;

	switch (facts->kind) {
	case TRACE_ESTABLISHED:
		if (facts->latency_ns)
			put_ms(b, "in ", facts->latency_ns);
		break;
	case TRACE_CONNECT_FAILED:
		put_error(b, r->row->error);
		if (facts->latency_ns)
			put_ms(b, " after ", facts->latency_ns);
		break;
	case TRACE_BIND_FAILED:
		put_error(b, r->row->error);
		put_holder(b, r);
		break;
	case TRACE_CLOSE:
	case TRACE_RESET:
		put_end(b, r);
		break;
	default:
		break;
	}
}

/* Which way the connection was made. */
static const char *arrow(const struct flow *f)
{
	if (!f->peer.port && addr_is_any(&f->peer))
		return "  ";
	return f->role == ROLE_CLIENT ? "->" : f->role == ROLE_SERVER ? "<-" : "--";
}

void story_head(struct buf *b)
{
	put_cell(b, "TIME", (int)strlen("2026-11-23T10:40:00.123456Z"));
	put_cell(b, "EVENT", WIDTH_EVENT);
	put_cell(b, "PROTO", WIDTH_PROTO);
	put_cell(b, "PROCESS", WIDTH_PROCESS);
	put_cell(b, "LOCAL", WIDTH_PLACE);
	put_cell(b, "", 2);
	put_cell(b, "PEER", WIDTH_PLACE);
	buf_puts(b, "DETAILS\n");
}

void story_line(struct buf *b, const struct record *r)
{
	const struct flow *f = &r->row->flow;
	const char *to = arrow(f);
	char name[NAME], place[PLACE];

	put_cell(b, r->timestamp, 0);
	put_cell(b, trace_name(r->facts->kind), WIDTH_EVENT);
	put_cell(b, transport_name(f->transport), WIDTH_PROTO);
	put_cell(b, process(name, sizeof(name), &r->row->proc), WIDTH_PROCESS);
	put_cell(b, addr_format(place, sizeof(place), &f->local), WIDTH_PLACE);
	put_cell(b, to, 2);
	put_cell(b, *to == ' ' ? "" : addr_format(place, sizeof(place), &f->peer), WIDTH_PLACE);
	put_details(b, r);
	end_line(b);
}
