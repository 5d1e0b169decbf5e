/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE
#include "jsonl_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"
#include "json.h"
#include "util/lines.h"

/* Bytes of an RFC 3339 time. */
enum { STAMP = 27 };

struct rig rig_new(int fd, const struct model_limits *limits)
{
	struct rig r = {.model = model_new(limits), .fd = fd};
	const struct log_options options = {
		.format = &format_json, .version = "1.2", .interval_ns = RIG_SECOND};

	if (fd < 0)
		r.fd = memfd_create("log", MFD_CLOEXEC);
	assert_non_null(r.model);
	assert_true(r.fd >= 0);
	rig_log(&r, &options);
	return r;
}

void rig_log(struct rig *r, const struct log_options *options)
{
	uint64_t dropped;

	if (r->sink)
		r->sink->ops->close(r->sink);
	lines_close(r->lines, &dropped);
	r->lines = lines_to(r->fd);
	assert_non_null(r->lines);
	r->sink = log_new(r->lines, options);
	assert_non_null(r->sink);
}

int rig_done(struct rig *r)
{
	int err = r->sink->ops->close(r->sink), lines_err;
	uint64_t dropped;

	lines_err = lines_close(r->lines, &dropped);
	if (!err)
		err = lines_err;
	model_free(r->model);
	close(r->fd);
	free(r->line);
	return err;
}

int rig_feed(struct rig *r, const struct event *ev)
{
	model_apply(r->model, ev);
	return r->sink->ops->event(r->sink, ev, r->model);
}

int rig_host(struct rig *r)
{
	struct event ev = {.kind = EVENT_HOST, .time_ns = 1};

	strcpy(ev.host.name, "web1");
	return rig_feed(r, &ev);
}

int rig_note(struct rig *r, const char *text)
{
	struct event ev = {.kind = EVENT_NOTE, .time_ns = 1};

	strncpy(ev.note.text, text, sizeof(ev.note.text) - 1);
	return rig_feed(r, &ev);
}

int rig_tick(struct rig *r, bool last)
{
	struct event ev = {.kind = EVENT_TICK};

	r->ticks++;
	ev.time_ns = (uint64_t)r->ticks * RIG_SECOND;
	ev.tick.interval_ns = RIG_SECOND;
	ev.tick.wall_ns = RIG_WALL_NS + (uint64_t)r->ticks * RIG_SECOND;
	ev.tick.records_seen = 12;
	ev.tick.records_delivered = 9;
	ev.tick.last = last;
	return rig_feed(r, &ev);
}

int rig_fail(struct rig *r, const struct proc *p, const struct flow *f, int error)
{
	struct event ev = {.kind = EVENT_FAIL, .time_ns = 1, .proc = *p, .flow = *f};

	ev.fail.error = error;
	return rig_feed(r, &ev);
}

void rig_user(struct rig *r, uint32_t uid, const char *name)
{
	struct event ev = {.kind = EVENT_USER, .time_ns = 1};

	ev.user.uid = uid;
	strncpy(ev.user.name, name, sizeof(ev.user.name) - 1);
	assert_int_equal(rig_feed(r, &ev), 0);
}

/* Numbers run without a gap; tests of lines need not know them. */
static void take_number(struct rig *r)
{
	static const char name[] = ",\"sockwatch.seq\":";
	char *at = strstr(r->line, name), *end;

	if (*r->line != '{')
		return;
	assert_non_null(at);
	assert_int_equal(strtoull(at + strlen(name), &end, 10), ++r->seq);
	memmove(at, end, strlen(end) + 1);
}

const char *rig_line(struct rig *r)
{
	size_t size = 0;
	ssize_t len;
	FILE *f = fdopen(dup(r->fd), "r");

	assert_non_null(f);
	fseeko(f, r->read, SEEK_SET);
	free(r->line);
	r->line = NULL;
	len = getline(&r->line, &size, f);
	fclose(f);
	if (len <= 0)
		return NULL;
	assert_int_equal(r->line[len - 1], '\n');
	r->read += len;
	r->line[len - 1] = '\0';
	assert_int_equal(strlen(r->line), len - 1);
	take_number(r);
	return r->line;
}

struct rig rig_live(const struct model_limits *limits)
{
	struct rig r = rig_new(-1, limits);

	assert_int_equal(rig_host(&r), 0);
	assert_non_null(rig_line(&r));
	return r;
}

void rig_many(struct rig *r, int count)
{
	struct proc p = fixture_proc(42, 0, "curl");

	for (int i = 1; i <= count; i++) {
		struct flow f = fixture_tcp((uint64_t)i, ROLE_CLIENT,
					    fixture_addr("127.0.0.1", 40000),
					    fixture_addr("127.0.0.1", 1));

		fixture_xfer(r->model, &p, &f, (uint64_t)i, 3, 5);
	}
}

void rig_expect(struct rig *r, const char *expected)
{
	const char *line = rig_line(r);

	assert_non_null(line);
	json_check(line);
	assert_string_equal(line, expected);
}

void rig_expect_now(struct rig *r, const char *expected)
{
	const char *line = rig_line(r), *time = "{\"@timestamp\":\"";

	assert_non_null(line);
	json_check(line);
	assert_memory_equal(line, time, strlen(time));
	assert_string_equal(line + strlen(time) + STAMP, expected);
}
