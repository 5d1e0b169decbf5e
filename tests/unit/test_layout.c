/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS_MAX = 60, COLS_MAX = 220 };

static void assert_inside(const struct rect *r, int rows, int cols)
{
	assert_true(r->row >= 0 && r->col >= 0 && r->rows > 0 && r->cols > 0);
	assert_true(r->row + r->rows <= rows);
	assert_true(r->col + r->cols <= cols);
}

/* The parts cover each line of the screen exactly once. */
static void assert_covers(const struct layout *l, int rows)
{
	const struct rect *const parts[] = {&l->header, &l->cost,  &l->tabs,
					    &l->titles, &l->table, &l->footer};
	int used[ROWS_MAX + 1] = {0};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		for (int row = 0; row < parts[i]->rows; row++)
			used[parts[i]->row + row]++;
	}
	for (int row = 0; row < rows; row++)
		assert_int_equal(used[row], 1);
}

static void check_size(int rows, int cols, bool note, bool own_cost)
{
	struct layout l = layout_compute(rows, cols, note, own_cost);

	assert_int_equal(l.too_small, rows < LAYOUT_MIN_ROWS || cols < LAYOUT_MIN_COLS);
	if (l.too_small)
		return;
	assert_inside(&l.header, rows, cols);
	assert_inside(&l.tabs, rows, cols);
	assert_inside(&l.titles, rows, cols);
	assert_inside(&l.table, rows, cols);
	assert_inside(&l.footer, rows, cols);
	assert_inside(&l.overlay, rows, cols);
	assert_int_equal(l.cost.rows > 0, own_cost && rows >= LAYOUT_COST_ROWS);
	assert_covers(&l, rows);
	assert_true(l.overlay.row >= l.header.rows &&
		    l.overlay.row + l.overlay.rows <= l.footer.row);
}

static void layout_fits_every_size(void **state)
{
	(void)state;
	for (int rows = 1; rows <= ROWS_MAX; rows++) {
		for (int cols = 1; cols <= COLS_MAX; cols++) {
			for (int k = 0; k < 4; k++)
				check_size(rows, cols, k & 1, k & 2);
		}
	}
}

static void layout_is_pure(void **state)
{
	struct layout a = layout_compute(24, 80, false, false),
		      b = layout_compute(24, 80, false, false);

	(void)state;
	assert_memory_equal(&a.table, &b.table, sizeof(a.table));
}

static void layout_gives_room_to_the_table(void **state)
{
	(void)state;
	assert_int_equal(layout_compute(24, 80, false, false).table.rows, 18);
	assert_int_equal(layout_compute(24, 80, true, false).table.rows, 17);
	assert_int_equal(layout_compute(10, 40, false, false).table.rows, 5);
	assert_int_equal(layout_compute(5, 20, true, false).table.rows, 1);
	for (int rows = 6; rows <= ROWS_MAX; rows++) {
		assert_true(layout_compute(rows, 80, true, false).table.rows * 2 >= rows - 4);
		assert_true(layout_compute(rows, 80, true, false).header.rows >=
			    layout_compute(rows - 1, 80, true, false).header.rows);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_fits_every_size),
		cmocka_unit_test(layout_is_pure),
		cmocka_unit_test(layout_gives_room_to_the_table),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
