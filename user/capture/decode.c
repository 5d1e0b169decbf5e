/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/decode.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "capture/uses.h"
#include "sockwatch_abi.h"

enum {
	DEFAULT_MAX_USES = 1 << 20,
	MISSED_SWEEPS = 3, /* the kernel may skip a socket in one pass when its bucket changes */
};

_Static_assert((int)SW_ENDS == (int)ENDED_COUNT, "ends have one list");
_Static_assert((int)SW_COMM == (int)EVENT_NAME, "names have one length");

struct decode {
	struct uses uses;
	struct decode_counts counts;
	uint64_t time_ns;         /* of the newest record */
	bool in_walk;             /* the record under way is an entry of the hash */
	struct open_socket *late; /* found to be closing by a walk: the next one settles them */
};

struct decode *decode_new(size_t max_uses)
{
	struct decode *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	if (uses_init(&d->uses, max_uses ? max_uses : DEFAULT_MAX_USES)) {
		free(d);
		return NULL;
	}
	return d;
}

void decode_free(struct decode *d)
{
	if (!d)
		return;
	uses_done(&d->uses);
	free(d);
}

const struct decode_counts *decode_counts(const struct decode *d)
{
	return &d->counts;
}

static void counts_update(struct decode *d)
{
	d->counts.sockets = d->uses.socket_count;
	d->counts.uses = d->uses.use_count;
	d->counts.no_release = d->uses.no_release_count;
}

static uint8_t flow_transport(const struct sw_flow *f)
{
	if (f->family == AF_PACKET)
		return TRANSPORT_PACKET;
	switch (f->protocol) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return TRANSPORT_ICMP;
	default:
		if (f->type == SOCK_RAW)
			return TRANSPORT_RAW;
	}
	switch (f->protocol) {
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

static bool is_stream(uint8_t transport)
{
	return transport == TRANSPORT_TCP;
}

static bool is_datagram(uint8_t transport)
{
	return transport == TRANSPORT_UDP || transport == TRANSPORT_UDPLITE;
}

/* UDP has no accept: who sent first is the client. The row of an unconnected socket itself is a
 * listener if it received first, or asked for its port and has moved nothing yet. */
static uint8_t datagram_role(const struct sw_flow *f)
{
	if (f->rport || f->flags & SW_F_PER_PEER)
		return f->flags & SW_F_FIRST_RX ? ROLE_SERVER : ROLE_CLIENT;
	if (f->flags & SW_F_FIRST_TX)
		return ROLE_CLIENT;
	return f->flags & (SW_F_BOUND | SW_F_FIRST_RX) ? ROLE_LISTENER : ROLE_CLIENT;
}

/* Only for sockets of before the start whose counters gave no answer. */
static bool is_listened(struct decode *d, const struct sw_flow *f)
{
	return f->lport && uses_listened(&d->uses, f->netns, f->lport);
}

static uint8_t flow_role(struct decode *d, const struct sw_flow *f, uint8_t transport, bool known)
{
	if (is_datagram(transport))
		return datagram_role(f);
	if (f->flags & SW_F_LISTENER)
		return ROLE_LISTENER;
	if (f->flags & SW_F_SERVER)
		return ROLE_SERVER;
	if (f->flags & SW_F_CLIENT)
		return ROLE_CLIENT;
	if (!known && is_stream(transport) && f->rport && is_listened(d, f))
		return ROLE_SERVER;
	return ROLE_UNKNOWN;
}

static uint8_t flow_state(const struct sw_flow *f, uint8_t transport, uint32_t kind)
{
	if (kind == SW_REC_CLOSE)
		return STATE_CLOSE;
	if (!is_stream(transport))
		return STATE_OPEN;
	if (f->state == STATE_CLOSE && f->lport && !f->rport)
		return STATE_BOUND;
	return f->state < STATE_OPEN ? f->state : STATE_NONE;
}

static bool is_mapped(const uint8_t *ip)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(ip, prefix, sizeof(prefix)) == 0;
}

static bool is_zero(const uint8_t *ip)
{
	static const uint8_t zero[16];

	return memcmp(ip, zero, sizeof(zero)) == 0;
}

