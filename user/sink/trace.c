/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sink/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/filter.h"
#include "sink/journal.h"
#include "sink/track.h"

enum {
	MAX_HELD = 32768,        /* things that wait for their tick; more are told before it */
	SETTLE_NS = 2000000,     /* so long before a tick, records of all CPUs have arrived */
	CLOCK_STEP_NS = 1000000, /* a smaller change of the time of day is not one */
};

struct happening {
	uint64_t time_ns;
	uint64_t number; /* in the order of arrival */
	struct row row;
	struct trace_facts facts;
};

struct trace {
	struct sink sink;
	struct journal journal;
	unsigned int kinds;
	const struct filter *filter;
	struct tracks tracks;
	struct happening *held; /* owned */
	size_t count, cap;
	uint64_t number;
	uint64_t wall_offset_ns; /* from boottime to the time of day */
};

const char *trace_name(enum trace_kind kind)
{
	static const char *const names[TRACE_COUNT] = {
		[TRACE_CONNECT] = "connect",
		[TRACE_ESTABLISHED] = "established",
		[TRACE_ACCEPT] = "accept",
		[TRACE_LISTEN] = "listen",
		[TRACE_BIND] = "bind",
		[TRACE_CLOSE] = "close",
		[TRACE_RESET] = "reset",
		[TRACE_CONNECT_FAILED] = "connect_failed",
		[TRACE_BIND_FAILED] = "bind_failed",
	};

	return names[kind];
}

/* ---- telling ---- */

