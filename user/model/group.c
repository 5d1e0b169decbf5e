/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/group.h"

#include "model/conn.h"
#include "model/counters.h"
#include "model/match.h"
#include "model/state.h"

#include <string.h>

/* Fixed width and without padding, since its bytes are hashed. */
struct group_key {
	uint64_t start_ns; /* processes; the reason when unattributed */
	uint32_t pid;      /* processes */
	uint16_t port;     /* ports, as the next two */
	uint8_t transport, role;
};

static struct group_key process_key(const struct proc *p)
{
	return (struct group_key){.pid = p->pid, .start_ns = conn_proc_start(p)};
}

/* Which side of the service the socket is on: a listener is its server's. */
static uint8_t side_of(uint8_t role)
{
	return role == ROLE_LISTENER ? ROLE_SERVER : role;
}

static struct group_key key_of(const struct conn *c, enum table_kind kind)
{
	const struct flow *f = &c->e.row.flow;

	if (kind == TABLE_PROCESSES)
		return process_key(&c->e.row.proc);
	return (struct group_key){
		.port = model_service_port(f),
		.transport = f->transport,
		.role = side_of(f->role),
	};
}

static bool group_is(const struct entry *e, const void *arg)
{
	const struct group_key *key = arg;
	const struct row *row = &e->row;

	if (row->table == TABLE_PROCESSES)
		return row->proc.pid == key->pid && conn_proc_start(&row->proc) == key->start_ns;
	return row->port == key->port && row->transport == key->transport && row->role == key->role;
}

static uint32_t key_hash(const struct model *m, const struct group_key *key)
{
	return (uint32_t)hash_bytes(&m->key, key, sizeof(*key));
}

static struct conn *member_conn(struct list *link, enum table_kind kind)
{
	return LIST_ENTRY((char *)link - kind * sizeof(struct member), struct conn, in[0].link);
}

struct row *group_row(struct model *m, struct conn *c, enum table_kind kind)
{
	struct group *g = c->in[kind].group;

	return g ? &g->e.row : &m->tables[kind].other;
}

struct counters *group_match(struct model *m, struct conn *c, enum table_kind kind)
{
	struct group *g = c->in[kind].group;

	return g ? &g->shown.count : &m->tables[kind].other_match.count;
}

struct counters group_share(const struct conn *c, enum table_kind kind)
{
	struct counters share = c->e.row.count;

	if (kind == TABLE_PROCESSES) {
		share.open = c->open;
		share.listening = c->listening;
		share.opened = c->opened;
	}
	return share;
}

/* The pair of process and port that @c is a row of, before or after it changes one of them. */
static void count_user(struct model *m, struct conn *c, bool match,
		       void count(struct users *u, struct group *process, struct port_users *port))
{
	struct group *process = c->in[TABLE_PROCESSES].group, *g = c->in[TABLE_PORTS].group;
	struct port *port;

	if (!process || !g)
		return;
	port = LIST_ENTRY(g, struct port, g);
	count(&m->users, process, match ? &port->match : &port->all);
	g->e.row.user_count = port->all.named;
	table_note(&m->tables[TABLE_PORTS], &g->e);
}

static void leave(struct model *m, struct conn *c, enum table_kind kind)
{
	if (!c->in[kind].group)
		return;
	count_user(m, c, false, users_unref);
	if (c->e.match) {
		count_user(m, c, true, users_unref);
		c->in[kind].group->matching--;
	}
	list_del(&c->in[kind].link);
	c->in[kind].group = NULL;
}

static void join(struct model *m, struct conn *c, enum table_kind kind, struct group *g)
{
	c->in[kind].group = g;
	list_add_tail(&g->members, &c->in[kind].link);
	table_set_spare(&m->tables[kind], &g->e, false);
	count_user(m, c, false, users_ref);
	if (!c->e.match)
		return;
	count_user(m, c, true, users_ref);
	g->matching++;
}

static void tidy(struct model *m, struct group *g, enum table_kind kind)
{
	if (!list_is_empty(&g->members))
		return;
	if (counters_empty(&g->e.row.count))
		table_remove(&m->tables[kind], &g->e);
	else
		table_set_spare(&m->tables[kind], &g->e, true);
}

/* The shares of its members go to `other` with it, and come back when they next say something. */
static void evict(struct model *m, struct group *g, enum table_kind kind)
{
	struct table *t = &m->tables[kind];

	while (!list_is_empty(&g->members))
		leave(m, member_conn(g->members.next, kind), kind);
	if (!g->e.spare || g->e.dirty)
		m->totals.evicted[kind]++;
	table_fold(t, &g->e, m->totals.interval_ns);
	table_remove(t, &g->e);
}

static struct group *create(struct model *m, const struct conn *c, enum table_kind kind,
			    const struct group_key *key, uint32_t hash)
{
	struct table *t = &m->tables[kind];
	struct entry *e;
	struct group *g;

	while (!(e = table_add(t, hash)))
		evict(m, LIST_ENTRY(table_victim(t), struct group, e), kind);
	g = LIST_ENTRY(e, struct group, e);
	list_init(&g->members);
	e->match = m->filter ? &g->shown.count : NULL;
	if (kind == TABLE_PROCESSES) {
		e->row.proc = c->e.row.proc;
	} else {
		struct port *port = LIST_ENTRY(g, struct port, g);

		e->row.port = key->port;
		e->row.transport = key->transport;
		e->row.role = key->role;
		e->row.users = port->all.users;
		users_init_port(&port->all);
		users_init_port(&port->match);
	}
	return g;
}

