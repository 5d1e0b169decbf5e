/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A view that only puts what changed in place shows what one shows that sorts everything anew. */
#include "model_events.h"

#include "model/filter.h"
#include "model/view.h"

enum { VIEWS_MAX = 128, PIDS = 300, SOCKETS = 1200, ROUNDS = 50 };

struct random {
	uint64_t state;
};

static uint32_t next(struct random *r, uint32_t below)
{
	r->state = r->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(r->state >> 33) % below;
}

struct world {
	struct random random;
	struct model *m;
	uint64_t cookie, time_ns;
	struct flow flows[SOCKETS];
	uint32_t pids[SOCKETS];
	bool open[SOCKETS];
	struct view views[VIEWS_MAX]; /* one for each column of each table, also backwards */
	size_t view_count;
};

static void open_one(struct world *w, uint32_t i)
{
	static const enum role roles[] = {ROLE_UNKNOWN, ROLE_CLIENT, ROLE_SERVER, ROLE_LISTENER};
	struct random *r = &w->random;
	struct event ev;

	w->flows[i] = tcp(++w->cookie, roles[next(r, 4)], (uint16_t)(1000 + next(r, 700)),
			  (uint16_t)(1000 + next(r, 700)));
	if (!next(r, 3))
		w->flows[i].transport = TRANSPORT_UDP;
	w->flows[i].netns = 1 + next(r, 5);
	w->flows[i].cgroup_id = next(r, 20);
	w->flows[i].peer.ip[15] = (uint8_t)next(r, 100);
	if (w->flows[i].role == ROLE_LISTENER)
		w->flows[i].local.ip[15] = (uint8_t)next(r, 2);
	w->pids[i] = 1 + next(r, PIDS);
	w->open[i] = true;
	ev = an_event(EVENT_SEEN, w->time_ns, a_proc(w->pids[i]), w->flows[i]);
	if (!next(r, 8))
		ev.proc = no_proc(UNATTRIBUTED_NOT_ACCEPTED);
	ev.seen.was_open = next(r, 2);
	model_apply(w->m, &ev);
}

/* News of a socket without bytes: who holds it, where it goes, what it became. */
static void news(struct world *w, uint32_t i)
{
	struct random *r = &w->random;
	struct flow f = w->flows[i];
	struct proc p = a_proc(w->pids[i]);

	switch (next(r, 6)) {
	case 0:
		f.role = (uint8_t)next(r, ROLE_COUNT);
		break;
	case 1:
		f.netns = 1 + next(r, 9);
		break;
	case 2:
		f.peer.port = (uint16_t)(1 + next(r, 2000));
		break;
	case 3:
		f.state = (uint8_t)next(r, STATE_COUNT);
		break;
	case 4: /* exec */
		snprintf(p.name, sizeof(p.name), "other%u", next(r, 50));
		break;
	default:
		p = a_proc(1 + next(r, PIDS));
		f.shared = true;
	}
	seen(w->m, p, f);
	w->flows[i] = f;
}

static void name(struct world *w)
{
	struct event ev = {.kind = EVENT_USER, .time_ns = w->time_ns};

	if (next(&w->random, 2)) {
		ev.user.uid = next(&w->random, 7);
		snprintf(ev.user.name, sizeof(ev.user.name), "user%u", next(&w->random, 9));
	} else {
		ev.kind = EVENT_SERVICE;
		ev.service.port = (uint16_t)(1000 + next(&w->random, 700));
		snprintf(ev.service.name, sizeof(ev.service.name), "svc%u", next(&w->random, 90));
	}
	model_apply(w->m, &ev);
}

static void step(struct world *w)
{
	struct random *r = &w->random;
	uint32_t i = next(r, SOCKETS);
	struct proc p = a_proc(w->pids[i]);

	if (!w->open[i]) {
		open_one(w, i);
		return;
	}
	switch (next(r, 40)) {
	case 0:
	case 1:
		closed(w->m, p, w->flows[i]);
		w->open[i] = false;
		break;
	case 2:
	case 3:
	case 4:
		news(w, i);
		break;
	case 5:
		failed(w->m, p, w->flows[i], 111);
		break;
	case 6:
		identified(w->m, a_proc(1 + next(r, PIDS)));
		break;
	case 7:
		if (!next(r, 40))
			name(w);
		break;
	default:
		moved(w->m, p, w->flows[i], next(r, 9), next(r, 9));
	}
}

