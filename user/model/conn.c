/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/conn.h"

#include "model/counters.h"
#include "model/group.h"
#include "model/match.h"
#include "model/state.h"

#include <string.h>

/* Without padding, since its bytes are hashed. */
struct conn_key {
	uint64_t cookie, start_ns;
	uint32_t pid;
	uint16_t peer_port, per_peer;
	uint8_t peer_ip[16];
};

uint64_t conn_proc_start(const struct proc *p)
{
	return p->pid ? p->start_ns : p->unattributed;
}

static uint32_t event_hash(const struct model *m, const struct event *ev)
{
	struct conn_key key = {
		.cookie = ev->flow.cookie,
		.start_ns = conn_proc_start(&ev->proc),
		.pid = ev->proc.pid,
	};

	if (ev->flow.per_peer) {
		key.per_peer = 1;
		key.peer_port = ev->flow.peer.port;
		memcpy(key.peer_ip, ev->flow.peer.ip, sizeof(key.peer_ip));
	}
	return (uint32_t)hash_bytes(&m->key, &key, sizeof(key));
}

static bool conn_is(const struct entry *e, const void *arg)
{
	const struct row *row = &e->row;
	const struct event *ev = arg;

	return row->flow.cookie == ev->flow.cookie && row->proc.pid == ev->proc.pid &&
	       conn_proc_start(&row->proc) == conn_proc_start(&ev->proc) &&
	       row->flow.per_peer == ev->flow.per_peer &&
	       (!row->flow.per_peer || !addr_cmp(&row->flow.peer, &ev->flow.peer));
}

static struct conn *conn_find(const struct model *m, const struct event *ev, uint32_t hash)
{
	struct entry *e = table_find(&m->tables[TABLE_CONNECTIONS], hash, conn_is, ev);

	return e ? LIST_ENTRY(e, struct conn, e) : NULL;
}

/* ---- what is counted ---- */

/* A TCP socket that is only bound, or was closed by its peer's refusal, is no connection; nor is an
 * unconnected UDP socket itself: each of its peers is. */
static bool is_connection(const struct flow *f)
{
	bool connects = f->transport == TRANSPORT_TCP || f->transport == TRANSPORT_MPTCP ||
			f->transport == TRANSPORT_SCTP;

	static const struct addr none;

	if (f->role == ROLE_LISTENER)
		return false;
	if (f->transport == TRANSPORT_UDP && !addr_cmp(&f->peer, &none))
		return false;
	return !(connects && (f->state == STATE_BOUND || f->state == STATE_CLOSE));
}

/* Add what @c counts to all that it is part of, or take it away. */
static void share_out(struct model *m, struct conn *c,
		      void count(struct counters *to, const struct counters *share))
{
	int kind;

	for (kind = 0; kind < GROUP_KINDS; kind++) {
		struct counters share = group_share(c, kind);

		count(&group_row(m, c, kind)->count, &share);
		if (c->e.match)
			count(group_match(m, c, kind), &share);
		if (c->in[kind].group)
			table_note(&m->tables[kind], &c->in[kind].group->e);
	}
	table_note(&m->tables[TABLE_CONNECTIONS], &c->e);
	count(everything_of(m), &c->e.row.count);
	if (c->e.match)
		count(&m->totals.count, &c->e.row.count);
}

static void recount(struct model *m, struct conn *c)
{
	struct row *row = &c->e.row;
	bool open = !row->ended && is_connection(&row->flow);
	bool listening = !row->ended && row->flow.role == ROLE_LISTENER;
	bool once = !row->flow.shared;

	if (c->open == open && c->listening == listening && row->count.open == (open && once) &&
	    row->count.listening == (listening && once))
		return;
	share_out(m, c, counters_sub);
	c->open = open;
	c->listening = listening;
	c->opened |= open;
	row->count.open = open && once;
	row->count.listening = listening && once;
	row->count.opened |= open && once;
	share_out(m, c, counters_add);
}

/* ---- coming and going ---- */

static void forget(struct model *m, struct conn *c)
{
	struct table *t = &m->tables[TABLE_CONNECTIONS];

	group_leave(m, c);
	cookies_del(&m->cookies, c);
	t->matched -= c->e.match != NULL;
	table_fold(t, &c->e, m->totals.interval_ns);
	table_remove(t, &c->e);
}

void conn_quiet(struct entry *e, void *arg)
{
	struct model *m = arg;
	struct conn *c = LIST_ENTRY(e, struct conn, e);

	if (e->spare && !m->keep_ns)
		forget(m, c); /* if it matched when it was shown, it does in `other` */
	else
		match_look(m, c);
}

