/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How long what has ended is kept. */
#include "model_events.h"

#include "model/filter.h"

static void end_at(struct model *m, uint64_t second, struct proc p, struct flow f)
{
	struct event ev = an_event(EVENT_CLOSE, second * SECOND, p, f);

	model_apply(m, &ev);
}

static void exit_at(struct model *m, uint64_t second, struct proc p)
{
	struct event ev = an_event(EVENT_EXIT, second * SECOND, p, (struct flow){.cookie = 0});

	model_apply(m, &ev);
}

static void ended_connections_stay_for_a_while(void **state)
{
	struct model *m = model_new(NULL);
	struct flow f = tcp(1, ROLE_CLIENT, 1000, 80);

	(void)state;
	model_keep_ended(m, 5 * SECOND);
	moved(m, a_proc(1), f, 10, 1);
	ticked(m, 1 * SECOND, SECOND);
	end_at(m, 2, a_proc(1), f);
	exit_at(m, 2, a_proc(1));
	for (uint64_t s = 2; s <= 6; s++) {
		ticked(m, s * SECOND, SECOND);
		assert_true(conn_row(m, 1, 1)->ended);
		assert_true(process_row(m, 1)->exited);
		assert_int_equal(model_totals(m)->count.open, 0);
		assert_sums_hold(m);
	}
	assert_int_equal(conn_row(m, 1, 1)->count.tx_rate, 0);
	ticked(m, 7 * SECOND, SECOND);
	assert_null(conn_row(m, 1, 1));
	assert_null(process_row(m, 1));
	assert_int_equal(other_row(m, TABLE_CONNECTIONS)->count.tx_total, 10);
	assert_int_equal(other_row(m, TABLE_PROCESSES)->count.tx_total, 10);
	assert_sums_hold(m);
	model_free(m);
}

/* An interval longer than that shows them all the same, once. */
static void ended_connections_are_shown_at_least_once(void **state)
{
	struct model *m = model_new(NULL);
	struct flow f = tcp(1, ROLE_CLIENT, 1000, 80);

	(void)state;
	model_keep_ended(m, SECOND);
	moved(m, a_proc(1), f, 10, 1);
	end_at(m, 1, a_proc(1), f);
	ticked(m, 60 * SECOND, 60 * SECOND);
	assert_true(conn_row(m, 1, 1)->changed);
	ticked(m, 120 * SECOND, 60 * SECOND);
	assert_null(conn_row(m, 1, 1));
	model_free(m);
}

static void kept_connections_stay_until_there_is_no_room(void **state)
{
	const struct model_limits limits = {.rows[TABLE_CONNECTIONS] = 4};
	struct model *m = model_new(&limits);

	(void)state;
	model_keep_ended(m, UINT64_MAX);
	for (uint32_t i = 1; i <= 3; i++) {
		moved(m, a_proc(i), tcp(i, ROLE_CLIENT, 1000, 80), i, 0);
		end_at(m, i, a_proc(i), tcp(i, ROLE_CLIENT, 1000, 80));
	}
	for (uint64_t s = 1; s < 100; s++)
		ticked(m, s * SECOND, SECOND);
	assert_int_equal(model_rows(m, TABLE_CONNECTIONS), 3);
	for (uint32_t i = 4; i <= 5; i++)
		moved(m, a_proc(i), tcp(i, ROLE_CLIENT, 1000, 80), i, 0);
	assert_null(conn_row(m, 1, 1)); /* ended first */
	assert_non_null(conn_row(m, 2, 2));
	assert_int_equal(model_totals(m)->evicted[TABLE_CONNECTIONS], 0);
	assert_sums_hold(m);
	model_keep_ended(m, 0);
	ticked(m, 100 * SECOND, SECOND);
	assert_null(conn_row(m, 2, 2));
	assert_non_null(conn_row(m, 4, 4));
	assert_sums_hold(m);
	model_free(m);
}

/* What matched when it was last shown goes on counting, also if it is asked for rates or names. */
static void kept_connections_match_as_when_they_ended(void **state)
{
	struct model *m = model_new(NULL);
	struct flow f = tcp(1, ROLE_CLIENT, 1000, 80);
	struct filter_error e;
	struct filter *filter = filter_new("tx > 5 or age > 1h", NULL, &e);

	(void)state;
	model_keep_ended(m, 10 * SECOND);
	model_set_filter(m, filter);
	moved(m, a_proc(1), f, 10, 1);
	end_at(m, 1, a_proc(1), f);
	for (uint64_t s = 1; s <= 9; s++) {
		ticked(m, s * SECOND, SECOND);
		assert_non_null(conn_row(m, 1, 1));
		assert_int_equal(model_totals(m)->count.tx_total, 10);
		assert_sums_hold(m);
	}
	for (uint64_t s = 10; s <= 20; s++)
		ticked(m, s * SECOND, SECOND);
	assert_null(conn_row(m, 1, 1));
	assert_int_equal(model_totals(m)->count.tx_total, 10);
	assert_sums_hold(m);
	model_free(m);
	filter_free(filter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ended_connections_stay_for_a_while),
		cmocka_unit_test(ended_connections_are_shown_at_least_once),
		cmocka_unit_test(kept_connections_stay_until_there_is_no_room),
		cmocka_unit_test(kept_connections_match_as_when_they_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
