/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "util/phases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MS = 1000000 };

static struct phases p;
static char text[PHASES_TEXT];

static void phases_add_up(void **state)
{
	(void)state;
	phases_begin(&p, 7 * MS);
	phases_end(&p, "probe", 38 * MS + 40000);
	phases_end(&p, "open", 38 * MS + 590000);
	phases_end(&p, "load", 109 * MS);
	assert_string_equal(phases_text(text, sizeof(text), &p),
			    "102.0 ms: probe 31.0, open 0.6, load 70.4");
	assert_int_equal(p.list[0].ns + p.list[1].ns + p.list[2].ns, 102 * MS);
}

static void phases_of_nothing(void **state)
{
	(void)state;
	phases_begin(&p, 5);
	assert_string_equal(phases_text(text, sizeof(text), &p), "0.0 ms");
	phases_end(NULL, "none", 6);
}

/* Nothing is lost of the time when there are more steps than room for their names. */
static void phases_are_bounded(void **state)
{
	uint64_t sum = 0;

	(void)state;
	phases_begin(&p, 0);
	for (uint64_t i = 1; i <= 3 * PHASES_MAX; i++)
		phases_end(&p, "step", i * MS);
	assert_int_equal(p.count, PHASES_MAX);
	for (size_t i = 0; i < p.count; i++)
		sum += p.list[i].ns;
	assert_int_equal(sum, 3 * PHASES_MAX * MS);
}

static void phases_text_stays_in_its_room(void **state)
{
	char small[20];

	(void)state;
	phases_begin(&p, 0);
	for (uint64_t i = 1; i <= 5; i++)
		phases_end(&p, "a step with a long name", i * MS);
	memset(small, 'x', sizeof(small));
	phases_text(small, sizeof(small) - 1, &p);
	assert_int_equal(small[sizeof(small) - 1], 'x');
	assert_true(strlen(small) < sizeof(small) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(phases_add_up),
		cmocka_unit_test(phases_of_nothing),
		cmocka_unit_test(phases_are_bounded),
		cmocka_unit_test(phases_text_stays_in_its_room),
	};

	return cmocka_run_group_tests_name("phases", tests, NULL, NULL);
}