static void addr_fill(struct addr *a, const uint8_t *ip, uint16_t port, bool v4)
{
	memcpy(a->ip, ip, sizeof(a->ip));
	a->port = port;
	if (v4 && is_zero(ip)) /* the any address of an IPv6 socket that talks IPv4 */
		a->ip[10] = a->ip[11] = 0xff;
}

/* Traffic of an IPv6 socket with a v4-mapped peer is IPv4 traffic. */
static uint8_t flow_family(const struct sw_flow *f)
{
	if (f->family == AF_INET)
		return 4;
	if (f->family == AF_INET6)
		return is_mapped(f->raddr) || is_mapped(f->laddr) ? 4 : 6;
	return 0;
}

static void flow_fill(struct flow *flow, const struct sw_flow *f, uint32_t kind)
{
	*flow = (struct flow){
		.cookie = f->cookie,
		.so_cookie = f->so_cookie,
		.cgroup_id = f->cgroup_id,
		.netns = f->netns,
		.protocol = f->protocol,
		.transport = flow_transport(f),
		.family = flow_family(f),
		.per_peer = f->flags & SW_F_PER_PEER,
		.shared = (f->flags & SW_F_SHARED) && !(f->flags & SW_F_PER_PEER),
		.reuse_addr = f->flags & SW_F_REUSEADDR,
		.reuse_port = f->flags & SW_F_REUSEPORT,
		.v6_socket = f->family == AF_INET6,
		.end = f->end,
		.rtt_us = f->srtt_us,
		.retransmits = f->retransmits,
	};
	flow->state = flow_state(f, flow->transport, kind);
	if (!flow->family)
		return;
	addr_fill(&flow->local, f->laddr, f->lport, flow->family == 4);
	if (f->rport || !is_zero(f->raddr))
		addr_fill(&flow->peer, f->raddr, f->rport, flow->family == 4);
	if (!flow->peer.port && addr_is_any(&flow->peer))
		memset(&flow->peer, 0, sizeof(flow->peer));
}

static uint8_t unattributed_reason(const struct sw_record *r)
{
	if (r->flow.flags & SW_F_OVERFLOW)
		return UNATTRIBUTED_OVERFLOW;
	if (r->account.flags & SW_A_KTHREAD)
		return UNATTRIBUTED_KERNEL;
	if (r->account.tgid)
		return UNATTRIBUTED_NONE;
	if (r->flow.flags & SW_F_KERNEL)
		return UNATTRIBUTED_KERNEL;
	if (r->flow.flags & SW_F_BEFORE_START)
		return UNATTRIBUTED_BEFORE_START;
	if (r->flow.flags & SW_F_SERVER && !r->account.rx_bytes)
		return UNATTRIBUTED_NOT_ACCEPTED;
	return UNATTRIBUTED_EXITED;
}

static void proc_fill(struct proc *p, const struct sw_record *r)
{
	*p = (struct proc){
		.unattributed = unattributed_reason(r),
		.uid = r->account.tgid ? r->account.uid : r->flow.uid,
	};
	if (p->unattributed)
		return;
	p->pid = r->account.tgid;
	p->start_ns = r->account.start_ns;
	memcpy(p->name, r->account.comm, EVENT_NAME - 1);
}

static void key_fill(struct use_key *key, const struct sw_record *r)
{
	memset(key, 0, sizeof(*key));
	key->cookie = r->flow.cookie;
	key->start_ns = r->account.start_ns;
	key->pid = r->account.tgid;
	key->kind = r->flow.flags & SW_F_OVERFLOW ? 1 : 0;
	if (r->flow.flags & SW_F_PER_PEER) {
		key->port = r->flow.rport;
		memcpy(key->ip, r->flow.raddr, sizeof(key->ip));
	}
}

static uint8_t news(uint32_t kind)
{
	static const uint8_t all[SW_REC_KINDS] = {
		[SW_REC_CONNECT] = NEWS_CONNECT, [SW_REC_ESTABLISHED] = NEWS_ESTABLISHED,
		[SW_REC_ACCEPT] = NEWS_ACCEPT,   [SW_REC_LISTEN] = NEWS_LISTEN,
		[SW_REC_BIND] = NEWS_BIND,       [SW_REC_RESET] = NEWS_RESET,
	};

	return kind < SW_REC_KINDS ? all[kind] : NEWS_NONE;
}

