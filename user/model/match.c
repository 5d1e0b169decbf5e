/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/match.h"

#include "model/counters.h"
#include "model/group.h"
#include "model/state.h"

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
	if (match)
		m->matching++;
	else
		m->matching--;
}

void match_look(struct model *m, struct conn *c)
{
	bool match;

	if (!m->filter)
		return;
	match = filter_match(m->filter, &c->e.row, m);
	if (match != (c->e.match != NULL))
		set_match(m, c, match);
}

static struct conn *conn_of_row(const struct row *row)
{
	return LIST_ENTRY(LIST_ENTRY(row, struct entry, row), struct conn, e);
}

static void look(const struct row *row, void *arg)
{
	match_look(arg, conn_of_row(row));
}

void match_tick(struct model *m)
{
	struct table *t = &m->tables[TABLE_CONNECTIONS];
	struct list *l;

	if (!m->filter)
		return;
	if (filter_ages(m->filter) || m->renamed) {
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

static void reset(const struct row *row, void *filter)
{
	group_reset_match(LIST_ENTRY(row, struct entry, row), filter != NULL);
}

void model_set_filter(struct model *m, const struct filter *f)
{
	struct table *t = m->tables;
	int kind;

	table_each(&t[TABLE_CONNECTIONS], unmatch, m);
	m->everything = *everything_of(m);
	m->totals.count = f ? (struct counters){0} : m->everything;
	m->filter = f;
	m->version++;
	for (kind = 0; kind < TABLE_COUNT; kind++) {
		t[kind].other_match.count = (struct counters){0};
		if (kind != TABLE_CONNECTIONS)
			table_each(&t[kind], reset, (void *)f);
	}
	if (f)
		table_each(&t[TABLE_CONNECTIONS], look, m);
}

const struct filter *model_filter(const struct model *m)
{
	return m->filter;
}
