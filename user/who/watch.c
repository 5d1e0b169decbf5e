/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE /* strerrorname_np() */
#include "who/watch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/buf.h"
#include "util/fmt.h"
#include "util/text.h"
#include "who/target.h"

enum { FIRST_ROOM = 32, NS_PER_S = 1000000000 };

enum step {
	STEP_HELD, /* at the start */
	STEP_BIND,
	STEP_LISTEN,
	STEP_ACCEPT,
	STEP_HANDOVER, /* it has it too: by fork, exec or a message */
	STEP_RELEASE,  /* it has it no longer, and others do or it is gone */
	STEP_CLOSE,
	STEP_EXIT,
	STEP_FAIL,
	STEPS
};

struct news {
	uint64_t time_ns;
	size_t order; /* in which it was learnt */
	enum step step;
	struct addr local, peer;
	uint32_t pid, netns;
	int error;
	uint8_t transport;
	char name[EVENT_NAME];
};

struct known { /* a process has a socket open */
	uint64_t cookie;
	uint64_t start_ns;
	struct addr local;
	uint32_t pid, netns;
	uint8_t transport, state;
	bool seen; /* in the census under way */
	char name[EVENT_NAME];
};

struct list {
	void *data;
	size_t count, room;
};

struct watch {
	const struct target *targets;
	size_t target_count;
	bool json, begun, failed;
	struct list news, known;
	size_t order;
};

/* One more element of @size, all zero; NULL when out of memory. */
static void *add(struct list *l, size_t size)
{
	if (l->count == l->room) {
		size_t room = l->room ? l->room * 2 : FIRST_ROOM;
		void *data = realloc(l->data, room * size);

		if (!data)
			return NULL;
		l->data = data;
		l->room = room;
	}
	return memset((char *)l->data + l->count++ * size, 0, size);
}

struct watch *watch_new(const struct target *targets, size_t count, bool json)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w)
		*w = (struct watch){.targets = targets, .target_count = count, .json = json};
	return w;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	free(w->news.data);
	free(w->known.data);
	free(w);
}

/* An address that is bound to all counts as any that is asked for. */
static bool is_watched(const struct watch *w, uint8_t transport, const struct addr *local)
{
	const struct census_sock s = {.local = *local, .transport = transport};

	for (size_t i = 0; i < w->target_count; i++) {
		const struct target *t = &w->targets[i];

		if (t->addr.port == local->port &&
		    (t->transport == TRANSPORT_COUNT || t->transport == transport) &&
		    (!t->has_address || target_covers(&s, &t->addr)))
			return true;
	}
	return false;
}

static struct news *tell(struct watch *w, enum step step, uint64_t time_ns, const struct known *k)
{
	struct news *n = add(&w->news, sizeof(*n));

	if (!n)
		return NULL;
	n->step = step;
	n->time_ns = time_ns;
	n->order = w->order++;
	n->local = k->local;
	n->transport = k->transport;
	n->netns = k->netns;
	n->pid = k->pid;
	memcpy(n->name, k->name, sizeof(n->name));
	return n;
}

static struct known *find(struct watch *w, uint64_t cookie, uint32_t pid)
{
	struct known *k = w->known.data;

	for (size_t i = 0; i < w->known.count; i++)
		if (k[i].cookie == cookie && k[i].pid == pid)
			return &k[i];
	return NULL;
}

static void forget(struct watch *w, struct known *k)
{
	struct known *all = w->known.data;

	*k = all[--w->known.count];
}

static struct known *learn(struct watch *w, const struct known *from)
{
	struct known *k = add(&w->known, sizeof(*k));

	if (k)
		*k = *from;
	else
		w->failed = true;
	return k;
}

/* ---- events ---- */

static struct known of_event(const struct event *ev)
{
	struct known k = {
		.cookie = ev->flow.so_cookie ? ev->flow.so_cookie : ev->flow.cookie,
		.start_ns = ev->proc.start_ns,
		.local = ev->flow.local,
		.pid = ev->proc.pid,
		.netns = ev->flow.netns,
		.transport = ev->flow.transport,
		.state = ev->flow.state,
	};

	memcpy(k.name, ev->proc.name, sizeof(k.name));
	return k;
}

