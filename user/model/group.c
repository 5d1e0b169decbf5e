/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/group.h"

#include "model/conn.h"
#include "model/counters.h"
#include "model/match.h"
#include "model/state.h"

#include <string.h>

static struct used *used_of(struct group *g)
{
	return LIST_ENTRY(g, struct used, g);
}

static struct conn *conn_at(const struct model *m, uint32_t number)
{
	struct entry *e = number ? table_entry(&m->tables[TABLE_CONNECTIONS], number) : NULL;

	return e ? LIST_ENTRY(e, struct conn, e) : NULL;
}

static bool group_is(const struct entry *e, const void *key)
{
	return !memcmp(&LIST_ENTRY(e, struct group, e)->key, key, sizeof(struct key));
}

static uint32_t key_hash(const struct model *m, const struct key *key)
{
	return (uint32_t)hash_bytes(&m->key, key, sizeof(*key));
}

static struct group *group_find(const struct model *m, enum table_kind kind, const struct key *key)
{
	struct entry *e = table_find(&m->tables[kind], key_hash(m, key), group_is, key);

	return e ? LIST_ENTRY(e, struct group, e) : NULL;
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

static void count_pair(struct model *m, struct group *process, struct group *g, bool match,
		       void count(struct users *u, struct group *process, struct row_users *row))
{
	struct used *used = used_of(g);

	if (!process)
		return;
	count(&m->users, process, match ? &used->match : &used->all);
	g->e.row.user_count = used->all.named;
	table_note(&m->tables[g->e.row.table], &g->e);
}

/* The pairs of process and other group that @c is a row of, before or after it changes the one of
 * @kind. */
static void count_users(struct model *m, struct conn *c, enum table_kind kind, bool match,
			void count(struct users *u, struct group *process, struct row_users *row))
{
	struct group *process = c->in[TABLE_PROCESSES].group;

	if (kind != TABLE_PROCESSES) {
		count_pair(m, process, c->in[kind].group, match, count);
		return;
	}
	for (int other = TABLE_PROCESSES + 1; other < GROUP_KINDS; other++)
		if (c->in[other].group)
			count_pair(m, process, c->in[other].group, match, count);
}

/* With a filter: whether its row is one of those that there are. */
static void count_shown(struct model *m, struct group *g)
{
	bool shown = g->matching || !counters_empty(&g->shown.count);

	if (shown == g->is_shown)
		return;
	g->is_shown = shown;
	if (shown)
		m->tables[g->e.row.table].matched++;
	else
		m->tables[g->e.row.table].matched--;
}

static void unlink_member(const struct model *m, struct conn *c, enum table_kind kind)
{
	struct member *in = &c->in[kind];
	struct conn *prev = conn_at(m, in->prev), *next = conn_at(m, in->next);

	if (prev)
		prev->in[kind].next = in->next;
	else
		in->group->first = in->next;
	if (next)
		next->in[kind].prev = in->prev;
	*in = (struct member){0};
}

static void leave(struct model *m, struct conn *c, enum table_kind kind)
{
	struct group *g = c->in[kind].group;

	if (!g)
		return;
	count_users(m, c, kind, false, users_unref);
	if (c->e.match)
		count_users(m, c, kind, true, users_unref);
	unlink_member(m, c, kind);
	if (!c->e.match)
		return;
	g->matching--;
	count_shown(m, g);
}

static void join(struct model *m, struct conn *c, enum table_kind kind, struct group *g)
{
	struct conn *next = conn_at(m, g->first);

	c->in[kind] = (struct member){.group = g, .next = g->first};
	g->first = c->e.number;
	if (next)
		next->in[kind].prev = c->e.number;
	table_set_spare(&m->tables[kind], &g->e, false);
	count_users(m, c, kind, false, users_ref);
	if (!c->e.match)
		return;
	count_users(m, c, kind, true, users_ref);
	g->matching++;
	count_shown(m, g);
}

static void remove_group(struct model *m, struct group *g)
{
	struct table *t = &m->tables[g->e.row.table];

	t->matched -= g->is_shown;
	table_remove(t, &g->e);
}

static void fold(struct model *m, struct group *g)
{
	table_fold(&m->tables[g->e.row.table], &g->e, m->totals.interval_ns);
	remove_group(m, g);
}

static void tidy(struct model *m, struct group *g)
{
	if (g->first)
		return;
	if (counters_empty(&g->e.row.count))
		remove_group(m, g);
	else if (g->e.row.exited && !g->e.row.changed && !g->e.dirty) /* was shown */
		fold(m, g);
	else
		table_set_spare(&m->tables[g->e.row.table], &g->e, true);
}

/* The shares of its members go to `other` with it, and come back when they next say something. */
static void evict(struct model *m, struct group *g, enum table_kind kind)
{
	while (g->first)
		leave(m, conn_at(m, g->first), kind);
	if (!g->e.spare || g->e.dirty)
		m->totals.evicted[kind]++;
	fold(m, g);
}

static struct group *create(struct model *m, const struct conn *c, enum table_kind kind,
			    const struct key *key)
{
	struct table *t = &m->tables[kind];
	struct entry *e;
	struct group *g;

	while (!(e = table_add(t, key_hash(m, key))))
		evict(m, LIST_ENTRY(table_victim(t), struct group, e), kind);
	g = LIST_ENTRY(e, struct group, e);
	g->key = *key;
	e->match = is_filtered(m) ? &g->shown.count : NULL;
	key_fill(&e->row, key, &c->e.row, kind);
	if (kind == TABLE_PROCESSES)
		return g;
	e->row.users = used_of(g)->all.users;
	users_init_row(&used_of(g)->all);
	users_init_row(&used_of(g)->match);
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

static bool listens(const struct group *g)
{
	return g && g->e.row.count.listening;
}

/* A connection was accepted on its own address, or on all of its family, or, over IPv6, on all. */
static void find_listener(const struct model *m, const struct conn *c, struct key *key)
{
	static const struct addr any_v4 = {.ip = {[10] = 0xff, [11] = 0xff}};
	const struct group *now = c->in[TABLE_LISTENERS].group;
	struct key own = *key, any = *key;

	if (listens(group_find(m, TABLE_LISTENERS, key)))
		return;
	memset(any.ip, 0, sizeof(any.ip));
	if (addr_is_v4(&c->e.row.flow.local))
		memcpy(key->ip, any_v4.ip, sizeof(key->ip));
	else
		*key = any;
	if (listens(group_find(m, TABLE_LISTENERS, key)))
		return;
	*key = any;
	if (listens(group_find(m, TABLE_LISTENERS, key)))
		return;
	/* It may have been closed since. */
	*key = own;
	if (now && now->key.port == own.port && now->key.id == own.id &&
	    now->key.transport == own.transport)
		*key = now->key;
}

static struct key wanted_key(const struct model *m, const struct conn *c, enum table_kind kind)
{
	struct key key = key_of(&c->e.row, kind);

	if (kind == TABLE_LISTENERS && key.role != KEY_REST && c->e.row.flow.role != ROLE_LISTENER)
		find_listener(m, c, &key);
	return key;
}

void group_place(struct model *m, struct conn *c, enum table_kind kind)
{
	struct key key = wanted_key(m, c, kind);
	struct group *from = c->in[kind].group, *to;

	if (from && group_is(&from->e, &key))
		return;
	to = group_find(m, kind, &key);
	if (!to)
		to = create(m, c, kind, &key);
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
		tidy(m, from);
	}
}

/* Those that can stay where they are cost a look: a flow that changed is placed by its own. A
 * listener that is new, or was found late, gets what it accepts when that next says something. */
void group_place_again(struct model *m, struct conn *c)
{
	for (int kind = TABLE_PROCESSES + 1; kind < GROUP_KINDS; kind++) {
		const struct group *g = c->in[kind].group;

		if (!g || kind == TABLE_USERS ||
		    (kind == TABLE_LISTENERS && g->key.role != KEY_REST && !listens(g)))
			group_place(m, c, (enum table_kind)kind);
	}
}

void group_place_flow(struct model *m, struct conn *c)
{
	for (int kind = TABLE_PROCESSES + 1; kind < GROUP_KINDS; kind++)
		group_place(m, c, (enum table_kind)kind);
}

void group_leave(struct model *m, struct conn *c)
{
	for (int kind = 0; kind < GROUP_KINDS; kind++) {
		struct group *g = c->in[kind].group;

		leave(m, c, (enum table_kind)kind);
		if (g)
			tidy(m, g);
	}
}

static struct group *group_process(const struct model *m, const struct proc *proc)
{
	const struct row row = {.proc = *proc};
	struct key key = key_of(&row, TABLE_PROCESSES);