static bool is_news(uint32_t kind)
{
	return kind != SW_REC_IO && kind != SW_REC_SWEEP && kind != SW_REC_CLOSE &&
	       kind != SW_REC_FAIL;
}

static uint64_t added(uint64_t *last, uint64_t now)
{
	uint64_t plus = now > *last ? now - *last : 0; /* less: an older record that came later */

	*last += plus;
	return plus;
}

static void socket_note(struct decode *d, struct open_socket *s, const struct event *ev,
			uint32_t flags)
{
	if (ev->flow.role == ROLE_LISTENER && is_stream(ev->flow.transport))
		uses_listen(&d->uses, s, ev->flow.netns, ev->flow.local.port);
	if (flags & SW_F_NO_RELEASE && !s->no_release) {
		s->no_release = true;
		d->uses.no_release_count++;
	}
	if (!d->in_walk) /* what a dead socket left in the hash is no sign of life */
		s->missed = 0;
}

/* Holders of a connection beyond the first are no news: only of what can be accepted from. */
static bool is_idle_holder(const struct sw_record *r, const struct event *ev)
{
	return r->kind == SW_REC_SNAPSHOT && r->flow.flags & SW_F_SHARED &&
	       ev->flow.role != ROLE_LISTENER;
}

/* FNV-1a; whether a name has changed (exec, prctl), not which it is: no key, no attack. */
static uint32_t name_hash(const char *name)
{
	uint32_t h = 2166136261U;

	while (*name)
		h = (h ^ (uint8_t)*name++) * 16777619U;
	return h;
}

static void tell(struct decode *d, const struct sw_record *r, struct use *use, struct event *ev,
		 event_fn *fn, void *arg)
{
	uint32_t name = name_hash(ev->proc.name);

	if (is_news(r->kind) || !use->told || use->role != ev->flow.role ||
	    use->state != ev->flow.state || use->name != name) {
		ev->kind = EVENT_SEEN;
		ev->seen.was_open = r->kind == SW_REC_SNAPSHOT;
		ev->seen.news = news(r->kind);
		use->told = true;
		use->role = ev->flow.role;
		use->state = ev->flow.state;
		use->name = name;
		fn(ev, arg);
	}
	if (r->kind == SW_REC_FAIL) {
		ev->kind = EVENT_FAIL;
		ev->fail.error = r->error > 0 ? r->error : 0;
		fn(ev, arg);
	}
	ev->kind = EVENT_XFER;
	ev->xfer.tx_bytes = added(&use->tx_bytes, r->account.tx_bytes);
	ev->xfer.rx_bytes = added(&use->rx_bytes, r->account.rx_bytes);
	if (!ev->xfer.tx_bytes && !ev->xfer.rx_bytes)
		return;
	d->counts.io_records++;
	fn(ev, arg);
}

/* What it left in the hash has to be read, and deleted, before its end is told: by a whole walk,
 * not by one that is under way and may be past it. */
static void closing_add(struct decode *d, struct open_socket *s)
{
	struct open_socket **list = d->in_walk ? &d->late : &d->uses.closing;

	s->closing = true;
	s->waiting = *list;
	*list = s;
	d->counts.closing++;
}

static void end(struct decode *d, const struct sw_record *r, struct open_socket *s,
		struct event *ev, event_fn *fn, void *arg)
{
	if (s->closing)
		return;
	if (r->flow.flags & SW_F_EXTRA) {
		closing_add(d, s);
		return;
	}
	ev->kind = EVENT_CLOSE;
	fn(ev, arg);
	uses_forget(&d->uses, s);
}

static bool record_is_sane(const struct sw_record *r)
{
	return r->kind >= SW_REC_IO && r->kind <= SW_REC_CLOSE && r->flow.cookie &&
	       (r->flow.family == AF_INET || r->flow.family == AF_INET6 ||
		r->flow.family == AF_PACKET);
}