/* Those that have ended are spare, the one that ended first in front. */
void conn_expire(struct model *m)
{
	const struct table *t = &m->tables[TABLE_CONNECTIONS];

	while (!list_is_empty(&t->spare)) {
		struct entry *e = LIST_ENTRY(t->spare.next, struct entry, lru);

		if (e->dirty || e->row.changed || m->keep_ns == UINT64_MAX ||
		    e->row.count.last_ns + m->keep_ns > m->totals.time_ns)
			return;
		forget(m, LIST_ENTRY(e, struct conn, e));
	}
}

/* A connection that is out of sight is not counted as open; should it move bytes, it comes back. */
static void evict(struct model *m, struct conn *c)
{
	if (!c->e.spare || c->e.dirty)
		m->totals.evicted[TABLE_CONNECTIONS]++;
	match_look(m, c);
	c->e.row.ended = true;
	recount(m, c);
	forget(m, c);
}

static void set_proc(struct proc *to, const struct proc *from)
{
	*to = *from;
	to->name[EVENT_NAME - 1] = '\0';
}

static struct conn *create(struct model *m, const struct event *ev, uint32_t hash)
{
	struct table *t = &m->tables[TABLE_CONNECTIONS];
	struct conn *c;
	struct entry *e;

	while (!(e = table_add(t, hash)))
		evict(m, LIST_ENTRY(table_victim(t), struct conn, e));
	c = LIST_ENTRY(e, struct conn, e);
	set_proc(&e->row.proc, &ev->proc);
	e->row.flow = ev->flow;
	e->row.transport = ev->flow.transport;
	e->row.count.first_ns = e->row.count.last_ns = ev->time_ns;
	cookies_add(&m->cookies, c);
	return c;
}

static bool is_unclaimed(const struct row *row)
{
	return !row->proc.pid && !row->flow.per_peer && !row->ended &&
	       !(row->count.tx_total | row->count.rx_total);
}

/* A socket without a process, such as one that waits to be accepted, has now found one. */
static struct conn *take_over(struct model *m, const struct event *ev, uint32_t hash)
{
	struct conn *first, *c;

	if (ev->flow.per_peer)
		return NULL;
	c = first = cookies_find(&m->cookies, ev->flow.cookie);
	if (!c)
		return NULL;
	while (!is_unclaimed(&c->e.row)) {
		c = cookies_next(c);
		if (c == first)
			return NULL;
	}
	table_rehash(&m->tables[TABLE_CONNECTIONS], &c->e, hash);
	set_proc(&c->e.row.proc, &ev->proc);
	return c;
}

/* ---- news of a row ---- */

/* Newer wins, but what is not known never replaces what is. True if it is to be shown again. */
static bool merge_flow(struct flow *to, const struct flow *from)
{
	static const struct addr none;
	struct flow old = *to;

	if (from->role != ROLE_UNKNOWN)
		to->role = from->role;
	if (from->state != STATE_NONE)
		to->state = from->state;
	if (!to->per_peer && addr_cmp(&from->peer, &none))
		to->peer = from->peer;
	if (addr_cmp(&from->local, &none))
		to->local = from->local;
	if (from->family)
		to->family = from->family;
	if (from->cgroup_id)
		to->cgroup_id = from->cgroup_id;
	if (from->netns)
		to->netns = from->netns;
	if (from->so_cookie)
		to->so_cookie = from->so_cookie;
	/* Whoever was the first on a socket stays so: else it would be counted twice, or never. */
	to->shared = to->shared && from->shared;
	return to->role != old.role || to->state != old.state || addr_cmp(&to->peer, &old.peer) ||
	       addr_cmp(&to->local, &old.local);
}

/* Only a SEEN says who the process is now; other records may bring a name from before an exec. */
static void merge_proc(struct model *m, struct conn *c, const struct event *ev)
{
	struct entry *group = &c->in[TABLE_PROCESSES].group->e;
	struct proc *mine = &c->e.row.proc, *process = &group->row.proc;

	if (ev->kind == EVENT_SEEN && ev->proc.name[0]) {
		set_proc(mine, &ev->proc);
		set_proc(process, &ev->proc);
	}
	if (!mine->name[0])
		memcpy(mine->name, process->name, sizeof(mine->name));
	if (!process->name[0])
		memcpy(process->name, mine->name, sizeof(mine->name));
	table_note(&m->tables[TABLE_CONNECTIONS], &c->e);
	table_note(&m->tables[TABLE_PROCESSES], group);
}

static bool learn_flow(struct model *m, struct conn *c, const struct flow *f, uint64_t time_ns)
{
	bool changed = merge_flow(&c->e.row.flow, f);

	table_note(&m->tables[TABLE_CONNECTIONS], &c->e);
	group_place_flow(m, c);
	recount(m, c);
	if (changed)
		conn_touch(m, c, time_ns);
	match_look(m, c);
	return changed;
}

