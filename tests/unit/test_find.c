/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keys for filters, searches and the way into rows, with the model doing what they ask for. */
#include "tui/ui.h"

#include "fixture.h"
#include "tui/draw.h"
#include "tui/keys.h"
#include "tui/screen.h"
#include "util/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct ui ui;
static struct model *model;

static int setup(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	model = fixture_model();
	assert_int_equal(ui_init(&ui, FIXTURE_SECOND), 0);
	assert_int_equal(ui_refresh(&ui, model), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	model_free(model);
	ui_done(&ui);
	return 0;
}

static unsigned int press(int key)
{
	unsigned int changed = ui_key(&ui, key);

	if (changed & UI_CHOICE) {
		struct ui_choice c = ui_choice(&ui);

		assert_int_equal(model_choose(model, c.filter, c.rows, c.count), 0);
		ui_chosen(&ui);
	}
	assert_int_equal(ui_refresh(&ui, model), 0);
	return changed;
}

static void type(const char *text)
{
	while (*text)
		press(*text++);
}

static struct ui_tab *tab(void)
{
	return &ui.tabs[ui.tab];
}

static const struct row *selected(void)
{
	return tab()->rows[tab()->selected];
}

static void golden(const char *name, int rows, int cols)
{
	struct screen screen;
	struct buf out = {0};

	screen_init(&screen);
	assert_int_equal(screen_resize(&screen, rows, cols), 0);
	ui_resize(&ui, rows, cols);
	assert_int_equal(ui_refresh(&ui, model), 0);
	draw(&screen, &ui, model);
	screen_print(&screen, &out, false);
	fixture_golden(name, out.data);
	buf_done(&out);
	screen_done(&screen);
	ui_resize(&ui, 24, 80);
}

/* --- into rows --- */

static void enter_goes_into_a_row_and_esc_back(void **state)
{
	struct row process;

	(void)state;
	type("jj");
	process = *selected();
	press(TUI_KEY_ENTER);
	assert_int_equal(ui.tab, TABLE_CONNECTIONS);
	assert_int_equal(tab()->count, model_rows(model, TABLE_CONNECTIONS));
	assert_int_equal(model_totals(model)->count.tx_total, process.count.tx_total);
	golden("into-80x24.txt", 24, 80);
	golden("into-40x10.txt", 10, 40);
	press('5'); /* its peers, and into one of these */
	press(TUI_KEY_ENTER);
	assert_int_equal(ui.into.count, 2);
	golden("into-two-80x24.txt", 24, 80);
	press(TUI_KEY_ESC);
	assert_int_equal(ui.tab, TABLE_PEERS);
	press(TUI_KEY_BACKSPACE);
	assert_int_equal(ui.tab, TABLE_PROCESSES);
	assert_int_equal(selected()->proc.pid, process.proc.pid);
	assert_int_equal(ui.into.count, 0);
	assert_int_equal(press(TUI_KEY_ESC) & UI_CHOICE, 0);
}

static void each_view_can_be_gone_into(void **state)
{
	(void)state;
	for (int i = 0; i < TABLE_COUNT; i++) {
		press('1' + i);
		press(TUI_KEY_ENTER);
		if (table_order[i] == TABLE_CONNECTIONS) {
			assert_true(ui.pane.is_open);
			press(TUI_KEY_ESC);
			continue;
		}
		assert_null(ui.message);
		assert_int_equal(ui.tab, TABLE_CONNECTIONS);
		assert_true(tab()->count > 0);
		press(TUI_KEY_ESC);
		assert_int_equal(ui.tab, table_order[i]);
	}
}

static void nothing_is_chosen_while_the_picture_is_held(void **state)
{
	(void)state;
	press(' ');
	assert_int_equal(press(TUI_KEY_ENTER) & UI_CHOICE, 0);
	assert_non_null(ui.message);
	press('\\');
	assert_int_equal(ui.prompt.kind, PROMPT_NONE);
	press(' ');
	press(TUI_KEY_ENTER);
	assert_int_equal(ui.into.count, 1);
}

/* --- filter --- */

static void a_filter_acts_as_it_is_typed(void **state)
{
	size_t all = ui.row_count[TABLE_CONNECTIONS];

	(void)state;
	press('\\');
	type("port 443");
	assert_string_equal(filter_text(model_filter(model)), "port 443");
	assert_true(ui.row_count[TABLE_CONNECTIONS] < all);
	type(" and prot");
	assert_true(ui.prompt.wrong);
	assert_string_equal(filter_text(model_filter(model)), "port 443 ");
	golden("prompt-wrong-80x24.txt", 24, 80);
	golden("prompt-wrong-40x10.txt", 10, 40);
	press(TUI_KEY_ENTER); /* not so */
	assert_int_equal(ui.prompt.kind, PROMPT_FILTER);
	for (int i = 0; i < 9; i++)
		press(TUI_KEY_BACKSPACE);
	press(TUI_KEY_ENTER);
	assert_int_equal(ui.prompt.kind, PROMPT_NONE);
	assert_string_equal(ui.filter, "port 443");
	press(TUI_KEY_F0 + 4); /* there again, to be changed */
	assert_string_equal(ui.prompt.filter.text, "port 443");
	press(TUI_KEY_ESC);
	assert_null(model_filter(model));
	assert_int_equal(ui.row_count[TABLE_CONNECTIONS], all);
	press('\\');
	press(TUI_KEY_UP); /* cleared by mistake */
	assert_string_equal(filter_text(model_filter(model)), "port 443");
	press(TUI_KEY_ENTER);
}

static void a_filter_holds_within_a_row(void **state)
{
	(void)state;
	press('\\');
	type("role server");
	press(TUI_KEY_ENTER);
	press(TUI_KEY_ENTER);
	assert_string_equal(filter_text(model_filter(model)), "role server");
	assert_int_equal(ui.into.count, 1);
	press('\\');
	press(TUI_KEY_ESC);
	assert_null(model_filter(model));
	assert_int_equal(ui.into.count, 1);
	assert_int_equal(ui.tab, TABLE_CONNECTIONS);
}

static void a_filter_of_the_command_line_can_be_changed(void **state)
{
	struct filter_error e;
	struct filter *f = filter_new("tcp", NULL, &e);
	struct ui other;

	(void)state;
	model_set_filter(model, f);
	assert_int_equal(ui_init(&other, FIXTURE_SECOND), 0);
	assert_int_equal(ui_refresh(&other, model), 0);
	ui_done(&ui);
	ui = other;
	press(TUI_KEY_ENTER); /* goes on holding */
	assert_ptr_equal(model_filter(model), f);
	press('\\');
	type(" and port 22");
	press(TUI_KEY_ENTER);
	assert_string_equal(filter_text(model_filter(model)), "tcp and port 22");
	filter_free(f);
}

/* --- search --- */

static void a_search_finds_as_it_is_typed(void **state)
{
	size_t first;

	(void)state;
	press('/');
	type("SSH");
	assert_string_equal(selected()->proc.name, "ssh");
	first = tab()->selected;
	golden("search-80x24.txt", 24, 80);
	press(TUI_KEY_ENTER);
	press('n');
	assert_string_equal(selected()->proc.name, "sshd");
	assert_true(tab()->selected != first);
	press('n');
	assert_int_equal(tab()->selected, first);
	press('N');
	assert_string_equal(selected()->proc.name, "sshd");
	press(TUI_KEY_F0 + 3);
	assert_int_equal(tab()->selected, first);
}

static void a_search_goes_back_with_esc(void **state)
{
	uint32_t pid;

	(void)state;
	type("jjj");
	pid = selected()->proc.pid;
	press('/');
	type("redis");
	assert_int_equal(selected()->proc.pid, 900);
	type("nonsense");
	assert_non_null(ui.prompt.message);
	press(TUI_KEY_ESC);
	assert_int_equal(selected()->proc.pid, pid);
	assert_int_equal(ui.prompt.kind, PROMPT_NONE);
}

static void a_search_looks_at_names_and_addresses(void **state)
{
	(void)state;
	press('3');
	press('/');
	type("203.0.113.7");
	assert_string_equal(selected()->proc.name, "curl");
	press(TUI_KEY_ESC);
	press('7');
	press('/');
	type("docker");
	assert_string_equal(ui.prompt.search.text, "docker");
	assert_null(ui.prompt.message);
	press(TUI_KEY_ENTER);
	press(' '); /* and in a picture that is held */
	press('n');
	assert_null(ui.message);
}

/* --- tree --- */

/* Every process, each with all of its connections behind it, in one order; returns the rows. */
static size_t check_tree(void)
{
	const struct row *process = NULL, *last = NULL;
	size_t processes = 0, connections = 0;

	press(TUI_KEY_END); /* all are in order then */
	assert_int_equal(tab()->sorted, tab()->count);
	for (size_t i = 0; i < tab()->count; i++) {
		const struct row *row = tab()->rows[i];

		if (row->table == TABLE_PROCESSES) {
			process = row;
			last = NULL;
			processes++;
			continue;
		}
		assert_non_null(process);
		assert_int_equal(row->proc.pid, process->proc.pid);
		assert_int_equal(row->proc.unattributed, process->proc.unattributed);
		if (last)
			assert_true(last->count.tx_rate + last->count.rx_rate >=
				    row->count.tx_rate + row->count.rx_rate);
		last = row;
		connections++;
	}
	assert_int_equal(processes, model_rows(model, TABLE_PROCESSES));
	assert_int_equal(connections, model_rows(model, TABLE_CONNECTIONS) -
					      (model_other(model, TABLE_CONNECTIONS) != NULL));
	return tab()->count;
}

static void a_tree_has_connections_under_processes(void **state)
{
	size_t all;

	(void)state;
	press('t');
	golden("tree-80x24.txt", 24, 80);
	golden("tree-200x50.txt", 50, 200);
	golden("tree-40x10.txt", 10, 40);
	all = check_tree();
	press('\\');
	type("role server");
	press(TUI_KEY_ENTER);
	assert_true(check_tree() < all);
	press('2');
	press('t'); /* goes there first */
	assert_int_equal(ui.tab, TABLE_PROCESSES);
	assert_true(tab()->is_tree);
	press('t');
	assert_int_equal(tab()->count, model_rows(model, TABLE_PROCESSES));
}

static void a_selected_branch_is_followed(void **state)
{
	struct row row;

	(void)state;
	press('t');
	while (selected()->table != TABLE_CONNECTIONS || selected()->proc.pid != 4242)
		press('j');
	row = *selected();
	press('R');
	assert_int_equal(selected()->flow.cookie, row.flow.cookie);
	press(' '); /* held as it is */
	fixture_tick(model, 9);
	assert_int_equal(ui_refresh(&ui, model), 0);
	assert_int_equal(selected()->flow.cookie, row.flow.cookie);
	press('t');
	assert_non_null(ui.message);
	press(' ');
	press(TUI_KEY_ENTER);
	assert_int_equal(ui.into.count, 0);
	assert_true(ui.pane.is_open); /* nothing is below it: all of it */
}

/* Any keys in any order: what is selected is there, what is asked for is done. */
static void random_keys_do_no_harm(void **state)
{
	static const int special[] = {TUI_KEY_ENTER, TUI_KEY_ENTER, TUI_KEY_ESC,
				      TUI_KEY_UP,    TUI_KEY_DOWN,  TUI_KEY_LEFT,
				      '\\',          '/',           'n',
				      't',           'N',           TUI_KEY_TAB,
				      TUI_KEY_END,   ' ',           TUI_KEY_BACKSPACE};
	uint64_t r = 9;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint32_t n;

		r = r * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		n = (uint32_t)(r >> 33);
		if (n % 3)
			press(special[n / 3 % (sizeof(special) / sizeof(special[0]))]);
		else
			press((int)(32 + n / 3 % 96));
		if (n % 97 == 0)
			fixture_tick(model, 4 + (unsigned int)i);
		assert_int_equal(ui_refresh(&ui, model), 0);
		assert_true(!tab()->count || tab()->selected < tab()->count);
		assert_true(ui.into.count <= MODEL_SCOPES);
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(enter_goes_into_a_row_and_esc_back),
		TEST(each_view_can_be_gone_into),
		TEST(nothing_is_chosen_while_the_picture_is_held),
		TEST(a_filter_acts_as_it_is_typed),
		TEST(a_filter_holds_within_a_row),
		TEST(a_filter_of_the_command_line_can_be_changed),
		TEST(a_search_finds_as_it_is_typed),
		TEST(a_search_goes_back_with_esc),
		TEST(a_search_looks_at_names_and_addresses),
		TEST(a_tree_has_connections_under_processes),
		TEST(a_selected_branch_is_followed),
		TEST(random_keys_do_no_harm),
	};

	return cmocka_run_group_tests_name("find", tests, NULL, NULL);
}
