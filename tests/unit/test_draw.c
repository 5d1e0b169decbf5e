/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/draw.h"

#include "fixture.h"
#include "tui/keys.h"
#include "tui/screen.h"
#include "tui/ui.h"
#include "util/buf.h"
#include "util/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct ui ui;
static struct screen screen;
static struct buf out;

static int setup(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	screen_init(&screen);
	return ui_init(&ui, FIXTURE_SECOND);
}

static int teardown(void **state)
{
	(void)state;
	ui_done(&ui);
	screen_done(&screen);
	buf_done(&out);
	return 0;
}

static const char *drawn(const struct model *m, int rows, int cols, bool attrs)
{
	assert_int_equal(screen_resize(&screen, rows, cols), 0);
	ui_resize(&ui, rows, cols);
	assert_int_equal(ui_refresh(&ui, m), 0);
	draw(&screen, &ui, m);
	buf_reset(&out);
	screen_print(&screen, &out, attrs);
	return out.data;
}

static void golden(const struct model *m, const char *name, int rows, int cols, bool attrs)
{
	char file[64];

	snprintf(file, sizeof(file), "%s-%dx%d.txt", name, cols, rows);
	fixture_golden(file, drawn(m, rows, cols, attrs));
}

static void all_sizes(const struct model *m, const char *name)
{
	golden(m, name, 24, 80, false);
	golden(m, name, 50, 200, false);
	golden(m, name, 10, 40, false);
}

static void key(const struct model *m, int k)
{
	ui_key(&ui, k);
	assert_int_equal(ui_refresh(&ui, m), 0);
}

static void draw_shows_all_views(void **state)
{
	struct model *m = fixture_model();

	(void)state;
	assert_int_equal(ui_refresh(&ui, m), 0);
	for (int i = 0; i < TABLE_COUNT; i++) {
		key(m, '1' + i);
		all_sizes(m, table_info[table_order[i]].key);
	}
	model_free(m);
}

static void draw_gives_cells_a_meaning(void **state)
{
	struct model *m = fixture_model();

	(void)state;
	assert_int_equal(ui_refresh(&ui, m), 0);
	key(m, 'j');
	key(m, '3');
	key(m, 'r');
	golden(m, "meaning", 24, 80, true);
	model_free(m);
}

static void draw_shows_the_last_intervals(void **state)
{
	struct model *m = fixture_model();
	struct flow f = fixture_tcp(5001, ROLE_CLIENT, fixture_addr("192.0.2.10", 41000),
				    fixture_addr("203.0.113.7", 80));
	struct proc p = fixture_proc(4242, 1000, "curl");

	(void)state;
	for (unsigned int i = 0; i < 12; i++) {
		fixture_xfer(m, &p, &f, 1000, 1000000 * i, 5000000);
		fixture_tick(m, 4 + i);
		assert_int_equal(ui_refresh(&ui, m), 0);
	}
	golden(m, "graph", 24, 80, false);
	golden(m, "graph", 10, 40, false);
	ui.ascii = true;
	golden(m, "graph-ascii", 24, 80, false);
	model_free(m);
}

static void draw_shows_help(void **state)
{
	struct model *m = fixture_model();

	(void)state;
	fixture_note(m, "no cgroup2 is mounted: units and containers are not known");
	assert_int_equal(ui_refresh(&ui, m), 0);
	key(m, '?');
	all_sizes(m, "help");
	model_free(m);
}

static void draw_shows_pause_loss_and_notes(void **state)
{
	struct model *m = fixture_model();

	(void)state;
	fixture_note(m, "no cgroup2 is mounted: connects that fail early are not seen");
	fixture_lost(m, LOST_RING_FULL, 1234);
	fixture_tick(m, 4);
	assert_int_equal(ui_refresh(&ui, m), 0);
	all_sizes(m, "lost");
	key(m, ' ');
	fixture_note(m, "kernel sockets \033[31m are guessed");
	fixture_tick(m, 16);
	all_sizes(m, "paused");
	model_free(m);
}

/* The word is seen first, with the reason; what is not seen at all comes behind it. */
static void draw_says_that_it_is_degraded(void **state)
{
	struct model *m = fixture_model();

	(void)state;
	fixture_note(m, "degraded: who sends is a guess (needs tracepoint x)");
	fixture_note(m, "raw sockets are not counted (needs tracepoint x)");
	fixture_tick(m, 4);
	assert_int_equal(ui_refresh(&ui, m), 0);
	golden(m, "degraded", 24, 80, false);
	model_free(m);
}