/* Role and state are the socket's: what one process of a shared socket brings is true for all. */
static void tell_siblings(struct model *m, struct conn *c, uint64_t time_ns)
{
	struct flow f = c->e.row.flow;
	struct conn *s;

	f.shared = true; /* says nothing of who was first */
	for (s = cookies_next(c); s != c; s = cookies_next(s)) {
		if (!s->e.row.ended && !s->e.row.flow.per_peer)
			learn_flow(m, s, &f, time_ns);
	}
}

static void merge(struct model *m, struct conn *c, const struct event *ev)
{
	const struct row *row = &c->e.row;

	/* Bytes between the fields may differ in equal flows: that costs time, no more. */
	if (row->ended || !memcmp(&row->flow, &ev->flow, sizeof(ev->flow)))
		return;
	if (learn_flow(m, c, &ev->flow, ev->time_ns) && !row->flow.per_peer)
		tell_siblings(m, c, ev->time_ns);
}

struct conn *conn_of(struct model *m, const struct event *ev)
{
	uint32_t hash = event_hash(m, ev);
	struct conn *c = conn_find(m, ev, hash);
	bool is_new = !c;

	if (!c)
		c = take_over(m, ev, hash);
	if (!c)
		c = create(m, ev, hash);
	group_place(m, c, TABLE_PROCESSES);
	merge_proc(m, c, ev);
	group_place_again(m, c);
	if (is_new) {
		recount(m, c);
		if (ev->kind != EVENT_SEEN || !ev->seen.was_open)
			conn_touch(m, c, ev->time_ns);
	}
	merge(m, c, ev);
	if (is_new || ev->kind == EVENT_SEEN)
		match_look(m, c);
	return c;
}

static void touch_row(struct table *t, struct entry *e, uint64_t time_ns)
{
	e->row.count.last_ns = time_ns;
	table_touch(t, e);
}

void conn_touch(struct model *m, struct conn *c, uint64_t time_ns)
{
	int kind;

	touch_row(&m->tables[TABLE_CONNECTIONS], &c->e, time_ns);
	for (kind = 0; kind < GROUP_KINDS; kind++) {
		if (c->in[kind].group)
			touch_row(&m->tables[kind], &c->in[kind].group->e, time_ns);
		if (c->e.match)
			group_match(m, c, kind)->last_ns = time_ns;
	}
	everything_of(m)->last_ns = time_ns;
	if (c->e.match)
		m->totals.count.last_ns = time_ns;
}

static void add_bytes(struct counters *c, uint64_t tx_bytes, uint64_t rx_bytes)
{
	c->tx_total += tx_bytes;
	c->rx_total += rx_bytes;
	c->tx_now += tx_bytes;
	c->rx_now += rx_bytes;
}

void conn_transfer(struct model *m, struct conn *c, uint64_t tx_bytes, uint64_t rx_bytes)
{
	add_bytes(&c->e.row.count, tx_bytes, rx_bytes);
	for (int kind = 0; kind < GROUP_KINDS; kind++) {
		add_bytes(&group_row(m, c, kind)->count, tx_bytes, rx_bytes);
		if (c->e.match)
			add_bytes(group_match(m, c, kind), tx_bytes, rx_bytes);
	}
	add_bytes(everything_of(m), tx_bytes, rx_bytes);
	if (c->e.match)
		add_bytes(&m->totals.count, tx_bytes, rx_bytes);
}

void conn_fail(struct model *m, struct conn *c, int error)
{
	c->e.row.error = error;
	c->e.row.count.failed++;
	for (int kind = 0; kind < GROUP_KINDS; kind++) {
		group_row(m, c, kind)->count.failed++;
		if (c->e.match)
			group_match(m, c, kind)->failed++;
	}
	everything_of(m)->failed++;
	if (c->e.match)
		m->totals.count.failed++;
}

static void end(struct model *m, struct conn *c, uint64_t time_ns)
{
	struct row *row = &c->e.row;

	if (row->ended)
		return;
	row->ended = true;
	row->flow.state = STATE_CLOSE;
	recount(m, c);
	table_set_spare(&m->tables[TABLE_CONNECTIONS], &c->e, true);
	conn_touch(m, c, time_ns);
}

/* The last record may know more than the row, but a closed socket also forgets ports and peers. */
static void learn_last(struct model *m, struct conn *c, const struct event *ev)
{
	struct event last = *ev;

	merge_flow(&last.flow, &c->e.row.flow);
	merge(m, c, &last);
}

void conn_close(struct model *m, const struct event *ev)
{
	struct conn *first = cookies_find(&m->cookies, ev->flow.cookie), *c;

	if (!first)
		return;
	c = conn_find(m, ev, event_hash(m, ev));
	if (c)
		learn_last(m, c, ev);
	c = first;
	do {
		end(m, c, ev->time_ns);
		c = cookies_next(c);
	} while (c != first);
}
