/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model_events.h"

#include "model/view.h"

enum { CONNS = 1000 };

/* Many rows, few different rates: the order of most is decided by their keys. */
static int setup(void **state)
{
	struct model *m = model_new(NULL);
	uint64_t i;

	if (!m)
		return -1;
	for (i = 1; i <= CONNS; i++) {
		uint64_t cookie = i * 7919 % 10007;
		struct flow f = tcp(cookie, i % 2 ? ROLE_CLIENT : ROLE_SERVER,
				    (uint16_t)(1000 + i % 40), (uint16_t)(2000 + i % 30));

		moved(m, a_proc(1 + (uint32_t)i % 60), f, i * 31 % 5, i * 17 % 7);
	}
	moved(m, a_proc(900), tcp(99999, ROLE_CLIENT, 1, 2), 1000000, 1000000);
	closed(m, a_proc(900), tcp(99999, ROLE_CLIENT, 1, 2));
	ticked(m, SECOND, SECOND);
	ticked(m, 2 * SECOND, SECOND); /* the closed one is in `other` now, with the most bytes */
	for (i = 1; i <= CONNS; i++) {
		uint64_t cookie = i * 7919 % 10007;
		struct flow f = tcp(cookie, i % 2 ? ROLE_CLIENT : ROLE_SERVER,
				    (uint16_t)(1000 + i % 40), (uint16_t)(2000 + i % 30));

		moved(m, a_proc(1 + (uint32_t)i % 60), f, i % 4, i % 3);
	}
	ticked(m, 3 * SECOND, SECOND);
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	model_free(*state);
	return 0;
}

static void view_starts_with_the_most_active(void **state)
{
	struct model *m = *state;
	struct view v;
	size_t i;

	view_init(&v, TABLE_CONNECTIONS);
	assert_int_equal(view_update(&v, m, SIZE_MAX), 0);
	assert_int_equal(v.count, CONNS + 1);
	assert_int_equal(v.sorted, v.count);
	assert_true(v.rows[v.count - 1]->is_other);
	for (i = 1; i < v.count - 1; i++) {
		const struct counters *a = &v.rows[i - 1]->count, *b = &v.rows[i]->count;
		uint64_t x = a->tx_rate + a->rx_rate, y = b->tx_rate + b->rx_rate;

		assert_true(x >= y);
		if (x > y)
			continue;
		x = a->tx_total + a->rx_total;
		y = b->tx_total + b->rx_total;
		assert_true(x >= y);
		if (x == y)
			assert_true(v.rows[i - 1]->flow.cookie < v.rows[i]->flow.cookie);
	}
	view_done(&v);
}

static void check_order(const struct view *v, const struct model *m)
{
	size_t i;

	for (i = 1; i < v->sorted && !v->rows[i]->is_other; i++) {
		int c = v->sort->compare(v->rows[i - 1], v->rows[i], m);

		assert_true(v->descending ? c >= 0 : c <= 0);
	}
}

static void view_sorts_the_front_as_the_whole(void **state)
{
	static const size_t wants[] = {0, 1, 2, 24, 50, CONNS - 1, CONNS, CONNS + 1, 5 * CONNS};
	struct model *m = *state;
	struct view full, part;
	int table;

	for (table = 0; table < TABLE_COUNT; table++) {
		const struct column *const *c = column_list((enum table_kind)table);

		view_init(&full, (enum table_kind)table);
		view_init(&part, (enum table_kind)table);
		for (; *c; c++) {
			view_sort(&full, *c);
			view_sort(&part, *c);
			full.descending = part.descending = !full.descending;
			assert_int_equal(view_update(&full, m, SIZE_MAX), 0);
			check_order(&full, m);
			for (size_t w = 0; w < sizeof(wants) / sizeof(wants[0]); w++) {
				assert_int_equal(view_update(&part, m, wants[w]), 0);
				assert_int_equal(part.count, full.count);
				assert_true(part.sorted >= wants[w] || part.sorted == part.count);
				for (size_t i = 0; i < part.sorted; i++)
					assert_ptr_equal(part.rows[i], full.rows[i]);
				if (part.count && part.sorted == part.count)
					assert_int_equal(part.rows[part.count - 1]->is_other,
							 full.rows[full.count - 1]->is_other);
			}
		}
		view_done(&full);
		view_done(&part);
	}
}

static void view_holds_every_row_once(void **state)
{
	struct model *m = *state;
	bool found[10007] = {false};
	struct view v;
	size_t i;

	view_init(&v, TABLE_CONNECTIONS);
	assert_int_equal(view_update(&v, m, 10), 0);
	assert_in_range(v.sorted, 10, CONNS - 1); /* not all were asked for */
	assert_int_equal(v.count, CONNS + 1);
	assert_int_equal(view_update(&v, m, SIZE_MAX), 0);
	assert_int_equal(v.sorted, CONNS + 1);
	for (i = 0; i < v.count - 1; i++) {
		assert_false(found[v.rows[i]->flow.cookie]);
		found[v.rows[i]->flow.cookie] = true;
	}
	view_done(&v);
}

static void view_keeps_order_of_the_same_column(void **state)
{
	struct view v;

	(void)state;
	view_init(&v, TABLE_PROCESSES);
	assert_ptr_equal(v.sort, &columns[COLUMN_RATE]);
	assert_true(v.descending);
	view_sort(&v, &columns[COLUMN_PID]);
	assert_false(v.descending);
	v.descending = true;
	view_sort(&v, &columns[COLUMN_PID]);
	assert_true(v.descending);
	view_sort(&v, &columns[COLUMN_TX_RATE]);
	assert_true(v.descending);
	view_done(&v);
}

static void view_of_nothing_is_empty(void **state)
{
	struct model *m = model_new(NULL);
	struct view v;

	(void)state;
	view_init(&v, TABLE_PORTS);
	assert_int_equal(view_update(&v, m, 10), 0);
	assert_int_equal(v.count, 0);
	assert_int_equal(v.sorted, 0);
	view_done(&v);
	view_done(&v);
	model_free(m);
}

/* The same model gives the same order after rows were replaced, and another model another. */
static void view_starts_anew_when_it_must(void **state)
{
	struct model *m = *state, *other = model_new(NULL);
	const struct row *first;
	struct view v;

	view_init(&v, TABLE_CONNECTIONS);
	assert_int_equal(view_update(&v, m, SIZE_MAX), 0);
	first = v.rows[0];
	v.rows[0] = NULL;
	view_forget(&v);
	assert_int_equal(view_update(&v, m, SIZE_MAX), 0);
	assert_ptr_equal(v.rows[0], first);
	seen(other, a_proc(1), tcp(1, ROLE_CLIENT, 1, 2));
	assert_int_equal(view_update(&v, other, SIZE_MAX), 0);
	assert_int_equal(v.count, 1);
	assert_ptr_equal(v.rows[0], conn_row(other, 1, 1));
	view_done(&v);
	model_free(other);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(view_starts_with_the_most_active), TEST(view_sorts_the_front_as_the_whole),
		TEST(view_holds_every_row_once),        TEST(view_keeps_order_of_the_same_column),
		TEST(view_of_nothing_is_empty),         TEST(view_starts_anew_when_it_must),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