static void record_apply(struct decode *d, const struct sw_record *r, event_fn *fn, void *arg)
{
	struct event ev = {.time_ns = r->time_ns};
	struct open_socket *s = NULL;
	struct use_key key;
	struct use *use;

	if (r->time_ns > d->time_ns)
		d->time_ns = r->time_ns;
	flow_fill(&ev.flow, &r->flow, r->kind);
	proc_fill(&ev.proc, r);
	if (r->kind == SW_REC_BIND_FAIL) { /* says nothing of what the socket is */
		ev.kind = EVENT_BIND_FAIL;
		fn(&ev, arg);
		return;
	}
	key_fill(&key, r);
	use = uses_find(&d->uses, &key);
	ev.flow.role = flow_role(d, &r->flow, ev.flow.transport, use && use->role);
	if (use && !ev.flow.role)
		ev.flow.role = use->role;
	if (is_idle_holder(r, &ev))
		return;
	if (r->flow.flags & SW_F_EXTRA)
		d->counts.extra_records++;
	if (use)
		s = uses_socket_of(&d->uses, use);
	else
		use = uses_get(&d->uses, &key, &s);
	if (use) {
		socket_note(d, s, &ev, r->flow.flags);
		tell(d, r, use, &ev, fn, arg);
	} else { /* its bytes are missing, the end of its socket is not */
		d->counts.table_full++;
		s = uses_socket(&d->uses, key.cookie);
	}
	if (s && r->kind == SW_REC_CLOSE)
		end(d, r, s, &ev, fn, arg);
	counts_update(d);
}

static void exit_apply(const struct sw_record *r, event_fn *fn, void *arg)
{
	struct event ev = {.kind = EVENT_EXIT, .time_ns = r->time_ns};

	ev.proc.pid = r->account.tgid;
	ev.proc.start_ns = r->account.start_ns;
	fn(&ev, arg);
}

void decode_record(struct decode *d, const void *data, size_t len, event_fn *fn, void *arg)
{
	struct sw_record r;

	if (len != sizeof(r)) {
		d->counts.bad_records++;
		return;
	}
	memcpy(&r, data, sizeof(r)); /* may be unaligned */
	if (r.kind == SW_REC_EXIT) {
		exit_apply(&r, fn, arg);
		return;
	}
	if (!record_is_sane(&r)) {
		d->counts.bad_records++;
		return;
	}
	record_apply(d, &r, fn, arg);
}

bool decode_extra(struct decode *d, const void *key, const void *value, event_fn *fn, void *arg)
{
	struct sw_record r = {.kind = SW_REC_SWEEP, .time_ns = d->time_ns};
	struct sw_extra_key k;
	struct sw_extra extra;
	const struct open_socket *s;

	memcpy(&k, key, sizeof(k));
	memcpy(&extra, value, sizeof(extra));
	r.flow = extra.flow;
	r.account = extra.account;
	if (!record_is_sane(&r)) {
		d->counts.bad_records++;
		return true;
	}
	s = uses_socket(&d->uses, k.cookie);
	if (k.closed == 1)
		r.kind = SW_REC_CLOSE; /* slot 0: waits for decode_settle as it has SW_F_EXTRA */
	d->in_walk = true;
	record_apply(d, &r, fn, arg);
	d->in_walk = false;
	return k.closed || (s && s->closing);
}

static void settle(struct decode *d, struct open_socket *s, event_fn *fn, void *arg)
{
	struct event ev = {.kind = EVENT_CLOSE, .time_ns = d->time_ns};

	ev.flow.cookie = s->cookie;
	ev.flow.state = STATE_CLOSE;
	fn(&ev, arg);
	uses_forget(&d->uses, s);
}

void decode_settle(struct decode *d, event_fn *fn, void *arg)
{
	struct open_socket *s = d->uses.closing;

	d->uses.closing = d->late;
	d->late = NULL;
	while (s) {
		struct open_socket *next = s->waiting;

		d->counts.closing--;
		settle(d, s, fn, arg);
		s = next;
	}
	counts_update(d);
}

static void miss(struct open_socket *s, void *arg)
{
	struct decode *d = arg;

	if (s->no_release && !s->closing && s->missed++ >= MISSED_SWEEPS)
		closing_add(d, s);
}

void decode_swept(struct decode *d)
{
	if (d->uses.no_release_count)
		uses_each_socket(&d->uses, miss, d);
}
