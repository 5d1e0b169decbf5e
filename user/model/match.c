/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/match.h"

#include "model/counters.h"
#include "model/group.h"
#include "model/state.h"

#include <errno.h>
#include <string.h>

static void count_share(struct model *m, struct counters *to, const struct counters *share,
			bool match)
{
	if (match)
		counters_add(to, share);
	else
		counters_sub(to, share);
	counters_rate(to, m->totals.interval_ns);
}

static void set_match(struct model *m, struct conn *c, bool match)
{
	int kind;

	for (kind = 0; kind < GROUP_KINDS; kind++) {
		struct counters share = group_share(c, kind);

		count_share(m, group_match(m, c, kind), &share, match);
	}
	count_share(m, &m->totals.count, &c->e.row.count, match);
	group_set_match(m, c, match);
	c->e.match = match ? &c->e.row.count : NULL;
	table_note(&m->tables[TABLE_CONNECTIONS], &c->e);
	m->tables[TABLE_CONNECTIONS].matched += match ? 1 : -1U;
}

static bool same_name(const struct proc *a, const struct proc *b)
{
	return !strncmp(a->name, b->name, EVENT_NAME);
}

static bool in_scope(const struct scope *s, const struct conn *c)
{
	const struct row *row = &c->e.row;
	const struct group *g;
	struct key key;

	if (s->kind == TABLE_FAILURES)
		return same_name(&s->row.proc, &row->proc) &&
		       !addr_cmp(&s->row.flow.peer, &row->flow.peer);
	g = c->in[s->kind].group;
	key = g ? g->key : key_of(row, s->kind);
	return !memcmp(&key, &s->key, sizeof(key));
}

static bool matches(const struct model *m, const struct conn *c)
{
	for (size_t i = 0; i < m->scope_count; i++)
		if (!in_scope(&m->scopes[i], c))
			return false;
	return !m->filter || filter_match(m->filter, &c->e.row, m);
}

static void look_at(struct model *m, struct conn *c)
{
	bool match = matches(m, c);

	if (match != (c->e.match != NULL))
		set_match(m, c, match);
}

void match_look(struct model *m, struct conn *c)
{
	bool over = c->e.row.ended && !c->e.row.changed && !c->e.dirty;

	if (is_filtered(m) && !over)
		look_at(m, c);
}

static struct conn *conn_of_row(const struct row *row)
{
	return LIST_ENTRY(LIST_ENTRY(row, struct entry, row), struct conn, e);
}

static void look(const struct row *row, void *arg)
{
	match_look(arg, conn_of_row(row));
}

static void look_anew(const struct row *row, void *arg)
{
	look_at(arg, conn_of_row(row));
}

void match_tick(struct model *m)
{
	struct table *t = &m->tables[TABLE_CONNECTIONS];
	struct list *l;

	if (!is_filtered(m))
		return;
	if (m->renamed || (m->filter && filter_ages(m->filter))) {
		table_each(t, look, m);
		m->renamed = false;
		return;
	}
	for (l = t->shown.next; l != &t->shown; l = l->next)
		match_look(m, LIST_ENTRY(LIST_ENTRY(l, struct entry, change), struct conn, e));
}

static void unmatch(const struct row *row, void *arg)
{
	struct conn *c = conn_of_row(row);

	if (c->e.match)
		set_match(arg, c, false);
}

/* Failures look like connections to a filter; of groups they have what the last one had. */
static bool failure_matches(const struct model *m, const struct row *row)
{
	for (size_t i = 0; i < m->scope_count; i++) {
		const struct scope *s = &m->scopes[i];
		struct key key;

		if (s->kind == TABLE_FAILURES) {
			if (!same_name(&s->row.proc, &row->proc) ||
			    addr_cmp(&s->row.flow.peer, &row->flow.peer) != 0)
				return false;
			continue;
		}
		key = key_of(row, s->kind);
		if (memcmp(&key, &s->key, sizeof(key)) != 0)
			return false;
	}
	return !m->filter || filter_match(m->filter, row, m);
}

void match_failure(struct model *m, struct entry *e)
{
	struct table *t = &m->tables[TABLE_FAILURES];
	bool match = is_filtered(m) && failure_matches(m, &e->row);

	t->matched -= e->match != NULL;
	t->matched += match;
	e->match = match ? &e->row.count : NULL;
}

static void reset(const struct row *row, void *arg)
{
	struct entry *e = LIST_ENTRY(row, struct entry, row);

	if (row->table == TABLE_FAILURES)
		match_failure(arg, e);
	else
		group_reset_match(arg, e);
}

static bool read_scope(struct scope *s, const struct row *row)
{
	if (row->is_other || row->table == TABLE_CONNECTIONS)
		return false;
	*s = (struct scope){.kind = row->table, .row = *row};
	if (row->table != TABLE_FAILURES)
		s->key = key_of(row, row->table);
	return true;
}

int model_choose(struct model *m, const struct filter *f, const struct row *rows, size_t count)
{
	struct scope scopes[MODEL_SCOPES];
	struct table *t = m->tables;
	size_t i;

	if (count > MODEL_SCOPES)
		return -EINVAL;
	for (i = 0; i < count; i++)
		if (!read_scope(&scopes[i], &rows[i]))
			return -EINVAL;
	table_each(&t[TABLE_CONNECTIONS], unmatch, m);
	m->everything = *everything_of(m);
	m->filter = f;
	memcpy(m->scopes, scopes, count * sizeof(*scopes));
	m->scope_count = count;
	m->version++;
	m->totals.count = is_filtered(m) ? (struct counters){0} : m->everything;
	for (int kind = 0; kind < TABLE_COUNT; kind++) {
		t[kind].other_match.count = (struct counters){0};
		if (kind == TABLE_CONNECTIONS)
			continue;
		t[kind].matched = kind == TABLE_FAILURES ? t[kind].matched : 0;
		table_each(&t[kind], reset, m);
	}
	if (is_filtered(m))
		table_each(&t[TABLE_CONNECTIONS], look_anew, m);
	return 0;
}

void model_set_filter(struct model *m, const struct filter *f)
{
	model_choose(m, f, NULL, 0);
}

const struct filter *model_filter(const struct model *m)
{
	return m->filter;
}
