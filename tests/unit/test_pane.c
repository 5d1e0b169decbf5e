/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/pane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "tui/draw.h"
#include "tui/keys.h"
#include "tui/screen.h"
#include "tui/ui.h"

static struct ui ui;
static struct screen screen;
static struct buf out;
static struct model *m;

static int setup(void **state)
{
	(void)state;
	screen_init(&screen);
	m = fixture_model();
	return ui_init(&ui, FIXTURE_SECOND) || ui_refresh(&ui, m);
}

static int teardown(void **state)
{
	(void)state;
	ui_done(&ui);
	screen_done(&screen);
	buf_done(&out);
	model_free(m);
	return 0;
}

static void keys(const char *text)
{
	for (; *text; text++) {
		ui_key(&ui, *text == '\n' ? TUI_KEY_ENTER : *text);
		assert_int_equal(ui_refresh(&ui, m), 0);
	}
}

static const char *drawn(int rows, int cols)
{
	assert_int_equal(screen_resize(&screen, rows, cols), 0);
	ui_resize(&ui, rows, cols);
	assert_int_equal(ui_refresh(&ui, m), 0);
	draw(&screen, &ui, m);
	buf_reset(&out);
	screen_print(&screen, &out, false);
	return out.data;
}

static void golden(const char *name, int rows, int cols)
{
	char file[64];

	snprintf(file, sizeof(file), "%s-%dx%d.txt", name, cols, rows);
	fixture_golden(file, drawn(rows, cols));
}

/* The kernel's answer to what the pane wishes for. */
static void tell(struct detail *d)
{
	struct event ev = {.kind = EVENT_DETAIL, .time_ns = 1, .detail = d};

	d->wish = ui.pane.wish;
	model_apply(m, &ev);
	assert_int_equal(ui_refresh(&ui, m), 0);
}

static struct detail a_detail(void)
{
	struct detail d = {
		.found = true,
		.has_tcp = true,
		.state = STATE_ESTABLISHED,
		.recv_queue = 0,
		.send_queue = 262144,
		.unsent = 196608,
		.holder_count = 2,
		.tcp = {.pacing_rate = 2500000,
			.delivery_rate = 1250000,
			.bytes_retrans = 7240,
			.srtt_us = 48250,
			.rttvar_us = 3100,
			.min_rtt_us = 41007,
			.cwnd = 46,
			.ssthresh = 38,
			.mss = 1448,
			.unacked = 45,
			.lost = 1,
			.retrans_out = 1,
			.total_retrans = 5,
			.snd_wnd = 65536,
			.rcv_wnd = 131072,
			.wait = WAIT_LOSS,
			.has_shares = true,
			.share = {900, 50, 0},
			.ca = "cubic"},
		.command = "nginx: worker process\033[31m",
		.exe = "/usr/sbin/nginx",
	};

	for (uint32_t i = 0; i < d.holder_count; i++)
		d.holders[i] = (struct detail_holder){.proc = fixture_proc(801 + i, 33, "nginx"),
						      .fd = 12};
	return d;
}

static void pane_shows_a_connection(void **state)
{
	struct detail d = a_detail();

	(void)state;
	keys("3\n");
	assert_true(ui.pane.is_open);
	assert_true(ui.pane.wish.cookie != 0);
	golden("pane-waiting", 24, 80); /* before the kernel has answered */
	tell(&d);
	golden("pane", 24, 80);
	golden("pane", 50, 200);
	golden("pane", 10, 40);
	keys("G");
	golden("pane-end", 24, 80);
}

static void pane_shows_a_listener(void **state)
{
	struct detail d = {.found = true,
			   .is_listener = true,
			   .recv_queue = 3,
			   .send_queue = 511,
			   .drops = 17,
			   .holder_count = 70};

	(void)state;
	keys("3");
	for (int i = 0; i < 100 && !strstr(drawn(24, 80), "is a server: it waits"); i++)
		keys(ui.pane.is_open ? "qj" : "\n");
	tell(&d);
	assert_non_null(
		strstr(drawn(50, 200), "3 now, at most 511, overflows and other refusals 17"));
	assert_non_null(strstr(drawn(50, 200), ", and 62 more"));
}

static void pane_lets_go_of_what_it_wished_for(void **state)
{
	(void)state;
	keys("3\nq");
	assert_false(ui.pane.is_open);
	assert_int_equal(ui.pane.wish.cookie, 0);
	assert_int_equal(ui.pane.wish.pid, 0);
	keys("1D");
	assert_true(ui.pane.is_open);
	assert_int_equal(ui.pane.wish.cookie, 0);
	assert_true(ui.pane.wish.pid != 0);
	keys("s"); /* no key of the pane: the table behind it stays as it is */
	assert_true(ui.pane.is_open);
	assert_non_null(ui.message);
}

static void pane_of_every_row_fits_every_size(void **state)
{
	static const int sizes[][2] = {{5, 20}, {6, 21}, {10, 40}, {24, 80}, {100, 300}};

	(void)state;
	for (int t = 0; t < TABLE_COUNT; t++) {
		char view[2] = {(char)('1' + t)};

		keys(view);
		for (size_t i = 0; i < ui.tabs[ui.tab].view.count; i++) {
			keys("D");
			for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
				drawn(sizes[k][0], sizes[k][1]);
				assert_true(ui.pane.offset >= 0);
			}
			keys("GqJ");
			drawn(24, 80);
			keys("j");
		}
	}
}

static void pane_says_when_its_row_is_gone(void **state)
{
	(void)state;
	keys("3\n");
	ui.pane.row.flow.cookie = 999999;
	assert_non_null(strstr(drawn(24, 80), "It is gone"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pane_shows_a_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(pane_shows_a_listener, setup, teardown),
		cmocka_unit_test_setup_teardown(pane_lets_go_of_what_it_wished_for, setup,
						teardown),
		cmocka_unit_test_setup_teardown(pane_of_every_row_fits_every_size, setup, teardown),
		cmocka_unit_test_setup_teardown(pane_says_when_its_row_is_gone, setup, teardown),
	};

	return cmocka_run_group_tests_name("pane", tests, NULL, NULL);
}
