/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/ui.h"

#include "fixture.h"
#include "tui/draw.h"
#include "tui/keys.h"
#include "tui/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PROCESSES = 50 };

static struct ui ui;
static struct model *model;

/* Process i (1 to PROCESSES) has one connection and moves i * 1000 bytes a second, but for @top. */
static void load(unsigned int second, unsigned int top)
{
	char name[16];

	for (unsigned int i = 1; i <= PROCESSES; i++) {
		struct proc p = fixture_proc(100 + i, 1000, "");
		struct flow f = fixture_tcp(i, ROLE_CLIENT,
					    fixture_addr("192.0.2.1", (uint16_t)(40000 + i)),
					    fixture_addr("192.0.2.2", (uint16_t)(1000 + i)));

		snprintf(name, sizeof(name), "proc-%u", i);
		strcpy(p.name, name);
		if (second == 1)
			fixture_seen(model, &p, &f, 1000 + i);
		fixture_xfer(model, &p, &f, 2000 + i, i == top ? 10000000 : i * 1000,
			     i == 7 ? 5000000 : 0);
	}
	fixture_tick(model, second);
	assert_int_equal(ui_refresh(&ui, model), 0);
}

static int setup(void **state)
{
	(void)state;
	model = model_new(NULL);
	assert_non_null(model);
	assert_int_equal(ui_init(&ui, FIXTURE_SECOND), 0);
	load(1, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ui_done(&ui);
	model_free(model);
	return 0;
}

static unsigned int press(int key)
{
	unsigned int changed = ui_key(&ui, key);

	if (changed & UI_ROWS)
		assert_int_equal(ui_refresh(&ui, model), 0);
	return changed;
}

static const struct ui_tab *tab(void)
{
	return &ui.tabs[ui.tab];
}

static const struct row *selected(void)
{
	return tab()->rows[tab()->selected];
}

/* The selection is on the screen, and the screen shows as many rows as it can. */
static void assert_placed(void)
{
	size_t page = (size_t)ui.layout.table.rows, count = tab()->count;
	size_t shown = count - tab()->offset < page ? count - tab()->offset : page;

	if (ui.layout.too_small)
		return;
	if (!count) {
		assert_int_equal(tab()->selected, 0);
		return;
	}
	assert_in_range(tab()->selected, tab()->offset, tab()->offset + page - 1);
	assert_true(tab()->selected < count);
	assert_true(tab()->sorted >= tab()->offset + shown);
	assert_true(count <= page ? tab()->offset == 0 : tab()->offset + page <= count);
}

static void ui_switches_views(void **state)
{
	(void)state;
	assert_int_equal(ui.tab, TABLE_PROCESSES);
	press(TUI_KEY_TAB);
	assert_int_equal(ui.tab, TABLE_PORTS);
	press(TUI_KEY_BACK_TAB);
	press(TUI_KEY_BACK_TAB);
	assert_int_equal(ui.tab, TABLE_FAILURES);
	press(TUI_KEY_TAB);
	assert_int_equal(ui.tab, TABLE_PROCESSES);
	press('2');
	assert_int_equal(ui.tab, TABLE_PORTS);
	press('3');
	assert_int_equal(ui.tab, TABLE_CONNECTIONS);
	for (int i = 0; i < TABLE_COUNT; i++) {
		press('1' + i);
		assert_int_equal(ui.tab, table_order[i]);
	}
	press('1');
	assert_int_equal(ui.tab, TABLE_PROCESSES);
}

static void ui_keeps_a_selection_per_view(void **state)
{
	(void)state;
	press('j');
	press('2');
	assert_int_equal(tab()->selected, 0);
	press('j');
	press('j');
	press('1');
	assert_int_equal(tab()->selected, 1);
	press('2');
	assert_int_equal(tab()->selected, 2);
}

static void ui_moves_within_bounds(void **state)
{
	(void)state;
	press('k');
	assert_int_equal(tab()->selected, 0);
	press(TUI_KEY_DOWN);
	assert_int_equal(tab()->selected, 1);
	press(TUI_KEY_PAGE_DOWN);
	assert_int_equal(tab()->selected, 19);
	assert_int_equal(tab()->offset, 18);
	assert_placed();
	for (int i = 0; i < 9; i++)
		press(TUI_KEY_PAGE_DOWN);
	assert_int_equal(tab()->selected, PROCESSES - 1);
	assert_int_equal(tab()->offset, PROCESSES - 18);
	press(TUI_KEY_PAGE_UP);
	assert_placed();
	press(TUI_KEY_HOME);
	assert_int_equal(tab()->selected + tab()->offset, 0);
	press('G');
	assert_int_equal(tab()->selected, PROCESSES - 1);
	assert_int_equal(selected()->proc.pid, 101);
	press('j');
	assert_int_equal(tab()->selected, PROCESSES - 1);
	press('g');
	assert_int_equal(tab()->selected, 0);
}

static void ui_selection_follows_its_row(void **state)
{
	uint32_t pid;

	(void)state;
	press('j');
	press('j');
	pid = selected()->proc.pid;
	load(2, pid - 100); /* to the top */
	assert_int_equal(selected()->proc.pid, pid);
	assert_int_equal(tab()->selected, 0);
	load(3, 0);
	assert_int_equal(selected()->proc.pid, pid);
	press('R'); /* to the end, off the page */
	assert_int_equal(selected()->proc.pid, pid);
	assert_true(tab()->selected > 40);
	assert_placed();
}

static void ui_selection_stays_on_top_until_moved(void **state)
{
	(void)state;
	load(2, 20);
	assert_int_equal(tab()->selected, 0);
	assert_int_equal(selected()->proc.pid, 120);
	press('j');
	press('k'); /* back on top */
	load(3, 30);
	assert_int_equal(tab()->selected, 0);
	assert_int_equal(selected()->proc.pid, 130);
}

static void ui_selection_follows_connections_and_ports(void **state)
{
	uint64_t cookie;
	uint16_t port;

	(void)state;
	press('3');
	press('j');
	cookie = selected()->flow.cookie;
	press('2');
	press(TUI_KEY_PAGE_DOWN);
	port = selected()->port;
	load(2, 5);
	assert_int_equal(selected()->port, port);
	press('3');
	assert_int_equal(selected()->flow.cookie, cookie);
}

static void ui_sorts(void **state)
{
	const struct column *first = tab()->view.sort;
	const struct column *const *list = column_list(TABLE_PROCESSES);
	int count = 0;

	(void)state;
	assert_int_equal(selected()->proc.pid, 107);
	press('s');
	assert_ptr_equal(tab()->view.sort, &columns[COLUMN_TX_RATE]);
	assert_int_equal(selected()->proc.pid, 150);
	press('r');
	assert_ptr_equal(tab()->view.sort, &columns[COLUMN_RX_RATE]);
	assert_int_equal(selected()->proc.pid, 107);
	press('s');
	press('R');
	assert_int_equal(selected()->proc.pid, 101);
	press('I');
	assert_int_equal(selected()->proc.pid, 150);
	press('a');
	assert_ptr_equal(tab()->view.sort, first);
	ui_sort(&ui, TABLE_PROCESSES, list[0]);
	press('>');
	assert_ptr_equal(tab()->view.sort, list[1]);
	press('<');
	assert_ptr_equal(tab()->view.sort, list[0]);
	press('<');
	while (list[count])
		count++;
	assert_ptr_equal(tab()->view.sort, list[count - 1]);
	press('>');
	assert_ptr_equal(tab()->view.sort, list[0]);
}

static void ui_pause_holds_the_picture(void **state)
{
	uint64_t total;

	(void)state;
	press('s');
	total = ui.totals.count.tx_total;
	press(' ');
	assert_true(ui.paused);
	load(2, 3);
	load(3, 3);
	assert_int_equal(selected()->proc.pid, 150);
	assert_int_equal(selected()->count.tx_total, 50000);
	assert_int_equal(ui.totals.count.tx_total, total);
	assert_int_equal(ui.paused_ns, 2ULL * FIXTURE_SECOND);
	press('3'); /* all views are of the same moment, and can be sorted */
	press('s');
	press('R');
	assert_int_equal(selected()->count.tx_total, 1000);
	press('P');
	assert_false(ui.paused);
	assert_int_equal(selected()->count.tx_total, 3000);
	assert_true(ui.totals.count.tx_total > total);
	press('1');
	assert_int_equal(selected()->proc.pid, 103);
}

static void ui_keeps_the_selection_over_a_pause(void **state)
{
	(void)state;
	press('j');
	press('j');
	assert_int_equal(selected()->proc.pid, 149);
	press(' ');
	assert_int_equal(selected()->proc.pid, 149);
	press('s');
	press('R');
	assert_int_equal(selected()->proc.pid, 149);
	load(2, 3);
	press(' ');
	assert_int_equal(selected()->proc.pid, 149);
	assert_placed();
}

enum { MANY = 3000 };

/* Connection i of many moves i kilobytes, but for one. */
static void load_many(unsigned int second, uint64_t but_cookie, uint64_t bytes)
{
	struct proc p = fixture_proc(7000, 1, "many");
	struct addr local = fixture_addr("192.0.2.1", 1), peer = fixture_addr("192.0.2.2", 2);

	for (uint64_t i = 1; i <= MANY; i++) {
		struct flow f = fixture_tcp(1000 + i, ROLE_CLIENT, local, peer);

		fixture_xfer(model, &p, &f, 1, f.cookie == but_cookie ? bytes : 1000 * i, 0);
	}
	fixture_tick(model, second);
	assert_int_equal(ui_refresh(&ui, model), 0);
	assert_placed();
}

/* More rows than a view keeps in order: the one that is followed is found wherever it goes. */
static void ui_follows_a_row_of_many(void **state)
{
	const uint64_t cookie = 1000 + MANY - 1;

	(void)state;
	load_many(2, 0, 0);
	press('3');
	press('s');
	press('j');
	assert_int_equal(selected()->flow.cookie, cookie);
	load_many(3, cookie, 1);
	assert_int_equal(selected()->flow.cookie, cookie);
	assert_true(tab()->selected >= MANY - 1);
	load_many(4, cookie, 1ULL << 40);
	assert_int_equal(selected()->flow.cookie, cookie);
	assert_int_equal(tab()->selected, 0);
	load_many(5, cookie, 1500000);
	assert_int_equal(selected()->flow.cookie, cookie);
	assert_in_range(tab()->selected, MANY / 2 - 1, MANY / 2);
	press('G');
	assert_placed();
	assert_int_equal(tab()->selected, tab()->count - 1);
}

static void ui_changes_the_delay_within_bounds(void **state)
{
	(void)state;
	assert_true(press('+') & UI_DELAY);
	assert_int_equal(ui.delay_ns, FIXTURE_SECOND / 2);
	for (int i = 0; i < 20; i++)
		press('+');
	assert_int_equal(ui.delay_ns, FIXTURE_SECOND / 10);
	for (int i = 0; i < 40; i++)
		press('-');
	assert_int_equal(ui.delay_ns, 3600ULL * FIXTURE_SECOND);
}

static void ui_help_opens_scrolls_and_closes(void **state)
{
	(void)state;
	press('?');
	assert_true(ui.help);
	press('j');
	assert_int_equal(ui.help_offset, 1);
	press('G');
	press('k');
	press('g');
	press('k');
	assert_int_equal(ui.help_offset, 0);
	assert_int_equal(press('q') & UI_QUIT, 0); /* any key returns */
	assert_false(ui.help);
	press(TUI_KEY_F0 + 1);
	assert_true(ui.help);
	press(TUI_KEY_ESC);
	assert_false(ui.help);
	assert_int_equal(press(TUI_KEY_ESC) & UI_QUIT, 0);
	press('h');
	assert_int_equal(ui_key(&ui, TUI_KEY_CTRL_C), UI_QUIT);
}

static void ui_quits(void **state)
{
	(void)state;
	assert_int_equal(ui_key(&ui, 'q'), UI_QUIT);
	assert_int_equal(ui_key(&ui, TUI_KEY_F0 + 10), UI_QUIT);
	assert_int_equal(ui_key(&ui, TUI_KEY_CTRL_C), UI_QUIT);
}

static void ui_says_that_it_is_read_only(void **state)
{
	(void)state;
	press(TUI_KEY_F0 + 9);
	assert_non_null(strstr(ui.message, "read-only"));
	assert_true(press('x') & UI_SCREEN);
	assert_null(ui.message);
}

static void ui_ignores_keys_that_are_not_bound(void **state)
{
	(void)state;
	assert_int_equal(ui_key(&ui, 'x'), 0);
	assert_int_equal(ui_key(&ui, 0x7f51), 0);
	assert_int_equal(ui_key(&ui, TUI_KEY_OTHER), 0);
	assert_int_equal(ui_key(&ui, TUI_KEY_RESIZE), 0);
	assert_int_equal(ui_key(&ui, TUI_KEY_NONE), 0);
	assert_true(ui_key(&ui, TUI_KEY_CTRL_L) & UI_REPAINT);
}

static void ui_lives_without_a_model(void **state)
{
	struct ui early;
	const int keys[] = {'j', 'G', 's', '>', ' ', '2', '?', 'G', 'k', 'q', TUI_KEY_PAGE_DOWN,
			    ' '};

	(void)state;
	assert_int_equal(ui_init(&early, FIXTURE_SECOND), 0);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		ui_key(&early, keys[i]);
		assert_int_equal(ui_refresh(&early, NULL), 0);
	}
	ui_done(&early);
}