/* What a socket that is seen anew, or in a new state, has just done. */
static int step_of(const struct event *ev, const struct known *before)
{
	if (before && before->state == ev->flow.state)
		return -1;
	if (ev->flow.state == STATE_LISTEN)
		return STEP_LISTEN;
	if (ev->flow.state == STATE_BOUND)
		return STEP_BIND;
	if (ev->flow.state == STATE_OPEN)
		return before ? -1 : STEP_BIND;
	if (ev->flow.role == ROLE_SERVER && ev->flow.state == STATE_ESTABLISHED)
		return STEP_ACCEPT;
	return -1;
}

static void on_seen(struct watch *w, const struct event *ev)
{
	const struct known now = of_event(ev);
	struct known *before = find(w, now.cookie, now.pid);
	int step = step_of(ev, before);
	struct news *n;

	if (before)
		before->state = now.state;
	else
		learn(w, &now);
	if (ev->seen.was_open || step < 0)
		return; /* the first census tells of it */
	n = tell(w, (enum step)step, ev->time_ns, &now);
	if (n)
		n->peer = ev->flow.peer;
}

static void on_close(struct watch *w, const struct event *ev)
{
	const struct known now = of_event(ev);
	struct known *k = w->known.data;
	struct news *n = tell(w, STEP_CLOSE, ev->time_ns, &now);

	if (n)
		n->peer = ev->flow.peer;
	for (size_t i = 0; i < w->known.count;)
		if (k[i].cookie == now.cookie)
			forget(w, &k[i]);
		else
			i++;
}

static void on_end(struct watch *w, const struct event *ev)
{
	struct known *k = w->known.data;
	bool told = false;

	for (size_t i = 0; i < w->known.count;) {
		if (k[i].pid != ev->proc.pid || k[i].start_ns != ev->proc.start_ns) {
			i++;
			continue;
		}
		if (!told)
			tell(w, STEP_EXIT, ev->time_ns, &k[i]);
		told = true;
		forget(w, &k[i]);
	}
}

void watch_event(struct watch *w, const struct event *ev)
{
	if (ev->kind == EVENT_EXIT)
		on_end(w, ev);
	if ((ev->kind != EVENT_SEEN && ev->kind != EVENT_CLOSE) || !ev->proc.pid ||
	    !is_watched(w, ev->flow.transport, &ev->flow.local))
		return;
	if (ev->kind == EVENT_SEEN)
		on_seen(w, ev);
	else
		on_close(w, ev);
}

void watch_failed(struct watch *w, const struct watch_failure *f)
{
	struct known k = {
		.local = f->local, .pid = f->pid, .netns = f->netns, .transport = f->transport};
	struct news *n;

	if (!is_watched(w, f->transport, &f->local))
		return;
	memcpy(k.name, f->name, sizeof(k.name));
	n = tell(w, STEP_FAIL, f->time_ns, &k);
	if (n)
		n->error = f->error;
}

/* ---- censuses ---- */

static void on_hold(struct watch *w, const struct census *c, const struct census_hold *h,
		    uint64_t now_ns)
{
	const struct census_sock *s = &c->socks[h->sock];
	const struct census_task *task = census_task(c, h->pid);
	struct known now = {.cookie = s->cookie,
			    .start_ns = h->start_ns,
			    .local = s->local,
			    .pid = h->pid,
			    .netns = s->netns,
			    .transport = s->transport,
			    .state = s->state};
	struct known *k = find(w, s->cookie, h->pid);
	bool is_new = !k;

	if (task)
		memcpy(now.name, task->name, sizeof(now.name));
	if (is_new)
		k = learn(w, &now);
	if (!k)
		return;
	k->seen = true;
	if (!w->begun)
		tell(w, STEP_HELD, now_ns, &now);
	else if (is_new)
		tell(w, STEP_HANDOVER, now_ns, &now);
}

void watch_census(struct watch *w, const struct census *c, uint64_t now_ns)
{
	struct known *k = w->known.data;
	uint32_t last_pid = 0;
	size_t last_sock = SIZE_MAX;

	for (size_t i = 0; i < w->known.count; i++)
		k[i].seen = false;
	for (size_t i = 0; i < c->hold_count; i++) {
		const struct census_hold *h = &c->holds[i];
		const struct census_sock *s = &c->socks[h->sock];

		if ((h->sock == last_sock && h->pid == last_pid) || !s->cookie ||
		    !is_watched(w, s->transport, &s->local))
			continue;
		last_sock = h->sock;
		last_pid = h->pid;
		on_hold(w, c, h, now_ns);
	}
	w->begun = true;
	k = w->known.data;
	for (size_t i = 0; i < w->known.count;) {
		bool counted = k[i].state == STATE_LISTEN || k[i].state == STATE_BOUND ||
			       k[i].state == STATE_OPEN;

		if (k[i].seen || !counted) {
			i++;
			continue;
		}
		tell(w, STEP_RELEASE, now_ns, &k[i]);
		forget(w, &k[i]);
	}
}