static void move_share(const struct model *m, const struct conn *c, enum table_kind kind,
		       struct counters *from, struct counters *to)
{
	struct counters share = group_share(c, kind);

	counters_sub(from, &share);
	counters_rate(from, m->totals.interval_ns);
	counters_add(to, &share);
	counters_rate(to, m->totals.interval_ns);
}

void group_place(struct model *m, struct conn *c, enum table_kind kind)
{
	struct group_key key = key_of(c, kind);
	struct group *from = c->in[kind].group, *to;
	struct entry *e;
	uint32_t hash;

	if (from && group_is(&from->e, &key))
		return;
	hash = key_hash(m, &key);
	e = table_find(&m->tables[kind], hash, group_is, &key);
	to = e ? LIST_ENTRY(e, struct group, e) : create(m, c, kind, &key, hash);
	/* Only now: making room may have evicted the group that it is in. */
	from = c->in[kind].group;
	move_share(m, c, kind, &group_row(m, c, kind)->count, &to->e.row.count);
	if (c->e.match)
		move_share(m, c, kind, group_match(m, c, kind), &to->shown.count);
	leave(m, c, kind);
	join(m, c, kind, to);
	table_touch(&m->tables[kind], &to->e);
	if (from) {
		table_note(&m->tables[kind], &from->e);
		tidy(m, from, kind);
	}
}

void group_leave(struct model *m, struct conn *c, enum table_kind kind)
{
	struct group *g = c->in[kind].group;

	leave(m, c, kind);
	if (g)
		tidy(m, g, kind);
}

struct group *group_process(struct model *m, const struct proc *proc)
{
	struct group_key key = process_key(proc);
	struct entry *e;

	e = table_find(&m->tables[TABLE_PROCESSES], key_hash(m, &key), group_is, &key);
	return e ? LIST_ENTRY(e, struct group, e) : NULL;
}

static void rename_proc(struct proc *to, const struct proc *from)
{
	memcpy(to->name, from->name, sizeof(to->name));
	to->name[EVENT_NAME - 1] = '\0';
	to->uid = from->uid;
}

void group_identify(struct model *m, const struct proc *proc)
{
	struct group *g = group_process(m, proc);
	struct list *l;

	if (!g)
		return;
	rename_proc(&g->e.row.proc, proc);
	table_note(&m->tables[TABLE_PROCESSES], &g->e);
	for (l = g->members.next; l != &g->members; l = l->next) {
		struct conn *c = member_conn(l, TABLE_PROCESSES);
		struct group *port = c->in[TABLE_PORTS].group;

		rename_proc(&c->e.row.proc, proc);
		table_note(&m->tables[TABLE_CONNECTIONS], &c->e);
		if (port) {
			struct port *p = LIST_ENTRY(port, struct port, g);

			users_rename(&p->all, &g->e.row.proc);
			users_rename(&p->match, &g->e.row.proc);
			table_note(&m->tables[TABLE_PORTS], &port->e);
		}
		match_look(m, c);
	}
}

void group_exit(struct model *m, const struct proc *proc, uint64_t time_ns)
{
	struct group *g = group_process(m, proc);

	if (!g)
		return;
	g->e.row.exited = true;
	g->e.row.count.last_ns = time_ns;
	table_touch(&m->tables[TABLE_PROCESSES], &g->e); /* so that the tick after the next retires
							    it */
}

void group_quiet(struct entry *e, void *arg)
{
	struct model *m = arg;

	if (!e->row.exited || !e->spare)
		return;
	table_fold(&m->tables[TABLE_PROCESSES], e, m->totals.interval_ns);
	table_remove(&m->tables[TABLE_PROCESSES], e);
}

/* ---- what matches the filter ---- */

void group_set_match(struct model *m, struct conn *c, bool match)
{
	int kind;

	count_user(m, c, true, match ? users_ref : users_unref);
	for (kind = 0; kind < GROUP_KINDS; kind++) {
		struct group *g = c->in[kind].group;

		if (!g)
			continue;
		if (match)
			g->matching++;
		else
			g->matching--;
		table_note(&m->tables[kind], &g->e);
	}
}

void group_reset_match(struct entry *e, bool filtered)
{
	struct group *g = LIST_ENTRY(e, struct group, e);

	memset(&g->shown, 0, sizeof(g->shown));
	e->match = filtered ? &g->shown.count : NULL;
	if (e->row.table == TABLE_PORTS)
		users_init_port(&LIST_ENTRY(g, struct port, g)->match);
}

const struct row *group_shown_at(const struct entry *e)
{
	return &LIST_ENTRY(e, struct group, e)->shown;
}

const struct row *group_shown(struct entry *e)
{
	struct group *g = LIST_ENTRY(e, struct group, e);
	struct counters count = g->shown.count;

	if (!g->matching && counters_empty(&count))
		return NULL;
	g->shown = e->row;
	g->shown.count = count;
	if (e->row.table == TABLE_PORTS) {
		struct port *port = LIST_ENTRY(g, struct port, g);

		g->shown.users = port->match.users;
		g->shown.user_count = port->match.named;
	}
	return &g->shown;
}
