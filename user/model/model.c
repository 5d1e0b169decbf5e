/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/model.h"

#include "model/conn.h"
#include "model/counters.h"
#include "model/failure.h"
#include "model/group.h"
#include "model/match.h"
#include "model/state.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { WELL_KNOWN_END = 1024, IANA_EPHEMERAL_MIN = 49152, IANA_EPHEMERAL_MAX = 65535 };

static int init_table(struct table *t, enum table_kind kind, uint32_t limit)
{
	switch (kind) {
	case TABLE_CONNECTIONS:
		return table_init(t, kind, sizeof(struct conn), limit ? limit : 131072);
	case TABLE_PROCESSES:
		return table_init(t, kind, sizeof(struct group), limit ? limit : 16384);
	case TABLE_FAILURES:
		return table_init(t, kind, sizeof(struct entry), limit ? limit : 1024);
	default:
		return table_init(t, kind, sizeof(struct used), limit ? limit : 16384);
	}
}

static int init(struct model *m, const struct model_limits *limits)
{
	static const struct model_limits none;
	const struct model_limits *l = limits ? limits : &none;
	int err = 0;

	m->key = hash_key_random();
	names_init(&m->user_names, &m->key);
	names_init(&m->service_names, &m->key);
	names_init(&m->cgroup_paths, &m->key);
	if (cookies_init(&m->cookies, &m->key) || users_init(&m->users))
		return -1;
	for (int kind = 0; kind < TABLE_COUNT && !err; kind++)
		err = init_table(&m->tables[kind], (enum table_kind)kind, l->rows[kind]);
	return err;
}

struct model *model_new(const struct model_limits *limits)
{
	struct model *m = calloc(1, sizeof(*m));

	if (m && init(m, limits)) {
		model_free(m);
		return NULL;
	}
	return m;
}

void model_free(struct model *m)
{
	int i;

	if (!m)
		return;
	for (i = 0; i < TABLE_COUNT; i++)
		table_done(&m->tables[i]);
	users_done(&m->users);
	cookies_done(&m->cookies);
	names_done(&m->user_names);
	names_done(&m->service_names);
	names_done(&m->cgroup_paths);
	free(m);
}

/* ---- events ---- */

static void apply_transfer(struct model *m, const struct event *ev)
{
	struct conn *c = conn_of(m, ev);

	if (!(ev->xfer.tx_bytes | ev->xfer.rx_bytes))
		return;
	conn_transfer(m, c, ev->xfer.tx_bytes, ev->xfer.rx_bytes);
	conn_touch(m, c, ev->time_ns);
}

static void apply_failure(struct model *m, const struct event *ev)
{
	struct conn *c = conn_of(m, ev);

	conn_fail(m, c, ev->fail.error);
	conn_touch(m, c, ev->time_ns);
	failure_add(m, c, ev->fail.error, ev->time_ns);
}

static void copy_text(char dst[EVENT_TEXT], const char src[EVENT_TEXT])
{
	memcpy(dst, src, EVENT_TEXT);
	dst[EVENT_TEXT - 1] = '\0';
}

static void apply_host(struct model_totals *t, const struct event *ev)
{
	t->live_ns = ev->time_ns;
	t->ephemeral_min = ev->host.ephemeral_min;
	t->ephemeral_max = ev->host.ephemeral_max;
	copy_text(t->host, ev->host.name);
}

static void apply_note(struct model_totals *t, const struct event *ev)
{
	uint32_t i;

	for (i = 0; i < t->note_count; i++) {
		if (!strncmp(t->notes[i], ev->note.text, EVENT_TEXT - 1))
			return;
	}
	if (i < sizeof(t->notes) / sizeof(t->notes[0]))
		copy_text(t->notes[t->note_count++], ev->note.text);
}

static void apply_pace(struct model_totals *t, const struct event *ev)
{
	t->stretched_ns = ev->pace.stretched ? ev->pace.interval_ns : 0;
	t->budget = ev->pace.budget;
	t->over_budget = ev->pace.over;
}