static void draw_shows_own_cost(void **state)
{
	struct model *m = fixture_model();

	(void)state;
	assert_int_equal(ui_refresh(&ui, m), 0);
	key(m, 'i');
	assert_non_null(strstr(drawn(m, 24, 80, false), "programs: counted from now on"));
	fixture_cost_tick(m, 4, 86000, 98, 0);
	all_sizes(m, "cost");
	golden(m, "cost", 6, 20, false);
	fixture_cost_tick(m, 5, 0, 0, EPERM);
	assert_non_null(strstr(drawn(m, 24, 80, false), "not known (needs CAP_SYS_ADMIN)"));
	key(m, ' '); /* the picture stands still, this does not */
	fixture_cost_tick(m, 6, 1000, 100, 0);
	assert_non_null(strstr(drawn(m, 24, 80, false), "programs 0.0"));
	key(m, ' ');
	drawn(m, 5, 20, false);
	key(m, 'i');
	assert_null(ui.message);
	key(m, 'i');
	assert_non_null(strstr(ui.message, "no room"));
	key(m, 'i');
	assert_null(strstr(drawn(m, 24, 80, false), "programs"));
	model_free(m);
}

static void draw_says_what_the_budget_does(void **state)
{
	struct model *m = fixture_model();

	(void)state;
	fixture_pace(m, 2500, false);
	assert_non_null(strstr(drawn(m, 24, 80, false), "  every 2.5s: CPU budget 1%\n"));
	assert_non_null(strstr(drawn(m, 10, 40, false), "  every 2.5s: CPU budget 1%\n"));
	key(m, ' ');
	fixture_pace(m, 60000, true);
	assert_non_null(strstr(drawn(m, 24, 80, false), "  every 60s: over CPU budget 1%\n"));
	fixture_pace(m, 0, false);
	assert_non_null(strstr(drawn(m, 24, 80, false), "  every 1s\n"));
	model_free(m);
}

static void draw_says_when_there_is_nothing(void **state)
{
	struct model *m = model_new(NULL);

	(void)state;
	all_sizes(NULL, "starting");
	fixture_host(m);
	fixture_tick(m, 1);
	all_sizes(m, "empty");
	model_free(m);
}

static void draw_says_when_the_window_is_too_small(void **state)
{
	struct model *m = fixture_model();

	(void)state;
	golden(m, "small", 4, 80, false);
	golden(m, "small", 24, 19, false);
	golden(m, "small", 1, 5, false);
	golden(m, "processes", 5, 20, false); /* the smallest that is drawn */
	model_free(m);
}

static void draw_uses_ascii_when_asked(void **state)
{
	struct model *m = fixture_model();
	const char *text;

	(void)state;
	assert_int_equal(ui_refresh(&ui, m), 0);
	key(m, 's');
	assert_non_null(strstr(drawn(m, 24, 80, false), "▼"));
	ui.ascii = true;
	text = drawn(m, 24, 80, false);
	assert_null(strstr(text, "▼"));
	key(m, '?');
	for (text = drawn(m, 24, 80, false); *text; text++)
		assert_true((unsigned char)*text < 0x80);
	model_free(m);
}

/* Nothing that a process chose reaches the screen as a control character. */
static void assert_harmless(const char *text)
{
	size_t len = strlen(text);

	while (len) {
		unsigned int cp;
		size_t n = text_decode(text, len, &cp);

		assert_true(n > 0);
		assert_true(cp == '\n' || (cp >= 0x20 && cp != 0x7f && !(cp >= 0x80 && cp < 0xa0)));
		assert_false((cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069));
		text += n;
		len -= n;
	}
}

static void draw_is_harmless_at_every_size(void **state)
{
	struct model *m = fixture_model();

	(void)state;
	fixture_note(m, "a note with \033[2J and \n a line");
	assert_int_equal(ui_refresh(&ui, m), 0);
	for (int rows = 1; rows <= 30; rows += 3) {
		for (int cols = 1; cols <= 220; cols += 7) {
			for (int k = 0; k < 4; k++) {
				key(m, "123?"[k]);
				assert_harmless(drawn(m, rows, cols, false));
				if (ui.help)
					key(m, 'q');
			}
		}
	}
	model_free(m);
}

static void draw_keeps_columns_in_line(void **state)
{
	struct model *m = fixture_model();

	(void)state;
	assert_int_equal(ui_refresh(&ui, m), 0);
	for (int k = 0; k < 3; k++) {
		key(m, "123"[k]);
		drawn(m, 24, 80, false);
		for (int row = 0; row < 24; row++) {
			int cells = 0;

			for (int col = 0; col < 80; col++)
				cells += screen_cell(&screen, row, col)->width;
			assert_int_equal(cells, 80);
		}
	}
	model_free(m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(draw_shows_all_views),
		TEST(draw_gives_cells_a_meaning),
		TEST(draw_shows_the_last_intervals),
		TEST(draw_shows_help),
		TEST(draw_shows_pause_loss_and_notes),
		TEST(draw_shows_own_cost),
		TEST(draw_says_what_the_budget_does),
		TEST(draw_says_that_it_is_degraded),
		TEST(draw_says_when_there_is_nothing),
		TEST(draw_says_when_the_window_is_too_small),
		TEST(draw_uses_ascii_when_asked),
		TEST(draw_is_harmless_at_every_size),
		TEST(draw_keeps_columns_in_line),
	};

	return cmocka_run_group_tests_name("draw", tests, NULL, NULL);
}