/* ---- lines ---- */

static int by_time(const void *a, const void *b)
{
	const struct news *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static const char *const step_names[STEPS] = {
	[STEP_HELD] = "held",     [STEP_BIND] = "bind",         [STEP_LISTEN] = "listen",
	[STEP_ACCEPT] = "accept", [STEP_HANDOVER] = "handover", [STEP_RELEASE] = "release",
	[STEP_CLOSE] = "close",   [STEP_EXIT] = "exit",         [STEP_FAIL] = "bind_failed",
};

static void put_text(struct buf *out, const struct news *n, uint64_t wall_ns)
{
	static const char *const texts[STEPS] = {
		[STEP_HELD] = "held by",
		[STEP_BIND] = "bound by",
		[STEP_LISTEN] = "listens by",
		[STEP_ACCEPT] = "accepted by",
		[STEP_HANDOVER] = "now also held by",
		[STEP_RELEASE] = "let go by",
		[STEP_CLOSE] = "closed by",
		[STEP_EXIT] = "ended:",
		[STEP_FAIL] = "bind failed for",
	};
	uint64_t wall = n->time_ns + wall_ns;
	time_t seconds = (time_t)(wall / NS_PER_S);
	char clean[EVENT_NAME * 8], text[ADDR_TEXT + 8];
	struct tm tm = {0};

	localtime_r(&seconds, &tm);
	text_sanitize(clean, sizeof(clean), n->name, strnlen(n->name, sizeof(n->name)));
	buf_printf(out, "%02d:%02d:%02d.%03u %s %s %s %s[%u]", tm.tm_hour, tm.tm_min, tm.tm_sec,
		   (unsigned int)(wall % NS_PER_S / 1000000), transport_name(n->transport),
		   addr_format(text, sizeof(text), &n->local), texts[n->step], clean,
		   (unsigned int)n->pid);
	if (n->peer.port)
		buf_printf(out, " from %s", addr_format(text, sizeof(text), &n->peer));
	if (n->error)
		buf_printf(out, ": %s", strerror(n->error));
	buf_putc(out, '\n');
}

static void put_json(struct buf *out, const struct news *n, uint64_t wall_ns)
{
	char text[ADDR_TEXT];

	buf_printf(out, "{\"@timestamp\":\"%s\",\"sockwatch.record\":\"watch\"",
		   fmt_time_utc(text, sizeof(text), n->time_ns + wall_ns));
	buf_printf(out, ",\"sockwatch.event\":\"%s\",\"network.transport\":\"%s\"",
		   step_names[n->step], transport_name(n->transport));
	buf_printf(out, ",\"network.local.address\":\"%s\"",
		   addr_format_ip(text, sizeof(text), &n->local));
	buf_printf(out, ",\"network.local.port\":%u,\"sockwatch.netns\":%u",
		   (unsigned int)n->local.port, (unsigned int)n->netns);
	if (n->peer.port)
		buf_printf(out, ",\"network.peer.address\":\"%s\",\"network.peer.port\":%u",
			   addr_format_ip(text, sizeof(text), &n->peer),
			   (unsigned int)n->peer.port);
	buf_printf(out, ",\"process.pid\":%u,\"process.name\":\"", (unsigned int)n->pid);
	text_json(out, n->name, strnlen(n->name, sizeof(n->name)));
	buf_putc(out, '"');
	if (n->error)
		buf_printf(out, ",\"sockwatch.error\":\"%s\"", strerrorname_np(n->error));
	buf_puts(out, "}\n");
}

void watch_flush(struct watch *w, struct buf *out, uint64_t wall_ns)
{
	struct news *n = w->news.data;

	if (w->news.count)
		qsort(n, w->news.count, sizeof(*n), by_time);
	for (size_t i = 0; i < w->news.count; i++)
		if (w->json)
			put_json(out, &n[i], wall_ns);
		else
			put_text(out, &n[i], wall_ns);
	w->news.count = 0;
}
