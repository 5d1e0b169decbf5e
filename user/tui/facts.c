/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/facts.h"

#include "util/fmt.h"

#include <stdarg.h>
#include <stdio.h>

enum { NO_SSTHRESH = 0x7fffffff }; /* TCP_INFINITE_SSTHRESH of net/tcp.h */

static void add(struct facts_text *f, const char *label, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void add(struct facts_text *f, const char *label, const char *fmt, ...)
{
	va_list args;

	if (f->count == FACTS_LINES)
		return;
	f->label[f->count] = label;
	va_start(args, fmt);
	vsnprintf(f->text[f->count++], FACTS_TEXT, fmt, args);
	va_end(args);
}

/* `0.250 ms`, `1.204 s`: three digits behind the point, as ss has them, in every locale. */
static const char *micros(char dst[FMT_TEXT], uint32_t us)
{
	bool is_s = us >= 1000000;
	uint32_t thousandths = is_s ? us / 1000 : us;

	snprintf(dst, FMT_TEXT, "%u.%03u %s", (unsigned int)(thousandths / 1000),
		 (unsigned int)(thousandths % 1000), is_s ? "s" : "ms");
	return dst;
}

static void add_wait(struct facts_text *f, const struct detail *d)
{
	static const char *const words[WAIT_COUNT] = {
		[WAIT_UNKNOWN] = "not known",
		[WAIT_NOTHING] = "the application: nothing is to be sent, nothing is unread",
		[WAIT_READER] = "the application here: it has not read what has arrived",
		[WAIT_PEER] = "the peer: it has not answered yet",
		[WAIT_NETWORK] = "the network: what was sent is not acknowledged yet",
		[WAIT_LOSS] = "the network: packets were lost and are sent again",
		[WAIT_RECEIVER] =
			"the receiver: the peer has no room, its program reads too slowly",
		[WAIT_SNDBUF] = "the send buffer: it is too small for this path",
	};
	const struct detail_tcp *t = &d->tcp;
	int idle = 1000 - t->share[0];

	add(f, "waits for", "%s", words[t->wait < WAIT_COUNT ? t->wait : WAIT_UNKNOWN]);
	if (!t->has_shares)
		return;
	idle -= t->share[1] + t->share[2];
	add(f, "time", "sending %u%%, receiver full %u%%, send buffer full %u%%, idle %u%%",
	    t->share[0] / 10, t->share[1] / 10, t->share[2] / 10, idle > 0 ? idle / 10 : 0);
}

static void add_path(struct facts_text *f, const struct detail_tcp *t)
{
	char a[FMT_TEXT], b[FMT_TEXT], c[FMT_TEXT], ssthresh[FMT_TEXT] = "none";

	add(f, "rtt", "%s, varies by %s, least %s", micros(a, t->srtt_us), micros(b, t->rttvar_us),
	    t->min_rtt_us == UINT32_MAX ? "not known" : micros(c, t->min_rtt_us));
	if (t->ssthresh < NO_SSTHRESH)
		snprintf(ssthresh, sizeof(ssthresh), "%u", (unsigned int)t->ssthresh);
	add(f, "window", "cwnd %u packets of %u bytes, ssthresh %s, %s; peer takes %s, we take %s",
	    (unsigned int)t->cwnd, (unsigned int)t->mss, ssthresh, t->ca[0] ? t->ca : "?",
	    fmt_bytes(a, sizeof(a), t->snd_wnd), fmt_bytes(b, sizeof(b), t->rcv_wnd));
	add(f, "packets", "unacked %u, lost %u, retransmits %u under way, %u in all (%s bytes)",
	    (unsigned int)t->unacked, (unsigned int)t->lost, (unsigned int)t->retrans_out,
	    (unsigned int)t->total_retrans, fmt_exact(a, sizeof(a), t->bytes_retrans));
}

static void add_speed(struct facts_text *f, const struct detail_tcp *t)
{
	char a[FMT_TEXT], b[FMT_TEXT];
	bool paced = t->pacing_rate != UINT64_MAX;

	add(f, "speed", "delivered %s%s%s, pacing %s%s",
	    t->delivery_rate ? fmt_rate(a, sizeof(a), t->delivery_rate) : "not known",
	    t->delivery_rate ? "/s" : "", t->app_limited ? " (limited by the application)" : "",
	    paced ? fmt_rate(b, sizeof(b), t->pacing_rate) : "none", paced ? "/s" : "");
}

static void add_queues(struct facts_text *f, const struct detail *d)
{
	char a[FMT_TEXT], b[FMT_TEXT], c[FMT_TEXT], e[FMT_TEXT];

	fmt_exact(a, sizeof(a), d->send_queue);
	fmt_exact(b, sizeof(b), d->recv_queue);
	fmt_exact(c, sizeof(c), d->unsent);
	if (d->has_tcp)
		add(f, "queues", "send %s bytes (%s of them not sent yet), receive %s bytes", a, c,
		    b);
	else
		add(f, "queues",
		    "memory: send %s of %s, receive %s of %s bytes; %u packets dropped", a,
		    fmt_exact(c, sizeof(c), d->sndbuf), b, fmt_exact(e, sizeof(e), d->rcvbuf),
		    (unsigned int)d->drops);
}

void facts_write(struct facts_text *f, const struct detail *d)
{
	f->count = 0;
	if (!d->found)
		return;
	if (d->is_listener) {
		add(f, "backlog", "%u now, at most %u, overflows and other refusals %u",
		    (unsigned int)d->recv_queue, (unsigned int)d->send_queue,
		    (unsigned int)d->drops);
		return;
	}
	if (d->has_tcp)
		add_wait(f, d);
	add_queues(f, d);
	if (!d->has_tcp)
		return;
	add_path(f, &d->tcp);
	add_speed(f, &d->tcp);
}
