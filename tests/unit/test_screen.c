/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/screen.h"

#include "util/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct screen screen;

static int setup(void **state)
{
	(void)state;
	screen_init(&screen);
	return screen_resize(&screen, 3, 10);
}

static int teardown(void **state)
{
	(void)state;
	screen_done(&screen);
	return 0;
}

static void assert_printed(bool attrs, const char *want)
{
	struct buf b = {0};

	screen_print(&screen, &b, attrs);
	assert_string_equal(b.data, want);
	buf_done(&b);
}

/* Every line is as wide as the screen, and the two halves of a wide character stand together. */
static void assert_sound(void)
{
	for (int row = 0; row < screen.rows; row++) {
		for (int col = 0; col < screen.cols; col++) {
			const struct cell *c = screen_cell(&screen, row, col);

			if (c->width == 2) {
				assert_true(col + 1 < screen.cols);
				assert_int_equal(c[1].width, 0);
			}
			if (c->width == 0) {
				assert_true(col > 0);
				assert_int_equal(c[-1].width, 2);
				assert_int_equal(c->text[0], 0);
			}
			assert_true(strlen(c->text) < CELL_TEXT);
			assert_true(c->attr < ATTR_COUNT);
		}
	}
}

static void screen_prints_text(void **state)
{
	(void)state;
	assert_int_equal(screen_put(&screen, 0, 0, 10, ATTR_NORMAL, "abc"), 3);
	assert_int_equal(screen_put(&screen, 2, 4, 10, ATTR_BOLD, "x y"), 7);
	assert_printed(false, "abc\n\n    x y\n");
	assert_printed(true, "abc\n\n    x y\n..........\n..........\n....BBB...\n");
}

static void screen_clips_at_cells_and_edges(void **state)
{
	(void)state;
	assert_int_equal(screen_put(&screen, 0, 8, 10, ATTR_NORMAL, "abcdef"), 10);
	assert_int_equal(screen_put(&screen, 1, 0, 3, ATTR_NORMAL, "abcdef"), 3);
	screen_put(&screen, 2, -2, 5, ATTR_NORMAL, "abcdef");
	screen_put(&screen, -1, 0, 10, ATTR_NORMAL, "above");
	screen_put(&screen, 3, 0, 10, ATTR_NORMAL, "below");
	screen_put(&screen, 0, 10, 10, ATTR_NORMAL, "right");
	screen_put(&screen, 0, 0, 0, ATTR_NORMAL, "none");
	screen_put(&screen, 0, 0, -5, ATTR_NORMAL, "none");
	assert_printed(false, "        ab\nabc\ncde\n");
}

static void screen_never_halves_wide_characters(void **state)
{
	(void)state;
	assert_int_equal(screen_put(&screen, 0, 0, 5, ATTR_NORMAL, "网络监"), 4);
	assert_int_equal(screen_put(&screen, 1, 9, 5, ATTR_NORMAL, "网"), 9);
	screen_put(&screen, 2, -1, 5, ATTR_NORMAL, "网ab");
	assert_printed(false, "网络\n\n ab\n");
	screen_put(&screen, 0, 1, 1, ATTR_NORMAL, "x");
	assert_printed(false, " x络\n\n ab\n");
	screen_put(&screen, 0, 2, 1, ATTR_NORMAL, "y");
	assert_printed(false, " xy\n\n ab\n");
	assert_sound();
}

static void screen_joins_combining_characters(void **state)
{
	const char *many = "e\u0301\u0302\u0303\u0304z";

	(void)state;
	assert_int_equal(screen_put(&screen, 0, 0, 10, ATTR_NORMAL, many), 2);
	assert_string_equal(screen_cell(&screen, 0, 1)->text, "z");
	assert_true(strlen(screen_cell(&screen, 0, 0)->text) <= 12);
	screen_put(&screen, 1, 3, 10, ATTR_NORMAL, "\u0301x"); /* nothing of ours to join */
	assert_string_equal(screen_cell(&screen, 1, 2)->text, " ");
	screen_put(&screen, 2, 0, 10, ATTR_NORMAL, "网\u0301x");
	assert_string_equal(screen_cell(&screen, 2, 2)->text, "x");
	assert_sound();
}

static void screen_lets_no_control_character_in(void **state)
{
	(void)state;
	screen_put(&screen, 0, 0, 10, ATTR_NORMAL, "a\033[0m\n\t");
	screen_put(&screen, 1, 0, 10, ATTR_NORMAL, "\xff\xc2\x9b\x7f");
	assert_printed(false, "a?[0m??\n???\n\n");
}

static void screen_marks_and_fills(void **state)
{
	(void)state;
	screen_put(&screen, 0, 0, 10, ATTR_NORMAL, "0123456789");
	screen_mark(&screen, 0, 2, 3, ATTR_SELECTED);
	screen_fill(&screen, 0, 8, 99, ATTR_DIM);
	screen_mark(&screen, 9, 0, 3, ATTR_SELECTED);
	screen_fill(&screen, -1, 0, 3, ATTR_SELECTED);
	assert_printed(true, "01234567\n\n\n..###...dd\n..........\n..........\n");
}

static void screen_resizes_within_bounds(void **state)
{
	(void)state;
	assert_int_equal(screen_resize(&screen, 0, -3), 0);
	assert_int_equal(screen.rows * screen.cols, 1);
	assert_int_equal(screen_resize(&screen, 100000, 2), 0);
	assert_int_equal(screen.rows, SCREEN_MAX);
	assert_int_equal(screen_resize(&screen, 2, 3), 0);
	assert_printed(false, "\n\n");
}

static void screen_stays_sound_whatever_is_put(void **state)
{
	static const char *const texts[] = {"网络监视器", "abc",      "e\u0301", "\u0301",
					    "a网b络",     "\xe7\xbd", ""};
	unsigned int seed = 7;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		int row = rand_r(&seed) % 7 - 2, col = rand_r(&seed) % 18 - 4,
		    cells = rand_r(&seed) % 14 - 2;

		if (i % 50 == 0)
			screen_resize(&screen, 1 + rand_r(&seed) % 4, 1 + rand_r(&seed) % 12);
		screen_put(&screen, row, col, cells, ATTR_BOLD, texts[rand_r(&seed) % 7]);
		if (i % 7 == 0)
			screen_fill(&screen, row, col, cells, ATTR_DIM);
		assert_sound();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(screen_prints_text, setup, teardown),
		cmocka_unit_test_setup_teardown(screen_clips_at_cells_and_edges, setup, teardown),
		cmocka_unit_test_setup_teardown(screen_never_halves_wide_characters, setup,
						teardown),
		cmocka_unit_test_setup_teardown(screen_joins_combining_characters, setup, teardown),
		cmocka_unit_test_setup_teardown(screen_lets_no_control_character_in, setup,
						teardown),
		cmocka_unit_test_setup_teardown(screen_marks_and_fills, setup, teardown),
		cmocka_unit_test_setup_teardown(screen_resizes_within_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(screen_stays_sound_whatever_is_put, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("screen", tests, NULL, NULL);
}
