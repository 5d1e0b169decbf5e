/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What readers of a model with a filter write: its text, and numbers of what matches alone. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"
#include "json.h"
#include "jsonl_rig.h"
#include "model/filter.h"
#include "sink/text.h"
#include "tui/draw.h"
#include "tui/screen.h"
#include "tui/ui.h"
#include "util/buf.h"

enum { TEXT = 1 << 16 };

static struct filter *filter_model(struct model *m, const char *text)
{
	struct filter_error e;
	struct filter *f = filter_new(text, NULL, &e);

	if (!f)
		fail_msg("`%s`: %s", text, e.message);
	model_set_filter(m, f);
	return f;
}

static void two_ports(struct rig *r, uint64_t tx)
{
	struct proc p = fixture_proc(42, 1, "curl");
	struct addr here = fixture_addr("127.0.0.1", 40000);
	struct flow good = fixture_tcp(1, ROLE_CLIENT, here, fixture_addr("127.0.0.1", 443));
	struct flow bad = fixture_tcp(2, ROLE_CLIENT, here, fixture_addr("127.0.0.1", 80));

	fixture_xfer(r->model, &p, &good, 1, tx, 2 * tx);
	fixture_xfer(r->model, &p, &bad, 1, 5000, 7000);
}

static void the_log_is_of_what_matches(void **state)
{
	struct rig r = rig_new(-1, NULL);
	struct filter *f = filter_model(r.model, "port 443 or proc \"a\x1b\"");
	const char *line;

	(void)state;
	rig_host(&r);
	line = rig_line(&r);
	json_check(line);
	assert_non_null(
		strstr(line, ",\"sockwatch.filter\":\"port 443 or proc \\\"a\\\\x1b\\\"\","));
	two_ports(&r, 10);
	rig_tick(&r, false);
	line = rig_line(&r);
	assert_non_null(strstr(line, "\"network.peer.port\":443,"));
	assert_int_equal(json_number(line, "sockwatch.tx_bytes"), 10);
	assert_null(rig_line(&r));
	two_ports(&r, 1);
	rig_tick(&r, true);
	assert_int_equal(json_number(rig_line(&r), "sockwatch.rx_bytes"), 2);
	line = rig_line(&r);
	assert_non_null(strstr(line, "\"end\""));
	assert_int_equal(json_number(line, "sockwatch.tx_bytes_total"), 11);
	assert_int_equal(json_number(line, "sockwatch.rx_bytes_total"), 22);
	assert_int_equal(json_number(line, "sockwatch.connections_opened"), 1);
	assert_int_equal(rig_done(&r), 0);
	filter_free(f);
}

/* What was evicted is in `other` only as far as it matches, so the lines still sum up. */
static void other_is_of_what_matches(void **state)
{
	const struct model_limits limits = {.rows[TABLE_CONNECTIONS] = 2};
	struct rig r = rig_new(-1, &limits);
	struct filter *f = filter_model(r.model, "lport < 1003");
	struct proc p = fixture_proc(42, 1, "curl");
	uint64_t tx = 0, others = 0;
	const char *line;

	(void)state;
	rig_host(&r);
	rig_line(&r);
	for (uint16_t i = 0; i < 9; i++) {
		struct flow flow = fixture_tcp(1U + i, ROLE_SERVER,
					       fixture_addr("127.0.0.1", 1000 + i),
					       fixture_addr("127.0.0.1", 80));

		fixture_xfer(r.model, &p, &flow, 1, 1ULL << i, 0);
	}
	rig_tick(&r, false);
	while ((line = rig_line(&r))) {
		tx += json_number(line, "sockwatch.tx_bytes");
		others += strstr(line, "\"other\"") != NULL;
	}
	assert_int_equal(tx, 1 + 2 + 4);
	assert_int_equal(others, 1);
	assert_int_equal(rig_done(&r), 0);
	filter_free(f);
}

static void tables_say_what_they_are_of(void **state)
{
	const struct text_options narrow = {.width = 80};
	struct model *m = fixture_model();
	struct filter *f = filter_model(m, "port 443 or proc redis-server");
	struct event ev = {.kind = EVENT_TICK, .tick = {.interval_ns = FIXTURE_SECOND}};
	int fd = memfd_create("text", MFD_CLOEXEC);
	struct sink *s = text_new(fd, &narrow);
	char *text = calloc(1, TEXT);

	(void)state;
	assert_int_equal(s->ops->event(s, &ev, m), 0);
	s->ops->close(s);
	assert_true(pread(fd, text, TEXT - 1, 0) < TEXT - 1);
	close(fd);
	fixture_golden("batch-filter-80.txt", text);
	free(text);
	model_free(m);
	filter_free(f);
}

static void draw_filtered(const struct model *m, struct ui *ui, int rows, int cols,
			  const char *name)
{
	struct screen screen;
	struct buf out = {0};

	screen_init(&screen);
	assert_int_equal(screen_resize(&screen, rows, cols), 0);
	ui_resize(ui, rows, cols);
	assert_int_equal(ui_refresh(ui, m), 0);
	draw(&screen, ui, m);
	screen_print(&screen, &out, false);
	fixture_golden(name, out.data);
	buf_done(&out);
	screen_done(&screen);
}

static void screens_say_what_they_are_of(void **state)
{
	struct model *m = fixture_model();
	struct filter *f = filter_model(m, "port 443 or proc redis-server");
	struct ui ui;

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	assert_int_equal(ui_init(&ui, FIXTURE_SECOND), 0);
	draw_filtered(m, &ui, 24, 80, "filter-80x24.txt");
	draw_filtered(m, &ui, 10, 40, "filter-40x10.txt");
	ui_key(&ui, '2');
	draw_filtered(m, &ui, 24, 80, "filter-ports-80x24.txt");
	ui_done(&ui);
	model_free(m);
	filter_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_log_is_of_what_matches),
		cmocka_unit_test(other_is_of_what_matches),
		cmocka_unit_test(tables_say_what_they_are_of),
		cmocka_unit_test(screens_say_what_they_are_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
