/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/sweeps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint64_t ms = 1000000, second = 1000000000;

static struct sweeps s;
static struct sweep_facts now;

static int setup(void **state)
{
	(void)state;
	memset(&s, 0, sizeof(s));
	memset(&now, 0, sizeof(now));
	now.now_ns = 100 * second;
	return 0;
}

/* One refresh: @records came meanwhile. The sweep that ran, at this cost. */
static enum sweep_kind refresh(uint64_t records, uint64_t quick_ns, uint64_t whole_ns)
{
	enum sweep_kind kind;

	now.now_ns += second;
	now.io_records += records;
	kind = sweeps_due(&s, &now);
	if (kind != SWEEP_NONE)
		sweeps_done(&s, kind, &now, kind == SWEEP_QUICK ? quick_ns : whole_ns);
	return kind;
}

static void no_news_no_sweep(void **state)
{
	(void)state;
	assert_int_equal(refresh(0, ms, ms), SWEEP_NONE);
	assert_int_equal(refresh(1, ms, ms), SWEEP_WHOLE);
	assert_int_equal(refresh(0, ms, ms), SWEEP_NONE);
	now.dirty++;
	assert_int_equal(refresh(0, ms, ms), SWEEP_WHOLE);
	now.lost++;
	assert_int_equal(refresh(0, ms, ms), SWEEP_WHOLE);
}

static void few_sockets_are_always_looked_at_wholly(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(refresh(1, ms, 10 * ms), SWEEP_WHOLE);
}

static void many_sockets_are_mostly_passed_by(void **state)
{
	uint64_t cost = 0, kinds[SWEEP_KINDS] = {0};

	(void)state;
	for (int i = 0; i < 100; i++) {
		enum sweep_kind kind = refresh(1, 30 * ms, 120 * ms);

		kinds[kind]++;
		cost += kind == SWEEP_QUICK ? 30 * ms : kind == SWEEP_WHOLE ? 120 * ms : 0;
	}
	assert_int_equal(kinds[SWEEP_NONE], 0);
	assert_in_range(kinds[SWEEP_WHOLE], 8, 9);
	assert_true(cost < 100 * second / 20); /* of a core: five in a hundred */
}

/* A quick one has told what is new, yet not what no hook saw. */
static void a_whole_one_is_made_up_for(void **state)
{
	(void)state;
	assert_int_equal(refresh(1, ms, 30 * ms), SWEEP_WHOLE); /* the next in 3 s */
	assert_int_equal(refresh(1, ms, 30 * ms), SWEEP_QUICK);
	assert_int_equal(refresh(0, ms, 30 * ms), SWEEP_NONE);
	assert_int_equal(refresh(0, ms, 30 * ms), SWEEP_WHOLE);
	assert_int_equal(refresh(0, ms, 30 * ms), SWEEP_NONE);
}

static void quick_ones_are_of_no_use_for_what_no_record_tells(void **state)
{
	(void)state;
	now.unseen = true;
	assert_int_equal(refresh(0, ms, 50 * ms), SWEEP_WHOLE); /* the next in 2.5 s */
	assert_int_equal(refresh(1, ms, 50 * ms), SWEEP_NONE);
	assert_int_equal(refresh(1, ms, 50 * ms), SWEEP_NONE);
	assert_int_equal(refresh(0, ms, 50 * ms), SWEEP_WHOLE);
}

static void ends_that_only_a_sweep_shows_are_looked_for(void **state)
{
	(void)state;
	now.no_release = true;
	assert_int_equal(refresh(1, ms, ms), SWEEP_WHOLE);
	assert_int_equal(refresh(0, ms, ms), SWEEP_NONE);
	assert_int_equal(refresh(0, ms, ms), SWEEP_WHOLE);
}

static void the_last_is_whole_and_waits_for_nothing(void **state)
{
	(void)state;
	assert_int_equal(refresh(1, second, second), SWEEP_WHOLE);
	now.last = true;
	assert_int_equal(refresh(0, second, second), SWEEP_WHOLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(no_news_no_sweep, setup),
		cmocka_unit_test_setup(few_sockets_are_always_looked_at_wholly, setup),
		cmocka_unit_test_setup(many_sockets_are_mostly_passed_by, setup),
		cmocka_unit_test_setup(a_whole_one_is_made_up_for, setup),
		cmocka_unit_test_setup(quick_ones_are_of_no_use_for_what_no_record_tells, setup),
		cmocka_unit_test_setup(ends_that_only_a_sweep_shows_are_looked_for, setup),
		cmocka_unit_test_setup(the_last_is_whole_and_waits_for_nothing, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