static void apply_tick(struct model *m, const struct event *ev)
{
	static void (*const quiet[TABLE_COUNT])(struct entry *, void *) = {
		[TABLE_PROCESSES] = group_quiet,
		[TABLE_CONNECTIONS] = conn_quiet,
	};
	struct model_totals *t = &m->totals;

	t->interval_ns = ev->tick.interval_ns;
	t->time_ns = ev->time_ns;
	t->wall_ns = ev->tick.wall_ns;
	t->cpu_tick_ns = ev->tick.cpu_ns > t->cpu_ns ? ev->tick.cpu_ns - t->cpu_ns : 0;
	t->cpu_ns = ev->tick.cpu_ns;
	t->rss_bytes = ev->tick.rss_bytes;
	t->records_seen = ev->tick.records_seen;
	t->records_delivered = ev->tick.records_delivered;
	t->programs_tick.runs = ev->tick.programs.runs - t->programs.runs;
	t->programs_tick.ns = ev->tick.programs.ns - t->programs.ns;
	t->programs_tick.counted_ns = ev->tick.programs.counted_ns - t->programs.counted_ns;
	t->programs = ev->tick.programs;
	t->programs_error = ev->tick.programs_error;
	t->ticks++;
	/* Connections before their groups, which lose members by them. */
	for (int i = TABLE_COUNT - 1; i >= 0; i--) {
		table_tick(&m->tables[i], t->interval_ns, quiet[i], m);
		if (i == TABLE_CONNECTIONS)
			conn_expire(m);
	}
	counters_tick(&t->count, t->interval_ns);
	counters_tick(&m->everything, t->interval_ns);
	match_tick(m);
}

/* Rows that wait for the name have to be looked at again. */
static void apply_name(struct model *m, struct names *names, uint64_t id, const char *name,
		       size_t size)
{
	bool changed = names_set(names, id, name, size);

	m->renamed |= changed;
	m->version += changed;
}

struct keep {
	const struct names *from;
	struct names to;
};

static void keep_path(const struct row *row, void *arg)
{
	struct keep *keep = arg;
	const char *path = row->flow.cgroup_id ? names_get(keep->from, row->flow.cgroup_id) : NULL;

	if (path)
		names_set(&keep->to, row->flow.cgroup_id, path, PATH_MAX);
}

/* Control groups come and go for as long as we run: at the bound, those without sockets go. */
static void apply_cgroup(struct model *m, const struct event *ev)
{
	struct keep keep = {.from = &m->cgroup_paths};

	if (names_full(&m->cgroup_paths)) {
		names_init(&keep.to, &m->key);
		table_each(&m->tables[TABLE_CONNECTIONS], keep_path, &keep);
		names_done(&m->cgroup_paths);
		m->cgroup_paths = keep.to;
	}
	apply_name(m, &m->cgroup_paths, ev->cgroup.id, ev->cgroup.path, PATH_MAX);
}

static uint64_t service_id(uint8_t transport, uint16_t port)
{
	return (uint64_t)transport << 16 | port;
}

void model_apply(struct model *m, const struct event *ev)
{
	if (!m->totals.start_ns)
		m->totals.start_ns = ev->time_ns;
	switch (ev->kind) {
	case EVENT_SEEN:
		conn_of(m, ev);
		break;
	case EVENT_XFER:
		apply_transfer(m, ev);
		break;
	case EVENT_CLOSE:
		conn_close(m, ev);
		break;
	case EVENT_FAIL:
		apply_failure(m, ev);
		break;
	case EVENT_BIND_FAIL:
		break;
	case EVENT_EXIT:
		group_exit(m, &ev->proc, ev->time_ns);
		break;
	case EVENT_IDENT:
		group_identify(m, &ev->proc);
		break;
	case EVENT_USER:
		apply_name(m, &m->user_names, ev->user.uid, ev->user.name, EVENT_TEXT);
		break;
	case EVENT_SERVICE:
		m->version += names_set(&m->service_names,
					service_id(ev->service.transport, ev->service.port),
					ev->service.name, EVENT_TEXT);
		break;
	case EVENT_CGROUP:
		apply_cgroup(m, ev);
		break;
	case EVENT_HOST:
		m->version++;
		apply_host(&m->totals, ev);
		break;
	case EVENT_NOTE:
		apply_note(&m->totals, ev);
		break;
	case EVENT_LOST:
		memcpy(m->totals.lost, ev->lost.total, sizeof(m->totals.lost));
		break;
	case EVENT_DETAIL:
		m->detail = *ev->detail;
		break;
	case EVENT_PACE:
		apply_pace(&m->totals, ev);
		break;
	case EVENT_TICK:
		apply_tick(m, ev);
		break;
	}
}

void model_keep_ended(struct model *m, uint64_t ns)
{
	m->keep_ns = ns;
}

/* ---- reading ---- */

struct each {
	void (*fn)(const struct row *row, void *arg);
	void *arg;
};

/* Of groups, a copy of the row with the sums of what matches. */
static void pass_match(const struct row *row, void *arg)
{
	const struct each *each = arg;
	struct entry *e = LIST_ENTRY(row, struct entry, row);

	if (row->table < GROUP_KINDS)
		row = group_shown(e);
	else if (!e->match)
		return;
	if (row)
		each->fn(row, each->arg);
}

