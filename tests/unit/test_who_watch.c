/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Events and censuses in, lines in the order of time out. */
#include "who/watch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/buf.h"
#include "who/target.h"

static struct target target;
static struct watch *w;
static struct buf out;

static int begin(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	target = (struct target){.transport = TRANSPORT_COUNT, .addr.port = 80};
	w = watch_new(&target, 1, false);
	return w ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	watch_free(w);
	buf_done(&out);
	return 0;
}

static struct event event(enum event_kind kind, uint64_t ms, uint32_t pid, uint8_t state)
{
	struct event ev = {.kind = kind,
			   .time_ns = ms * 1000000,
			   .proc = {.pid = pid, .start_ns = pid, .name = "web"},
			   .flow = {.cookie = 1, .state = state, .transport = TRANSPORT_TCP}};

	ev.flow.local = (struct addr){.ip = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1}, .port = 80};
	return ev;
}

static void happens(enum event_kind kind, uint64_t ms, uint32_t pid, uint8_t state)
{
	const struct event ev = event(kind, ms, pid, state);

	watch_event(w, &ev);
}

static void census_of(uint64_t ms, const uint32_t *pids, size_t count)
{
	struct census_sock sock = {.cookie = 1, .transport = TRANSPORT_TCP, .state = STATE_LISTEN};
	struct census_hold holds[4] = {0};
	struct census c = {.socks = &sock, .sock_count = 1, .holds = holds, .hold_count = count};

	sock.local = event(EVENT_SEEN, 0, 0, 0).flow.local;
	for (size_t i = 0; i < count; i++)
		holds[i] = (struct census_hold){.pid = pids[i], .start_ns = pids[i]};
	watch_census(w, &c, ms * 1000000);
}

static void assert_said(const char *text)
{
	buf_reset(&out);
	watch_flush(w, &out, 0);
	assert_string_equal(out.data ? out.data : "", text);
}

static void steps_are_told_once(void **state)
{
	(void)state;
	census_of(0, NULL, 0);
	happens(EVENT_SEEN, 1, 5, STATE_BOUND);
	happens(EVENT_SEEN, 2, 5, STATE_BOUND);
	happens(EVENT_SEEN, 3, 5, STATE_LISTEN);
	census_of(4, (const uint32_t[]){5}, 1);
	assert_said("00:00:00.001 tcp 127.0.0.1:80 bound by web[5]\n"
		    "00:00:00.003 tcp 127.0.0.1:80 listens by web[5]\n");
	happens(EVENT_CLOSE, 5, 5, STATE_CLOSE);
	census_of(6, NULL, 0);
	assert_said("00:00:00.005 tcp 127.0.0.1:80 closed by web[5]\n");
}

static void what_no_event_tells_is_in_the_census(void **state)
{
	(void)state;
	census_of(0, (const uint32_t[]){5}, 1);
	assert_said("00:00:00.000 tcp 127.0.0.1:80 held by [5]\n");
	census_of(1000, (const uint32_t[]){5, 6}, 2);
	assert_said("00:00:01.000 tcp 127.0.0.1:80 now also held by [6]\n");
	census_of(2000, (const uint32_t[]){6}, 1);
	assert_said("00:00:02.000 tcp 127.0.0.1:80 let go by [5]\n");
	happens(EVENT_EXIT, 2500, 6, 0);
	census_of(3000, NULL, 0);
	assert_said("00:00:02.500 tcp 127.0.0.1:80 ended: [6]\n");
}

static void lines_are_in_the_order_of_time(void **state)
{
	const struct watch_failure f = {.time_ns = 2000000,
					.local = event(EVENT_SEEN, 0, 0, 0).flow.local,
					.pid = 7,
					.error = EADDRINUSE,
					.transport = TRANSPORT_TCP,
					.name = "a\nb"};

	(void)state;
	happens(EVENT_SEEN, 3, 5, STATE_LISTEN);
	watch_failed(w, &f);
	assert_said("00:00:00.002 tcp 127.0.0.1:80 bind failed for a\\x0ab[7]: Address already in "
		    "use\n"
		    "00:00:00.003 tcp 127.0.0.1:80 listens by web[5]\n");
}

static void other_ports_are_passed_over(void **state)
{
	(void)state;
	target.addr.port = 81;
	happens(EVENT_SEEN, 1, 5, STATE_LISTEN);
	happens(EVENT_CLOSE, 2, 5, STATE_CLOSE);
	happens(EVENT_EXIT, 3, 5, 0);
	census_of(4, (const uint32_t[]){5}, 1);
	assert_said("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(steps_are_told_once, begin, end),
		cmocka_unit_test_setup_teardown(what_no_event_tells_is_in_the_census, begin, end),
		cmocka_unit_test_setup_teardown(lines_are_in_the_order_of_time, begin, end),
		cmocka_unit_test_setup_teardown(other_ports_are_passed_over, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
