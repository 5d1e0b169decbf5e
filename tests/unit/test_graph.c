/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char text[256];

static const char *line(const uint64_t *values, size_t count, int cells, bool ascii)
{
	return graph_line(text, sizeof(text), values, count, cells, graph_most(values, count), 0, 1,
			  ascii);
}

static void graph_draws_bars(void **state)
{
	const uint64_t values[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};

	(void)state;
	assert_string_equal(line(values, 9, 9, false), " ▁▂▃▄▅▆▇█");
	assert_string_equal(line(values, 9, 9, true), " ..::||##");
	assert_string_equal(line(values, 9, 3, false), "▆▇█");      /* the newest */
	assert_string_equal(line(values + 7, 2, 4, false), "  ▇█"); /* fewer than there is room */
	assert_string_equal(line(values, 1, 2, false), "  ");
	assert_string_equal(line(values, 0, 2, false), "  ");
}

static void graph_shows_the_smallest_and_the_largest(void **state)
{
	const uint64_t values[] = {1, UINT64_MAX, 0};

	(void)state;
	assert_string_equal(line(values, 3, 3, false), "▁█ ");
	assert_string_equal(graph_cell(9, 4, 0, 1, false), "█"); /* more than the most */
	assert_string_equal(graph_cell(0, 0, 0, 1, false), " ");
}

static void graph_is_as_high_as_wanted(void **state)
{
	(void)state;
	assert_string_equal(graph_cell(8, 16, 0, 2, false), "█");
	assert_string_equal(graph_cell(8, 16, 1, 2, false), " ");
	assert_string_equal(graph_cell(9, 16, 1, 2, false), "▁");
	assert_string_equal(graph_cell(16, 16, 1, 2, true), "#");
}

static void graph_is_cut_at_the_end_of_its_memory(void **state)
{
	const uint64_t values[] = {8, 8, 8};
	char small[8];

	(void)state;
	graph_line(small, sizeof(small), values, 3, 3, 8, 0, 1, false);
	assert_string_equal(small, "██");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(graph_draws_bars),
		cmocka_unit_test(graph_shows_the_smallest_and_the_largest),
		cmocka_unit_test(graph_is_as_high_as_wanted),
		cmocka_unit_test(graph_is_cut_at_the_end_of_its_memory),
	};

	return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
