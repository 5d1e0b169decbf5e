/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A steady run asks for no memory: from raw records to the screen, the log and the tables as text.
 * Left out are the kernel's side and the terminal. */
#define _GNU_SOURCE
#include "alloc_hook.h"
#include "record_rig.h"

#include <sys/mman.h>
#include <unistd.h>

#include "capture/host.h"
#include "identity/ident.h"
#include "model/model.h"
#include "model/sink.h"
#include "sink/log.h"
#include "sink/text.h"
#include "tui/draw.h"
#include "tui/screen.h"
#include "tui/ui.h"
#include "util/lines.h"

enum { OLD = 1500, NEW = 100, WARM = 8, STEADY = 30 };

struct rig {
	struct decode *decode;
	struct ident *ident;
	struct model *model;
	struct sink *sink; /* or the live view: */
	struct ui ui;
	struct screen screen;
	uint64_t time_ns, cookie, total, asked_before;
};

static void pump(const struct event *ev, void *arg)
{
	struct rig *r = arg;

	model_apply(r->model, ev);
	if (r->sink) {
		assert_int_equal(r->sink->ops->event(r->sink, ev, r->model), 0);
	} else if (ev->kind == EVENT_TICK) {
		assert_int_equal(ui_refresh(&r->ui, r->model), 0);
		draw(&r->screen, &r->ui, r->model);
	}
}

static void send(struct rig *r, uint32_t kind, uint64_t cookie, uint64_t bytes)
{
	struct sw_record rec = record_tcp(kind, cookie, 100 + (uint32_t)(cookie % 40));

	rec.flow.rport = (uint16_t)(1 + cookie % 300);
	rec.account.uid = (uint32_t)(cookie % 3) * 54321; /* root, and two that have no name */
	rec.account.tx_bytes = bytes;
	decode_record(r->decode, &rec, sizeof(rec), ident_event, r->ident);
}

/* An interval like any other: most of what is old moves bytes, some of what is new comes and goes.
 */
static void interval(struct rig *r)
{
	struct event ev = {.kind = EVENT_TICK};

	r->total += 1000;
	for (uint64_t cookie = 1; cookie <= OLD; cookie += 1 + cookie % 3)
		send(r, SW_REC_IO, cookie, r->total);
	for (int i = 0; i < NEW; i++) {
		uint64_t cookie = OLD + ++r->cookie;

		send(r, SW_REC_CONNECT, cookie, 0);
		send(r, SW_REC_IO, cookie, 70);
		send(r, SW_REC_CLOSE, cookie, 90);
	}
	ev.time_ns = r->time_ns += 1000000000;
	ev.tick.interval_ns = 1000000000;
	ev.tick.wall_ns = r->time_ns;
	ev.tick.rss_bytes = host_rss_bytes();
	ev.tick.cpu_ns = host_cpu_ns();
	ident_event(&ev, r->ident);
}

static void begin(struct rig *r, struct sink *sink)
{
	*r = (struct rig){.sink = sink};
	r->decode = decode_new(0);
	r->ident = ident_new(pump, r);
	r->model = model_new(NULL);
	screen_init(&r->screen);
	assert_int_equal(screen_resize(&r->screen, 24, 80), 0);
	assert_int_equal(ui_init(&r->ui, 1000000000), 0);
	for (uint64_t cookie = 1; cookie <= OLD; cookie++)
		send(r, SW_REC_SNAPSHOT, cookie, 0);
}

static void steady(struct rig *r)
{
	for (int i = 0; i < WARM; i++)
		interval(r);
	r->asked_before = asked;
	for (int i = 0; i < STEADY; i++)
		interval(r);
	assert_int_equal(asked, r->asked_before);
}

static void end(struct rig *r)
{
	assert_true(!HAS_HOOK || asked > 0);
	if (r->sink)
		assert_int_equal(r->sink->ops->close(r->sink), 0);
	ui_done(&r->ui);
	screen_done(&r->screen);
	decode_free(r->decode);
	ident_free(r->ident);
	model_free(r->model);
}

static void press(struct rig *r, int key)
{
	ui_key(&r->ui, key);
	assert_int_equal(ui_refresh(&r->ui, r->model), 0);
}

static void the_live_view_asks_for_nothing(void **state)
{
	static const char keys[] = "1s23rRG";
	struct rig r;

	(void)state;
	if (!HAS_HOOK)
		skip();
	begin(&r, NULL);
	steady(&r);
	for (size_t i = 0; i < sizeof(keys) - 1; i++) {
		press(&r, keys[i]);
		steady(&r);
	}
	end(&r);
}

static void sinks_ask_for_nothing(void **state)
{
	static const struct format *const formats[] = {&format_json, &format_csv, &format_text};
	const struct text_options options = {0};
	int fd = memfd_create("steady", MFD_CLOEXEC);
	struct rig r;

	(void)state;
	if (!HAS_HOOK)
		skip();
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct log_options log = {.format = formats[i], .version = "0"};
		struct lines *lines = lines_to(fd);
		uint64_t dropped;

		begin(&r, log_new(lines, &log));
		steady(&r);
		assert_true(lseek(fd, 0, SEEK_END) > 1 << 20);
		end(&r);
		assert_int_equal(lines_close(lines, &dropped), 0);
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	}
	begin(&r, text_new(fd, &options));
	steady(&r);
	end(&r);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_live_view_asks_for_nothing),
		cmocka_unit_test(sinks_ask_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
