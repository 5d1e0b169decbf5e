/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the model asks of memory: nothing in a steady run, and no more than there is. */
#include "model_events.h"

#include "alloc_hook.h"
#include "model/view.h"

/* An interval like any other: old connections move bytes, some new ones come and go. */
static void interval(struct model *m, uint64_t *cookie)
{
	uint32_t i;

	for (i = 1; i <= 2000; i++)
		moved(m, a_proc(1 + i % 50), tcp(i, ROLE_SERVER, (uint16_t)(80 + i % 20), 40000), i,
		      i);
	for (i = 0; i < 200; i++) {
		struct flow f =
			tcp(10000 + ++*cookie, ROLE_CLIENT, 40000, (uint16_t)(443 + i % 10));

		seen(m, a_proc(100 + i % 20), f);
		moved(m, a_proc(100 + i % 20), f, 1, 1);
		identified(m, a_proc(100 + i % 20));
		closed(m, a_proc(100 + i % 20), f);
	}
	tick(m);
}

static void model_asks_for_nothing_when_steady(void **state)
{
	struct model *m;
	struct view views[TABLE_COUNT];
	uint64_t cookie = 0, before = 0;
	int i, table;

	(void)state;
	if (!HAS_HOOK)
		skip();
	m = model_new(NULL);
	for (table = 0; table < TABLE_COUNT; table++)
		view_init(&views[table], (enum table_kind)table);
	for (i = 0; i < 50; i++) {
		if (i == 5)
			before = asked;
		interval(m, &cookie);
		for (table = 0; table < TABLE_COUNT; table++)
			assert_int_equal(view_update(&views[table], m, 50), 0);
	}
	assert_true(before > 0);
	assert_int_equal(asked, before);
	for (table = 0; table < TABLE_COUNT; table++)
		view_done(&views[table]);
	assert_sums_hold(m);
	model_free(m);
}

static void model_new_fails_cleanly(void **state)
{
	uint64_t i;
	bool made = false;

	(void)state;
	if (!HAS_HOOK)
		skip();
	for (i = 0; !made && i < 100; i++) {
		struct model *m;

		refuse_from = asked + i;
		m = model_new(NULL);
		refuse_from = UINT64_MAX;
		made = m;
		model_free(m);
	}
	assert_true(made && i > 3);
}

/* Without more memory the tables are as large as they are: rows are evicted, bytes are not lost. */
static void model_lives_without_more_memory(void **state)
{
	struct event user = {.kind = EVENT_USER, .user = {.uid = 1, .name = "root"}};
	uint64_t i, room;

	(void)state;
	if (!HAS_HOOK)
		skip();
	for (room = 0; room < 60; room++) {
		struct model *m = model_new(NULL);
		const struct model_totals *t = model_totals(m);

		refuse_from = asked + room;
		model_apply(m, &user);
		for (i = 1; i <= 3000; i++)
			moved(m, a_proc(1 + (uint32_t)i % 700),
			      tcp(i, ROLE_SERVER, (uint16_t)(1 + i % 900), 40000), i, 1);
		tick(m);
		refuse_from = UINT64_MAX;
		assert_int_equal(t->count.rx_total, 3000);
		assert_sums_hold(m);
		if (!room)
			assert_true(t->evicted[TABLE_CONNECTIONS] > 0);
		model_free(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(model_asks_for_nothing_when_steady),
		cmocka_unit_test(model_new_fails_cleanly),
		cmocka_unit_test(model_lives_without_more_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