	return group_find(m, TABLE_PROCESSES, &key);
}

static void rename_proc(struct proc *to, const struct proc *from)
{
	memcpy(to->name, from->name, sizeof(to->name));
	to->name[EVENT_NAME - 1] = '\0';
	to->uid = from->uid;
}

static void rename_user(struct model *m, const struct conn *c, const struct proc *proc)
{
	for (int kind = TABLE_PROCESSES + 1; kind < GROUP_KINDS; kind++) {
		struct group *g = c->in[kind].group;

		if (!g)
			continue;
		users_rename(&used_of(g)->all, proc);
		users_rename(&used_of(g)->match, proc);
		table_note(&m->tables[kind], &g->e);
	}
}

void group_identify(struct model *m, const struct proc *proc)
{
	struct group *g = group_process(m, proc);

	if (!g)
		return;
	rename_proc(&g->e.row.proc, proc);
	table_note(&m->tables[TABLE_PROCESSES], &g->e);
	for (struct conn *c = conn_at(m, g->first); c;
	     c = conn_at(m, c->in[TABLE_PROCESSES].next)) {
		rename_proc(&c->e.row.proc, proc);
		table_note(&m->tables[TABLE_CONNECTIONS], &c->e);
		group_place(m, c, TABLE_USERS);
		rename_user(m, c, &g->e.row.proc);
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

	if (e->row.exited && e->spare)
		fold(m, LIST_ENTRY(e, struct group, e));
}

/* ---- what matches the filter ---- */

void group_set_match(struct model *m, struct conn *c, bool match)
{
	count_users(m, c, TABLE_PROCESSES, true, match ? users_ref : users_unref);
	for (int kind = 0; kind < GROUP_KINDS; kind++) {
		struct group *g = c->in[kind].group;

		if (!g)
			continue;
		if (match)
			g->matching++;
		else
			g->matching--;
		count_shown(m, g);
		table_note(&m->tables[kind], &g->e);
	}
}

void group_reset_match(struct model *m, struct entry *e)
{
	struct group *g = LIST_ENTRY(e, struct group, e);

	memset(&g->shown, 0, sizeof(g->shown));
	g->is_shown = false;
	e->match = is_filtered(m) ? &g->shown.count : NULL;
	if (e->row.table != TABLE_PROCESSES)
		users_init_row(&used_of(g)->match);
}

const struct row *group_shown_at(const struct entry *e)
{
	return &LIST_ENTRY(e, struct group, e)->shown;
}

const struct row *group_shown(struct entry *e)
{
	struct group *g = LIST_ENTRY(e, struct group, e);
	struct counters count = g->shown.count;

	if (!g->is_shown)
		return NULL;
	g->shown = e->row;
	g->shown.count = count;
	if (e->row.table != TABLE_PROCESSES) {
		g->shown.users = used_of(g)->match.users;
		g->shown.user_count = used_of(g)->match.named;
	}
	return &g->shown;
}

void group_each_member(const struct model *m, const struct row *row,
		       void (*fn)(const struct row *row, void *arg), void *arg)
{
	const struct group *g = is_filtered(m) ? LIST_ENTRY(row, struct group, shown)
					       : LIST_ENTRY(row, struct group, e.row);

	for (struct conn *c = conn_at(m, g->first); c; c = conn_at(m, c->in[row->table].next))
		if (!is_filtered(m) || c->e.match)
			fn(&c->e.row, arg);
}