static void ui_counts_records_per_second(void **state)
{
	(void)state;
	load(2, 0);
	assert_int_equal(ui.records_rate, 30);
	press('j'); /* a key between ticks changes nothing */
	assert_int_equal(ui_refresh(&ui, model), 0);
	assert_int_equal(ui.records_rate, 30);
}

static int random_key(unsigned int *seed)
{
	size_t i = (size_t)rand_r(seed) % (key_row_count + 1);
	int k;

	if (i == key_row_count)
		return rand_r(seed) % 0x3000;
	for (k = 0; k + 1 < KEYS_MAX && key_rows[i].keys[k + 1]; k++)
		;
	return key_rows[i].keys[rand_r(seed) % (k + 1)];
}

static void random_event(unsigned int *seed, unsigned int *second)
{
	unsigned int i = 1 + (unsigned int)rand_r(seed) % 200;
	struct proc p = fixture_proc(100 + i % 80, 1000, "monkey");
	struct flow f = fixture_tcp(i, i % 3 ? ROLE_CLIENT : ROLE_SERVER,
				    fixture_addr("192.0.2.1", 40000),
				    fixture_addr("192.0.2.2", (uint16_t)(1000 + i % 90)));

	switch (rand_r(seed) % 8) {
	case 0:
		fixture_tick(model, ++*second);
		break;
	case 1:
		fixture_close(model, &p, &f, *second * (uint64_t)FIXTURE_SECOND);
		break;
	default:
		fixture_seen(model, &p, &f, *second * (uint64_t)FIXTURE_SECOND);
		fixture_xfer(model, &p, &f, *second * (uint64_t)FIXTURE_SECOND, i, i / 2);
	}
}