static void check(struct world *w, struct view *v)
{
	static const size_t wants[] = {0, 1, 20, 20, 20, 90, 900, SIZE_MAX};
	size_t want = wants[next(&w->random, 8)];
	struct view fresh;

	view_init(&fresh, v->table);
	fresh.sort = v->sort;
	fresh.descending = v->descending;
	assert_int_equal(view_update(v, w->m, want), 0);
	assert_int_equal(view_update(&fresh, w->m, SIZE_MAX), 0);
	assert_int_equal(fresh.sorted, fresh.count);
	assert_int_equal(v->count, fresh.count);
	assert_int_equal(v->count, model_rows(w->m, v->table));
	assert_true(v->sorted == v->count || v->sorted >= want);
	for (size_t i = 0; i < v->sorted; i++)
		if (v->rows[i] != fresh.rows[i])
			fail_msg("table %d by %s: row %zu of %zu", v->table, v->sort->key, i,
				 v->sorted);
	view_done(&fresh);
}

static void set_up_views(struct world *w)
{
	for (int table = 0; table < TABLE_COUNT; table++)
		for (int c = 0; c < COLUMN_COUNT; c++) {
			struct view *v = &w->views[w->view_count];

			if (!(columns[c].tables & 1U << table))
				continue;
			assert_true(w->view_count++ < VIEWS_MAX);
			view_init(v, (enum table_kind)table);
			view_sort(v, &columns[c]);
		}
}

/* Few changes in some intervals, more than are remembered in others, none in a few; views that are
 * looked at in the middle of an interval, too. */
static void run(const struct model_limits *limits, uint64_t seed, const char *text)
{
	static const uint32_t loads[] = {0, 1, 1, 10, 10, 100, 4000};
	struct world *w = calloc(1, sizeof(*w));
	struct filter_error error;
	struct filter *f = text ? filter_new(text, NULL, &error) : NULL;

	assert_non_null(w);
	assert_true(f || !text);
	w->random.state = seed;
	w->m = model_new(limits);
	set_up_views(w);
	for (uint32_t i = 0; i < SOCKETS; i++)
		open_one(w, i);
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t load = loads[next(&w->random, 7)];

		if (f && !next(&w->random, 8))
			model_set_filter(w->m, model_filter(w->m) ? NULL : f);
		while (load--)
			step(w);
		w->time_ns += SECOND;
		if (next(&w->random, 2))
			ticked(w->m, w->time_ns, SECOND);
		for (size_t i = 0; i < w->view_count; i++) /* some miss an interval */
			if (next(&w->random, 4))
				check(w, &w->views[i]);
		if (!next(&w->random, 10))
			w->views[next(&w->random, (uint32_t)w->view_count)].descending ^= true;
	}
	assert_sums_hold(w->m);
	while (w->view_count)
		view_done(&w->views[--w->view_count]);
	model_free(w->m);
	filter_free(f);
	free(w);
}

static void views_follow_what_changes(void **state)
{
	(void)state;
	run(NULL, 1, NULL);
	run(NULL, 2, NULL);
}

static void views_follow_what_matches(void **state)
{
	const struct model_limits tiny = {.rows[TABLE_CONNECTIONS] = 300,
					  .rows[TABLE_PROCESSES] = 20,
					  .rows[TABLE_PORTS] = 30};

	(void)state;
	run(NULL, 5, "netns 2 or netns 3 or proc proc1*");
	run(NULL, 6, "rx > 3 or role server or user user3");
	run(NULL, 7, "age > 30s and state established");
	run(&tiny, 8, "tx > 5 or netns 3");
}

static void views_follow_rows_that_are_evicted(void **state)
{
	const struct model_limits small = {.rows[TABLE_CONNECTIONS] = 2000,
					   .rows[TABLE_PROCESSES] = 100,
					   .rows[TABLE_PORTS] = 300},
				  tiny = {.rows[TABLE_CONNECTIONS] = 300,
					  .rows[TABLE_PROCESSES] = 2,
					  .rows[TABLE_PORTS] = 7};

	(void)state;
	run(&small, 3, NULL);
	run(&tiny, 4, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(views_follow_what_changes),
		cmocka_unit_test(views_follow_what_matches),
		cmocka_unit_test(views_follow_rows_that_are_evicted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
