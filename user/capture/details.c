/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/details.h"

#include <string.h>

#include "capture/decode.h"
#include "capture/host.h"
#include "capture/iter.h"

enum {
	HOLDERS_NS = 2000000000, /* the walk over all open files comes no oftener */
	HOLDERS_SHARE = 50,      /* and may cost one part in so many of the time */
	CA_LOSS = 3,             /* TCP_CA_Recovery and TCP_CA_Loss of linux/tcp.h */
};

enum { CHRONO_NONE, CHRONO_BUSY, CHRONO_RECEIVER, CHRONO_SNDBUF }; /* enum tcp_chrono */

/* What is unread comes first: that is our side's to do. */
static uint8_t wait_of(const struct sw_detail *raw)
{
	if (raw->state == STATE_SYN_SENT || raw->state == STATE_SYN_RECV)
		return WAIT_PEER;
	if (raw->chrono_type == CHRONO_RECEIVER)
		return WAIT_RECEIVER;
	if (raw->chrono_type == CHRONO_SNDBUF)
		return WAIT_SNDBUF;
	if (raw->unacked && (raw->ca_state >= CA_LOSS || raw->retransmits))
		return WAIT_LOSS;
	if (raw->chrono_type == CHRONO_BUSY || raw->unacked)
		return WAIT_NETWORK;
	return raw->recv_queue ? WAIT_READER : WAIT_NOTHING;
}

/* Parts of the time between two looks; without the length of a jiffy, which is not told. */
static void shares(struct detail_tcp *tcp, const struct sw_detail *raw,
		   const struct sw_detail *before)
{
	uint32_t passed = raw->jiffies - before->jiffies;

	if (before->cookie != raw->cookie || !passed)
		return;
	tcp->has_shares = true;
	for (int i = 0; i < DETAIL_SHARES; i++) {
		uint64_t share = (uint64_t)(raw->chrono[i] - before->chrono[i]) * 1000 / passed;

		tcp->share[i] = (uint16_t)(share > 1000 ? 1000 : share);
	}
}

/* As tcp_compute_delivery_rate() (net/ipv4/tcp.c). */
static uint64_t delivery_rate(const struct sw_detail *raw)
{
	if (!raw->rate_interval_us)
		return 0;
	return (uint64_t)raw->rate_delivered * raw->mss * 1000000 / raw->rate_interval_us;
}

static void decode_tcp(struct detail_tcp *tcp, const struct sw_detail *raw,
		       const struct sw_detail *before)
{
	tcp->pacing_rate = raw->pacing_rate;
	tcp->delivery_rate = delivery_rate(raw);
	tcp->bytes_retrans = raw->bytes_retrans;
	tcp->srtt_us = raw->srtt_us;
	tcp->rttvar_us = raw->rttvar_us;
	tcp->min_rtt_us = raw->min_rtt_us;
	tcp->cwnd = raw->cwnd;
	tcp->ssthresh = raw->ssthresh;
	tcp->mss = raw->mss;
	tcp->unacked = raw->unacked;
	tcp->sacked = raw->sacked;
	tcp->lost = raw->lost;
	tcp->retrans_out = raw->retrans_out;
	tcp->total_retrans = raw->total_retrans;
	tcp->snd_wnd = raw->snd_wnd;
	tcp->rcv_wnd = raw->rcv_wnd;
	tcp->retransmits = raw->retransmits;
	tcp->app_limited = raw->app_limited;
	tcp->wait = wait_of(raw);
	memcpy(tcp->ca, raw->ca_name, sizeof(tcp->ca));
	tcp->ca[sizeof(tcp->ca) - 1] = '\0';
	shares(tcp, raw, before);
}

void details_decode(struct detail *d, const struct sw_detail *raw, const struct sw_detail *before)
{
	d->found = true;
	d->state = raw->state;
	d->is_listener = raw->state == STATE_LISTEN;
	d->has_tcp = raw->is_tcp;
	d->recv_queue = raw->recv_queue;
	d->send_queue = raw->send_queue;
	d->unsent = raw->unsent;
	d->drops = raw->drops;
	d->sndbuf = raw->sndbuf;
	d->rcvbuf = raw->rcvbuf;
	memset(&d->tcp, 0, sizeof(d->tcp));
	if (d->has_tcp)
		decode_tcp(&d->tcp, raw, before);
}

static void on_sock(const void *record, size_t len, void *arg)
{
	struct details *d = arg;
	struct sw_detail raw;

	if (len != sizeof(raw) || d->told.found) /* once for each of its files */
		return;
	memcpy(&raw, record, sizeof(raw));
	details_decode(&d->told, &raw, &d->before);
	d->before = raw;
}

static void on_holder(const void *record, size_t len, void *arg)
{
	struct details *d = arg;
	struct detail_holder *to;
	struct sw_holder raw;

	if (len != sizeof(raw) || d->told.holder_count++ >= DETAIL_HOLDERS)
		return;
	memcpy(&raw, record, sizeof(raw));
	to = &d->told.holders[d->told.holder_count - 1];
	memset(to, 0, sizeof(*to));
	to->fd = raw.fd;
	to->proc.pid = raw.tgid;
	to->proc.start_ns = raw.start_ns;
	to->proc.uid = raw.uid;
	memcpy(to->proc.name, raw.comm, sizeof(raw.comm));
	to->proc.name[EVENT_NAME - 1] = '\0';
}

void details_want(struct details *d, const struct detail_wish *wish)
{
	memset(&d->told, 0, sizeof(d->told));
	memset(&d->before, 0, sizeof(d->before));
	d->told.wish = *wish;
	d->holders_ns = 0;
	if (d->wanted)
		*d->wanted = wish->cookie;
}

static int find_holders(struct details *d, uint64_t now_ns)
{
	uint64_t before_ns = host_cpu_ns();
	int err;

	if (d->holders_ns &&
	    now_ns - d->holders_ns < HOLDERS_NS + d->holders_cost_ns * HOLDERS_SHARE)
		return 0;
	d->told.holder_count = 0;
	err = iter_read(d->holders, d->buffer, sizeof(struct sw_holder), on_holder, d);
	d->holders_ns = now_ns;
	d->holders_cost_ns = host_cpu_ns() - before_ns;
	return err;
}

int details_tell(struct details *d, uint64_t now_ns, event_fn *fn, void *arg)
{
	struct event ev = {.kind = EVENT_DETAIL, .time_ns = now_ns, .detail = &d->told};
	const struct detail_wish *wish = &d->told.wish;
	int err = 0;

	if (!wish->cookie && !wish->pid)
		return 0;
	d->told.time_ns = now_ns;
	d->told.found = false;
	if (wish->cookie && d->sock)
		err = iter_read(d->sock, d->buffer, sizeof(struct sw_detail), on_sock, d);
	if (!err && wish->cookie && d->holders)
		err = find_holders(d, now_ns);
	if (!err)
		fn(&ev, arg);
	return err;
}