static void ui_survives_a_monkey(void **state)
{
	unsigned int seed = 42, second = 1;
	struct screen screen;

	(void)state;
	screen_init(&screen);
	for (int i = 0; i < 100000; i++) {
		if (i % 16 == 0) {
			ui_resize(&ui, 1 + rand_r(&seed) % 60, 1 + rand_r(&seed) % 200);
			assert_int_equal(screen_resize(&screen, ui.rows, ui.cols), 0);
		}
		if (i % 16 == 0) {
			random_event(&seed, &second);
			assert_int_equal(ui_refresh(&ui, model), 0);
		}
		press(random_key(&seed));
		assert_placed();
		if (i % 64 == 0)
			draw(&screen, &ui, model);
	}
	screen_done(&screen);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ui_switches_views),
		TEST(ui_keeps_a_selection_per_view),
		TEST(ui_moves_within_bounds),
		TEST(ui_selection_follows_its_row),
		TEST(ui_selection_stays_on_top_until_moved),
		TEST(ui_selection_follows_connections_and_ports),
		TEST(ui_sorts),
		TEST(ui_pause_holds_the_picture),
		TEST(ui_keeps_the_selection_over_a_pause),
		TEST(ui_follows_a_row_of_many),
		TEST(ui_changes_the_delay_within_bounds),
		TEST(ui_help_opens_scrolls_and_closes),
		TEST(ui_quits),
		TEST(ui_says_that_it_is_read_only),
		TEST(ui_ignores_keys_that_are_not_bound),
		TEST(ui_lives_without_a_model),
		TEST(ui_counts_records_per_second),
		TEST(ui_survives_a_monkey),
	};

	return cmocka_run_group_tests_name("ui", tests, NULL, NULL);
}
