/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint64_t us = 1000, ms = 1000000, second = 1000000000;
static const uint64_t percent = BUDGET_WHOLE / 100;

static struct budget b;

static void budget_of_nothing_changes_nothing(void **state)
{
	(void)state;
	budget_init(&b, 0, second);
	assert_int_equal(b.interval_ns, second);
	assert_int_equal(budget_next(&b, 5 * second), second);
	assert_int_equal(budget_ask(&b, 3 * second), 3 * second);
	assert_false(b.over);
}

static void budget_with_room_leaves_the_interval(void **state)
{
	(void)state;
	budget_init(&b, percent, second);
	for (int i = 0; i < 100; i++)
		assert_int_equal(budget_next(&b, 10 * ms), second); /* just the budget */
	assert_int_equal(b.interval_ns, b.asked_ns);
}

static void budget_lengthens_at_once(void **state)
{
	(void)state;
	budget_init(&b, percent, second);
	budget_next(&b, 3 * ms);
	assert_int_equal(budget_next(&b, 20 * ms), 2 * second);
	assert_int_equal(budget_next(&b, 20 * ms + 1 * us), 2500 * ms); /* up, never down */
	assert_int_equal(budget_next(&b, 99 * ms), 10 * second);
	assert_int_equal(budget_next(&b, 101 * ms), 12 * second);
	assert_false(b.over);
}

static void budget_returns_when_there_is_room(void **state)
{
	int ticks = 0;

	(void)state;
	budget_init(&b, percent, second);
	budget_next(&b, 400 * ms);
	assert_int_equal(b.interval_ns, 40 * second);
	while (budget_next(&b, 1 * ms) != second)
		assert_true(++ticks < 8);
	assert_true(ticks > 2); /* not at the first cheap one */
}

static void budget_stands_still(void **state)
{
	uint64_t interval_ns;

	(void)state;
	budget_init(&b, percent, second);
	interval_ns = budget_next(&b, 20 * ms);
	for (int i = 0; i < 50; i++)
		assert_int_equal(budget_next(&b, 15 * ms + (uint64_t)(i % 6) * ms), interval_ns);
}

static void budget_has_a_longest_interval(void **state)
{
	(void)state;
	budget_init(&b, percent, second);
	assert_int_equal(budget_next(&b, 601 * ms), BUDGET_MAX_NS);
	assert_true(b.over);
	assert_int_equal(budget_next(&b, UINT64_MAX / 4), BUDGET_MAX_NS);
	budget_init(&b, 1, second);
	assert_int_equal(budget_next(&b, 1), second);
	assert_int_equal(budget_next(&b, 41), 50 * second);
	assert_int_equal(budget_next(&b, 60), BUDGET_MAX_NS);
	assert_false(b.over);
	assert_int_equal(budget_next(&b, 61), BUDGET_MAX_NS);
	assert_true(b.over);
	budget_init(&b, percent, 3600 * second);
	assert_int_equal(budget_next(&b, second), 3600 * second);
	assert_false(b.over);
}

static void budget_follows_the_user(void **state)
{
	(void)state;
	budget_init(&b, percent, second);
	assert_int_equal(budget_ask(&b, second / 4), second / 4);
	budget_next(&b, 20 * ms);
	assert_int_equal(b.interval_ns, 2 * second);
	assert_int_equal(budget_ask(&b, second), 2 * second);
	assert_int_equal(budget_ask(&b, 5 * second), 5 * second);
	assert_in_range(budget_ask(&b, second), 2 * second, 2500 * ms);
}

/* Whatever the load: no more is used than the share of the time, the first interval aside. */
static void budget_is_never_exceeded(void **state)
{
	(void)state;
	srandom(4);
	for (int run = 0; run < 200; run++) {
		uint64_t used_ns = 0, elapsed_ns = 0, fixed_ns = (uint64_t)random() % (30 * ms);
		uint64_t share = percent / 10 + (uint64_t)random() % (5 * percent);

		budget_init(&b, share, second / 10);
		for (int i = 0; i < 300; i++) {
			/* A part for each tick, a part that grows with the time, and at times more.
			 */
			uint64_t cost_ns = fixed_ns + b.interval_ns / 5000;

			if (random() % 10 == 0)
				cost_ns *= 5;
			used_ns += cost_ns;
			elapsed_ns += budget_next(&b, cost_ns);
			assert_in_range(b.interval_ns, b.asked_ns, BUDGET_MAX_NS);
			if (b.over)
				break;
			assert_true((double)used_ns * (double)BUDGET_WHOLE <=
				    (double)elapsed_ns * (double)share * 1.000001);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(budget_of_nothing_changes_nothing),
		cmocka_unit_test(budget_with_room_leaves_the_interval),
		cmocka_unit_test(budget_lengthens_at_once),
		cmocka_unit_test(budget_returns_when_there_is_room),
		cmocka_unit_test(budget_stands_still),
		cmocka_unit_test(budget_has_a_longest_interval),
		cmocka_unit_test(budget_follows_the_user),
		cmocka_unit_test(budget_is_never_exceeded),
	};

	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
