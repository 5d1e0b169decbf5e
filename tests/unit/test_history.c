/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/history.h"

#include "model_events.h"

static struct model_totals totals;
static struct histories *h;

static int setup(void **state)
{
	(void)state;
	totals = (struct model_totals){.interval_ns = SECOND};
	h = histories_new();
	return !h;
}

static int teardown(void **state)
{
	(void)state;
	histories_free(h);
	return 0;
}

/* A process that has sent @total, @rate of it in the last interval. */
static struct row a_row(uint32_t pid, uint64_t total, uint64_t rate)
{
	return (struct row){
		.table = TABLE_PROCESSES,
		.proc = a_proc(pid),
		.count = {.tx_total = total, .rx_total = 2 * total, .tx_rate = rate, .rx_rate = 1},
	};
}

static const struct history *noted(uint32_t pid, uint64_t total, uint64_t rate)
{
	struct row row = a_row(pid, total, rate);

	histories_note(h, &row, &totals);
	return histories_find(h, &row);
}

static void history_keeps_a_rate_for_each_interval(void **state)
{
	const struct history *found;

	(void)state;
	totals.ticks = 1;
	noted(1, 10, 10);
	noted(2, 70, 70);
	totals.ticks = 2;
	noted(1, 30, 20);
	found = noted(1, 30, 20); /* twice in one interval */
	assert_int_equal(found->count, 2);
	assert_int_equal(found->tx[0], 10);
	assert_int_equal(found->tx[1], 20);
	assert_int_equal(found->rx[1], 1);
	assert_true(found->span_ns == 2 * SECOND);
	assert_int_equal(histories_find(h, &(struct row){.proc = a_proc(2)})->tx[0], 70);
	assert_null(histories_find(h, &(struct row){.proc = a_proc(3)}));
}

static void history_shares_out_what_moved_unwatched(void **state)
{
	const struct history *found;

	(void)state;
	totals.ticks = 1;
	noted(1, 10, 10);
	totals.ticks = 4;
	found = noted(1, 40, 3);
	assert_int_equal(found->count, 4);
	for (int i = 1; i < 4; i++) {
		assert_int_equal(found->tx[i], 10);
		assert_int_equal(found->rx[i], 20);
	}
	totals.ticks = 6; /* less than before: a filter came between */
	found = noted(1, 5, 3);
	assert_int_equal(found->count, 6);
	assert_int_equal(found->tx[5], 3);
}

static void history_is_bounded(void **state)
{
	const struct history *found = NULL;

	(void)state;
	for (uint64_t i = 1; i <= HISTORY_SAMPLES + 5; i++) {
		totals.ticks = i;
		found = noted(1, i, i);
	}
	assert_int_equal(found->count, HISTORY_SAMPLES);
	assert_int_equal(found->tx[0], 6);
	assert_int_equal(found->tx[HISTORY_SAMPLES - 1], HISTORY_SAMPLES + 5);
	totals.ticks += 10 * HISTORY_SAMPLES;
	found = noted(1, totals.ticks, 7);
	assert_int_equal(found->count, HISTORY_SAMPLES);
	assert_int_equal(found->tx[0], 1);
}

static void history_of_the_row_that_was_watched_longest_ago_goes(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < HISTORY_ROWS; i++) {
		totals.ticks++;
		noted(i + 1, 0, 0);
	}
	totals.ticks++;
	noted(1, 0, 0);
	noted(1000, 0, 0);
	assert_non_null(histories_find(h, &(struct row){.proc = a_proc(1)}));
	assert_null(histories_find(h, &(struct row){.proc = a_proc(2)}));
	assert_non_null(histories_find(h, &(struct row){.proc = a_proc(3)}));
	assert_int_equal(histories_find(h, &(struct row){.proc = a_proc(1000)})->count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(history_keeps_a_rate_for_each_interval, setup,
						teardown),
		cmocka_unit_test_setup_teardown(history_shares_out_what_moved_unwatched, setup,
						teardown),
		cmocka_unit_test_setup_teardown(history_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(
			history_of_the_row_that_was_watched_longest_ago_goes, setup, teardown),
	};

	return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