static int by_time(const void *a, const void *b)
{
	const struct happening *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static void tell(struct trace *t, const struct happening *h)
{
	struct record r = {
		.kind = RECORD_EVENT, .row = &h->row, .facts = &h->facts, .time_ns = h->time_ns};
	struct journal *j = &t->journal;

	fmt_time_utc(j->timestamp, sizeof(j->timestamp), h->time_ns + t->wall_offset_ns);
	journal_put(j, &r, NULL);
}

/* All until @until_ns; what is younger may yet be overtaken. */
static void tell_held(struct trace *t, uint64_t until_ns)
{
	size_t told = 0;

	qsort(t->held, t->count, sizeof(*t->held), by_time);
	while (told < t->count && t->held[told].time_ns <= until_ns)
		tell(t, &t->held[told++]);
	t->count -= told;
	memmove(t->held, t->held + told, t->count * sizeof(*t->held));
}

static struct happening *hold(struct trace *t)
{
	size_t cap = t->cap ? t->cap * 2 : 64;
	struct happening *more;

	if (t->count == MAX_HELD)
		tell_held(t, UINT64_MAX);
	if (t->count < t->cap)
		return &t->held[t->count++];
	more = realloc(t->held, cap * sizeof(*more));
	if (!more) {
		t->journal.err = -ENOMEM;
		return NULL;
	}
	t->held = more;
	t->cap = cap;
	return &t->held[t->count++];
}

/* ---- who has the port ---- */

struct search {
	const struct flow *asked;
	struct row *best;
};

static bool overlaps(const struct flow *a, const struct flow *b)
{
	if (addr_is_any(&a->local) || addr_is_any(&b->local))
		return true;
	return !memcmp(a->local.ip, b->local.ip, sizeof(a->local.ip));
}

/* Listeners before what is only bound, that before connections. */
static int weight(const struct row *row)
{
	switch (row->flow.state) {
	case STATE_LISTEN:
		return 3;
	case STATE_BOUND:
	case STATE_OPEN:
		return 2;
	default:
		return 1;
	}
}

static void look_at_holder(const struct row *row, void *arg)
{
	struct search *s = arg;
	const struct flow *f = &row->flow;

	if (row->is_other || row->ended || f->local.port != s->asked->local.port ||
	    f->netns != s->asked->netns || f->transport != s->asked->transport ||
	    f->cookie == s->asked->cookie || f->state == STATE_CLOSE || !overlaps(f, s->asked))
		return;
	if (!s->best->flow.cookie || weight(row) > weight(s->best))
		*s->best = *row;
}

/* No hook tells why a bind failed. If somebody has the port, this is why. */
static void find_holder(struct trace *t, struct happening *h)
{
	struct search search = {&h->row.flow, &h->facts.holder};

	if (h->row.flow.local.port)
		model_each(t->journal.model, TABLE_CONNECTIONS, look_at_holder, &search);
	if (h->facts.holder.flow.cookie)
		h->row.error = EADDRINUSE;
}

/* ---- what happens ---- */

static struct happening *note(struct trace *t, enum trace_kind kind, const struct event *ev,
			      const struct track *track)
{
	struct row row = {.table = TABLE_CONNECTIONS, .proc = ev->proc, .flow = ev->flow};
	struct happening *h;

	row.transport = ev->flow.transport;
	row.count.first_ns = track ? track->begin_ns : 0;
	row.count.last_ns = ev->time_ns;
	if (track) {
		row.count.tx_total = track->tx_bytes;
		row.count.rx_total = track->rx_bytes;
	}
	if (!(t->kinds & 1U << kind) ||
	    (t->filter && !filter_match(t->filter, &row, t->journal.model)))
		return NULL;
	h = hold(t);
	if (!h)
		return NULL;
	*h = (struct happening){.time_ns = ev->time_ns, .number = t->number++, .row = row};
	h->facts.kind = kind;
	return h;
}

static void on_established(struct trace *t, const struct event *ev, struct track *track)
{
	struct happening *h = note(t, TRACE_ESTABLISHED, ev, track);

	if (h && track && track->connect_ns)
		h->facts.latency_ns = ev->time_ns - track->connect_ns;
	if (track)
		track->connect_ns = 0;
}

static void on_connect(struct trace *t, const struct event *ev, struct track *track)
{
	if (track) {
		track->begin_ns = track->connect_ns = ev->time_ns;
		track->failed = false;
	}
	note(t, TRACE_CONNECT, ev, track);
}

/* Also by the first bytes, where no hook tells of it. */
static void on_accept(struct trace *t, const struct event *ev, struct track *track)
{
	if (track && track->accepted)
		return;
	if (track)
		track->accepted = true;
	note(t, TRACE_ACCEPT, ev, track);
}

static void put_end(struct happening *h, const struct track *track)
{
	if (!h || !track)
		return;
	h->facts.has_bytes = true;
	h->facts.has_duration = track->begin_ns != 0;
	if (track->begin_ns)
		h->facts.duration_ns = h->time_ns - track->begin_ns;
}

static struct track *remember(struct trace *t, const struct event *ev)
{
	struct track *track = tracks_find(&t->tracks, ev->flow.cookie);
	bool is_new = !track;

	if (is_new)
		track = tracks_get(&t->tracks, ev->flow.cookie);
	if (!track)
		return NULL;
	if (is_new && !(ev->kind == EVENT_SEEN && ev->seen.was_open))
		track->begin_ns = ev->time_ns;
	if (is_new && ev->kind == EVENT_SEEN && ev->seen.was_open)
		track->accepted = true; /* or not: it is no news */
	track->proc = ev->proc;
	track->flow = ev->flow;
	return track;
}

static void on_seen(struct trace *t, const struct event *ev)
{
	struct track *track = remember(t, ev);
	const struct flow *f = &ev->flow;

	switch (ev->seen.news) {
	case NEWS_CONNECT:
		on_connect(t, ev, track);
		break;
	case NEWS_ESTABLISHED:
		on_established(t, ev, track);
		break;
	case NEWS_ACCEPT:
		on_accept(t, ev, track);
		break;
	case NEWS_LISTEN:
	case NEWS_BIND:
		if (track)
			track->failed = false;
		note(t, ev->seen.news == NEWS_BIND ? TRACE_BIND : TRACE_LISTEN, ev, track);
		break;
	case NEWS_RESET:
		put_end(note(t, TRACE_RESET, ev, track), track);
		break;
	default:
		if (f->role == ROLE_SERVER && f->transport == TRANSPORT_TCP && ev->proc.pid &&
		    f->state == STATE_ESTABLISHED && !ev->seen.was_open)
			on_accept(t, ev, track);
	}
}

static void on_transfer(struct trace *t, const struct event *ev)
{
	struct track *track = remember(t, ev);

	if (!track)
		return;
	track->tx_bytes += ev->xfer.tx_bytes;
	track->rx_bytes += ev->xfer.rx_bytes;
	track->failed = false;
}

static void on_connect_failed(struct trace *t, const struct event *ev)
{
	struct track *track = remember(t, ev);
	struct happening *h = note(t, TRACE_CONNECT_FAILED, ev, track);

	if (h)
		h->row.error = ev->fail.error;
	if (h && track && track->connect_ns)
		h->facts.latency_ns = ev->time_ns - track->connect_ns;
	if (!track)
		return;
	track->connect_ns = 0;
	track->failed = true;
}

static void on_bind_failed(struct trace *t, const struct event *ev)
{
	struct happening *h = note(t, TRACE_BIND_FAILED, ev, NULL);
	struct track *track = remember(t, ev);

	if (track)
		track->failed = true;
	if (h)
		find_holder(t, h);
}

/* An end that had to wait for the last bytes of others names only the socket. */
static void on_close(struct trace *t, const struct event *ev)
{
	struct track *track = tracks_find(&t->tracks, ev->flow.cookie);
	struct event whole = *ev;

	if (track && !ev->flow.netns) {
		whole.proc = track->proc;
		whole.flow = track->flow;
		whole.flow.state = STATE_CLOSE;
	}
	if (!track || !track->failed)
		put_end(note(t, TRACE_CLOSE, &whole, track), track);
	tracks_forget(&t->tracks, ev->flow.cookie);
}

static void on_tick(struct trace *t, const struct event *ev)
{
	uint64_t offset = ev->tick.wall_ns - ev->time_ns;
	uint64_t drift = offset > t->wall_offset_ns ? offset - t->wall_offset_ns
						    : t->wall_offset_ns - offset;
	struct journal *j = &t->journal;

	if (drift > CLOCK_STEP_NS)
		t->wall_offset_ns = offset;
	tell_held(t, ev->tick.last ? UINT64_MAX : ev->time_ns - SETTLE_NS);
	fmt_time_utc(j->timestamp, sizeof(j->timestamp), j->wall_ns);
	journal_tick(j, ev);
}

static int trace_event(struct sink *s, const struct event *ev, const struct model *m)
{
	struct trace *t = (struct trace *)s;

	journal_event(&t->journal, ev, m);
	switch (ev->kind) {
	case EVENT_SEEN:
		on_seen(t, ev);
		break;
	case EVENT_XFER:
		on_transfer(t, ev);
		break;
	case EVENT_FAIL:
		on_connect_failed(t, ev);
		break;
	case EVENT_BIND_FAIL:
		on_bind_failed(t, ev);
		break;
	case EVENT_CLOSE:
		on_close(t, ev);
		break;
	case EVENT_TICK:
		on_tick(t, ev);
		break;
	default:
		break;
	}
	return t->journal.err;
}

static int trace_close(struct sink *s)
{
	struct trace *t = (struct trace *)s;
	int err;

	if (!t)
		return 0;
	journal_done(&t->journal);
	err = t->journal.err;
	tracks_done(&t->tracks);
	free(t->held);
	free(t);
	return err;
}

static const struct sink_ops trace_ops = {
	.name = "trace",
	.event = trace_event,
	.close = trace_close,
};

struct sink *trace_new(struct lines *lines, const struct trace_options *options)
{
	struct trace *t = calloc(1, sizeof(*t));

	if (!t || tracks_init(&t->tracks)) {
		free(t);
		return NULL;
	}
	t->sink.ops = &trace_ops;
	t->kinds = options->kinds;
	t->filter = options->filter;
	t->journal.format = options->format;
	t->journal.lines = lines;
	t->journal.sheet = (struct sheet){
		.schema = options->schema,
		.by = RECORD_EVENT,
		.version = options->version,
		.boot_id = options->boot_id,
		.filter = options->filter,
		.interval_ns = options->interval_ns,
	};
	journal_init(&t->journal);
	return &t->sink;
}