void model_each(const struct model *m, enum table_kind table,
		void (*fn)(const struct row *row, void *arg), void *arg)
{
	const struct table *t = &m->tables[table];
	struct each each = {fn, arg};
	const struct row *other = model_other(m, table);

	if (is_filtered(m))
		table_each(t, pass_match, &each);
	else
		table_each(t, fn, arg);
	if (other)
		fn(other, arg);
}

struct tell {
	void (*fn)(const struct row *row, bool is_there, void *arg);
	void *arg;
	bool filtered;
};

/* With a filter, of groups the copy that is lent, under the same address also when it is gone. */
static void tell_change(struct entry *e, void *arg)
{
	const struct tell *tell = arg;
	const struct row *row = &e->row;
	bool is_there = e->used;

	if (tell->filtered && row->table >= GROUP_KINDS) {
		is_there = is_there && e->match;
	} else if (tell->filtered) {
		is_there = is_there && group_shown(e);
		row = group_shown_at(e);
	}
	tell->fn(row, is_there, tell->arg);
}

bool model_changes(const struct model *m, enum table_kind table, struct model_mark *mark,
		   void (*fn)(const struct row *row, bool is_there, void *arg), void *arg)
{
	const struct changes *c = &m->tables[table].changes;
	struct model_mark was = *mark;
	struct tell tell = {fn, arg, is_filtered(m)};

	/* A random number of the model tells it from another one at the same address. */
	*mark = (struct model_mark){m->key.k0, m->version, c->tick};
	return was.model == mark->model && was.version == mark->version &&
	       changes_since(c, was.tick, tell_change, &tell);
}

const struct row *model_other(const struct model *m, enum table_kind table)
{
	const struct table *t = &m->tables[table];

	if (is_filtered(m))
		return counters_empty(&t->other_match.count) ? NULL : &t->other_match;
	return t->folded ? &t->other : NULL;
}

void model_each_member(const struct model *m, const struct row *row,
		       void (*fn)(const struct row *row, void *arg), void *arg)
{
	if (!row->is_other)
		group_each_member(m, row, fn, arg);
}

void model_each_changed(const struct model *m, void (*fn)(const struct row *row, void *arg),
			void *arg)
{
	const struct table *t = &m->tables[TABLE_CONNECTIONS];
	const struct list *const lists[] = {&t->shown, &t->dirty};
	size_t i;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const struct list *l;

		for (l = lists[i]->next; l != lists[i]; l = l->next) {
			const struct entry *e = LIST_ENTRY(l, struct entry, change);

			if (e->row.changed && (!is_filtered(m) || e->match))
				fn(&e->row, arg);
		}
	}
}

size_t model_rows(const struct model *m, enum table_kind table)
{
	const struct table *t = &m->tables[table];

	return (is_filtered(m) ? t->matched : t->count) + (model_other(m, table) != NULL);
}

const struct counters *model_everything(const struct model *m)
{
	return is_filtered(m) ? &m->everything : &m->totals.count;
}

const struct detail *model_detail(const struct model *m)
{
	return m->detail.wish.cookie || m->detail.wish.pid ? &m->detail : NULL;
}

const struct model_totals *model_totals(const struct model *m)
{
	return &m->totals;
}

const char *model_user(const struct model *m, uint32_t uid)
{
	return names_get(&m->user_names, uid);
}

const char *model_cgroup(const struct model *m, uint64_t id)
{
	return names_get(&m->cgroup_paths, id);
}

const char *model_service(const struct model *m, uint8_t transport, uint16_t port)
{
	if (transport == TRANSPORT_MPTCP)
		transport = TRANSPORT_TCP;
	if (transport == TRANSPORT_UDPLITE)
		transport = TRANSPORT_UDP;
	return names_get(&m->service_names, service_id(transport, port));
}

uint16_t model_service_port(const struct flow *flow)
{
	return key_service_port(flow);
}

enum port_class model_port_class(const struct model *m, uint16_t port)
{
	const struct model_totals *t = &m->totals;
	uint16_t min = t->ephemeral_max ? t->ephemeral_min : IANA_EPHEMERAL_MIN;
	uint16_t max = t->ephemeral_max ? t->ephemeral_max : IANA_EPHEMERAL_MAX;

	if (!port)
		return PORT_CLASS_NONE;
	if (port < WELL_KNOWN_END)
		return PORT_CLASS_WELL_KNOWN;
	return port >= min && port <= max ? PORT_CLASS_EPHEMERAL : PORT_CLASS_REGISTERED;
}
