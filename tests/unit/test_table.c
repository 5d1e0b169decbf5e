/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model_events.h"

#include "model/table.h"

struct thing {
	struct entry e;
	uint32_t id;
};

static bool thing_is(const struct entry *e, const void *key)
{
	return LIST_ENTRY(e, struct thing, e)->id == *(const uint32_t *)key;
}

/* A poor hash on purpose: most things share a bucket with others. */
static uint32_t thing_hash(uint32_t id)
{
	return id % 97;
}

static struct thing *find(const struct table *t, uint32_t id)
{
	struct entry *e = table_find(t, thing_hash(id), thing_is, &id);

	return e ? LIST_ENTRY(e, struct thing, e) : NULL;
}

static struct thing *add(struct table *t, uint32_t id)
{
	struct entry *e = table_add(t, thing_hash(id));
	struct thing *thing;

	if (!e)
		return NULL;
	thing = LIST_ENTRY(e, struct thing, e);
	assert_int_equal(thing->id, 0);
	assert_int_equal(e->row.table, t->kind);
	thing->id = id;
	return thing;
}

static void with_limit(struct table *t, uint32_t limit)
{
	assert_int_equal(table_init(t, TABLE_PORTS, sizeof(struct thing), limit), 0);
}

static void count_row(const struct row *row, void *arg)
{
	(void)row;
	++*(uint32_t *)arg;
}

static void table_finds_what_was_added(void **state)
{
	struct table t;
	uint32_t id, seen_rows = 0;

	(void)state;
	with_limit(&t, 5000);
	for (id = 1; id <= 5000; id++)
		assert_non_null(add(&t, id));
	assert_null(add(&t, 5001));
	for (id = 1; id <= 5000; id += 2)
		table_remove(&t, &find(&t, id)->e);
	for (id = 1; id <= 5000; id++)
		assert_int_equal(find(&t, id) != NULL, id % 2 == 0);
	assert_int_equal(t.count, 2500);
	table_each(&t, count_row, &seen_rows);
	assert_int_equal(seen_rows, 2500);
	for (id = 5001; id <= 7500; id++)
		assert_non_null(add(&t, id)); /* in the memory of those that went */
	assert_null(add(&t, 9999));
	assert_non_null(find(&t, 7500));
	table_done(&t);
}

static void table_keeps_rows_in_place(void **state)
{
	struct thing *first;
	struct table t;
	uint32_t id;

	(void)state;
	with_limit(&t, 100000);
	first = add(&t, 1);
	for (id = 2; id <= 20000; id++)
		assert_non_null(table_add(&t, id));
	assert_ptr_equal(find(&t, 1), first);
	table_rehash(&t, &first->e, thing_hash(50));
	first->id = 50;
	assert_null(find(&t, 1));
	assert_ptr_equal(find(&t, 50), first);
	table_done(&t);
}

static void table_chooses_victims(void **state)
{
	struct thing *a, *b, *c;
	struct table t;

	(void)state;
	with_limit(&t, 3);
	assert_null(table_victim(&t));
	a = add(&t, 1);
	b = add(&t, 2);
	c = add(&t, 3);
	assert_ptr_equal(table_victim(&t), &a->e);
	table_touch(&t, &a->e);
	assert_ptr_equal(table_victim(&t), &b->e);
	table_set_spare(&t, &c->e, true);
	table_set_spare(&t, &a->e, true);
	assert_ptr_equal(table_victim(&t), &c->e);
	table_touch(&t, &c->e);
	assert_ptr_equal(table_victim(&t), &a->e);
	table_set_spare(&t, &a->e, false);
	table_remove(&t, &c->e);
	assert_ptr_equal(table_victim(&t), &b->e);
	table_done(&t);
}

static void table_folds_counters(void **state)
{
	struct table t;
	struct thing *a;

	(void)state;
	with_limit(&t, 3);
	a = add(&t, 1);
	a->e.row.count = (struct counters){.tx_total = 7, .tx_tick = 5, .opened = 2, .first_ns = 3};
	table_fold(&t, &a->e, SECOND);
	table_remove(&t, &a->e);
	a = add(&t, 2);
	a->e.row.count =
		(struct counters){.tx_total = 1, .tx_tick = 1, .first_ns = 2, .last_ns = 9};
	table_fold(&t, &a->e, SECOND);
	assert_int_equal(t.other.count.tx_total, 8);
	assert_int_equal(t.other.count.tx_rate, 6);
	assert_int_equal(t.other.count.opened, 2);
	assert_int_equal(t.other.count.first_ns, 2);
	assert_int_equal(t.other.count.last_ns, 9);
	assert_int_equal(t.folded, 2);
	assert_true(t.other.is_other);
	table_done(&t);
}

static void count_retired(struct entry *e, void *arg)
{
	struct table *t = arg;

	table_remove(t, e);
}

static void table_ticks_only_what_changed(void **state)
{
	struct thing *a, *b;
	struct table t;

	(void)state;
	with_limit(&t, 10);
	a = add(&t, 1);
	b = add(&t, 2);
	a->e.row.count.tx_now = 10;
	b->e.row.count.tx_now = 99; /* never touched, so no tick looks at it */
	table_touch(&t, &a->e);
	table_tick(&t, SECOND, NULL, NULL);
	assert_int_equal(a->e.row.count.tx_tick, 10);
	assert_int_equal(a->e.row.count.tx_rate, 10);
	assert_true(a->e.row.changed && !a->e.dirty);
	assert_int_equal(b->e.row.count.tx_now, 99);
	a->e.row.count.tx_now = 20;
	table_touch(&t, &a->e);
	table_touch(&t, &a->e);
	assert_int_equal(a->e.row.count.tx_tick, 10);
	table_tick(&t, SECOND, NULL, NULL);
	assert_int_equal(a->e.row.count.tx_tick, 20);
	table_set_spare(&t, &a->e, true);
	table_tick(&t, SECOND, count_retired, &t);
	assert_null(find(&t, 1));
	assert_int_equal(t.count, 1);
	table_tick(&t, SECOND, count_retired, &t);
	assert_non_null(find(&t, 2));
	table_done(&t);
}

static void table_removes_from_any_list(void **state)
{
	struct thing *a, *b;
	struct table t;

	(void)state;
	with_limit(&t, 10);
	a = add(&t, 1);
	b = add(&t, 2);
	table_touch(&t, &a->e);
	table_touch(&t, &b->e);
	table_remove(&t, &a->e);
	table_tick(&t, SECOND, NULL, NULL);
	table_remove(&t, &b->e);
	table_tick(&t, SECOND, NULL, NULL);
	assert_int_equal(t.count, 0);
	assert_true(list_is_empty(&t.dirty) && list_is_empty(&t.shown) && list_is_empty(&t.live));
	table_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_finds_what_was_added),
		cmocka_unit_test(table_keeps_rows_in_place),
		cmocka_unit_test(table_chooses_victims),
		cmocka_unit_test(table_folds_counters),
		cmocka_unit_test(table_ticks_only_what_changed),
		cmocka_unit_test(table_removes_from_any_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
