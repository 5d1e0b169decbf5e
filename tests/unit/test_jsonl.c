/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE
#include "sink/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"
#include "json.h"
#include "jsonl_rig.h"

/* Connections in a log of several writes. */
enum { MANY = 3000 };

#define STAMP_1 "{\"@timestamp\":\"2026-11-23T10:40:01.000000Z\",\"sockwatch.record\":"
#define STAMP_2 "{\"@timestamp\":\"2026-11-23T10:40:02.000000Z\",\"sockwatch.record\":"

/* ---- the first line ---- */

static void meta_is_written_at_once(void **state)
{
	struct rig r = rig_new(-1, NULL);

	(void)state;
	assert_int_equal(rig_note(&r, "no \"cgroup2\""), 0);
	assert_int_equal(rig_note(&r, "no SCTP"), 0);
	assert_null(rig_line(&r));
	assert_int_equal(rig_host(&r), 0);
	rig_expect_now(&r, "\",\"sockwatch.record\":\"meta\",\"sockwatch.schema\":1,"
			   "\"sockwatch.version\":\"1.2\",\"host.name\":\"web1\","
			   "\"sockwatch.interval_s\":1,"
			   "\"sockwatch.notes\":[\"no \\\"cgroup2\\\"\",\"no SCTP\"],"
			   "\"sockwatch.by\":\"connection\"}");
	assert_int_equal(rig_host(&r), 0);
	assert_null(rig_line(&r));
	assert_int_equal(rig_done(&r), 0);
}

static void meta_comes_first_even_without_a_host(void **state)
{
	struct rig r = rig_new(-1, NULL);

	(void)state;
	assert_int_equal(rig_tick(&r, false), 0);
	rig_expect_now(&r, "\",\"sockwatch.record\":\"meta\",\"sockwatch.schema\":1,"
			   "\"sockwatch.version\":\"1.2\",\"sockwatch.interval_s\":1,"
			   "\"sockwatch.notes\":[],\"sockwatch.by\":\"connection\"}");
	assert_null(rig_line(&r));
	assert_int_equal(rig_done(&r), 0);
}

static void intervals_are_decimal_numbers(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} intervals[] = {
		{0, "0"},
		{100000000, "0.1"},
		{1250000000, "1.25"},
		{3600000000000, "3600"},
		{1, "0.000000001"},
		{1000000010, "1.00000001"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(intervals) / sizeof(intervals[0]); i++) {
		struct log_options options = {.format = &format_json, .version = "1.2"};
		struct rig r = rig_new(-1, NULL);
		char field[64];
		const char *line;

		options.interval_ns = intervals[i].ns;
		rig_log(&r, &options);
		rig_host(&r);
		line = rig_line(&r);
		json_check(line);
		snprintf(field, sizeof(field), "\"sockwatch.interval_s\":%s,", intervals[i].text);
		assert_non_null(strstr(line, field));
		rig_done(&r);
	}
}

static void later_notes_are_lines(void **state)
{
	struct rig r = rig_live(NULL);

	(void)state;
	assert_int_equal(rig_note(&r, "ring\nfull"), 0);
	rig_expect_now(&r,
		       "\",\"sockwatch.record\":\"note\",\"sockwatch.note\":\"ring\\\\x0afull\"}");
	assert_int_equal(rig_done(&r), 0);
}

/* ---- rows ---- */

static void a_connection_is_a_line(void **state)
{
	struct rig r = rig_live(NULL);
	struct proc p = fixture_proc(42, 33, "nginx");
	struct flow f = fixture_tcp(7, ROLE_SERVER, fixture_addr("192.0.2.1", 443),
				    fixture_addr("198.51.100.2", 50000));

	(void)state;
	rig_user(&r, 33, "www-data");
	f.netns = 4026531840;
	f.cgroup_id = 99;
	fixture_xfer(r.model, &p, &f, 1, UINT64_MAX, 9007199254740993);
	assert_int_equal(rig_tick(&r, false), 0);
	rig_expect(&r, STAMP_1
		   "\"connection\",\"process.pid\":42,\"process.name\":\"nginx\",\"user.id\":33,"
		   "\"user.name\":\"www-data\","
		   "\"network.transport\":\"tcp\",\"network.type\":\"ipv4\","
		   "\"network.local.address\":\"192.0.2.1\",\"network.local.port\":443,"
		   "\"network.peer.address\":\"198.51.100.2\",\"network.peer.port\":50000,"
		   "\"sockwatch.role\":\"server\",\"sockwatch.state\":\"established\","
		   "\"sockwatch.netns\":4026531840,\"sockwatch.cookie\":7,"
		   "\"sockwatch.tx_bytes\":18446744073709551615,"
		   "\"sockwatch.rx_bytes\":9007199254740993,"
		   "\"sockwatch.tx_bytes_total\":18446744073709551615,"
		   "\"sockwatch.rx_bytes_total\":9007199254740993,"
		   "\"sockwatch.cgroup_id\":99,\"client.address\":\"198.51.100.2\","
		   "\"client.port\":50000,\"server.address\":\"192.0.2.1\",\"server.port\":443,"
		   "\"sockwatch.process.start_ns\":42000,\"sockwatch.age_ns\":999999999,"
		   "\"sockwatch.boottime_ns\":1000000000}");
	assert_null(rig_line(&r));
	assert_int_equal(rig_done(&r), 0);
}

static void what_is_not_known_is_absent(void **state)
{
	struct rig r = rig_live(NULL);
	struct proc p = {.uid = 5, .unattributed = UNATTRIBUTED_KERNEL};
	struct flow f = {
		.cookie = 8, .netns = 1, .transport = TRANSPORT_PACKET, .state = STATE_OPEN};

	(void)state;
	fixture_xfer(r.model, &p, &f, 1, 60, 0);
	assert_int_equal(rig_tick(&r, false), 0);
	rig_expect(&r, STAMP_1 "\"connection\",\"user.id\":5,\"network.transport\":\"packet\","
			       "\"sockwatch.role\":\"unknown\",\"sockwatch.state\":\"open\","
			       "\"sockwatch.netns\":1,\"sockwatch.cookie\":8,"
			       "\"sockwatch.tx_bytes\":60,\"sockwatch.rx_bytes\":0,"
			       "\"sockwatch.tx_bytes_total\":60,\"sockwatch.rx_bytes_total\":0,"
			       "\"sockwatch.unattributed\":\"kernel\","
			       "\"sockwatch.age_ns\":999999999,"
			       "\"sockwatch.boottime_ns\":1000000000}");
	assert_int_equal(rig_done(&r), 0);
}

static void a_listener_has_an_address_and_no_peer(void **state)
{
	static const struct {
		uint8_t family;
		const char *ip, *fields;
	} listeners[] = {
		{4, NULL,
		 "\"ipv4\",\"network.local.address\":\"0.0.0.0\",\"network.local.port\":80,"},
		{4, "0.0.0.0",
		 "\"ipv4\",\"network.local.address\":\"0.0.0.0\",\"network.local.port\":80,"},
		{6, NULL, "\"ipv6\",\"network.local.address\":\"::\",\"network.local.port\":80,"},
		{6, "::1", "\"ipv6\",\"network.local.address\":\"::1\",\"network.local.port\":80,"},
	};
	struct proc p = fixture_proc(1, 0, "init");

	(void)state;
	for (size_t i = 0; i < sizeof(listeners) / sizeof(listeners[0]); i++) {
		struct rig r = rig_live(NULL);
		struct flow f = fixture_tcp(7, ROLE_LISTENER, fixture_addr(listeners[i].ip, 80),
					    fixture_addr(NULL, 0));
		const char *line;

		f.family = listeners[i].family;
		fixture_seen(r.model, &p, &f, 1);
		assert_int_equal(rig_tick(&r, false), 0);
		line = rig_line(&r);
		json_check(line);
		assert_non_null(strstr(line, listeners[i].fields));
		assert_non_null(strstr(line, "\"sockwatch.role\":\"listener\","
					     "\"sockwatch.state\":\"listen\","));
		assert_null(strstr(line, "peer"));
		assert_int_equal(rig_done(&r), 0);
	}
}

static void a_failed_connect_names_its_error(void **state)
{
	struct rig r = rig_live(NULL);
	struct proc p = fixture_proc(42, 0, "curl");
	struct flow f = fixture_tcp(7, ROLE_CLIENT, fixture_addr("127.0.0.1", 40000),
				    fixture_addr("127.0.0.1", 1));
	const char *line;

	(void)state;
	f.state = STATE_CLOSE;
	assert_int_equal(rig_fail(&r, &p, &f, ECONNREFUSED), 0);
	f.cookie++;
	assert_int_equal(rig_fail(&r, &p, &f, 4095), 0);
	assert_int_equal(rig_tick(&r, false), 0);
	for (int i = 0; i < 2; i++) {
		line = rig_line(&r);
		json_check(line);
		assert_non_null(strstr(line, json_number(line, "sockwatch.cookie") == 7
						     ? ",\"sockwatch.error\":\"ECONNREFUSED\","
						     : ",\"sockwatch.error\":\"4095\","));
	}
	assert_null(rig_line(&r));
	assert_int_equal(rig_done(&r), 0);
}

static void only_what_changed_is_written(void **state)
{
	struct rig r = rig_live(NULL);
	struct proc p = fixture_proc(42, 0, "curl");
	struct flow f = fixture_tcp(7, ROLE_CLIENT, fixture_addr("127.0.0.1", 40000),
				    fixture_addr("127.0.0.1", 1));
	const char *line;

	(void)state;
	fixture_xfer(r.model, &p, &f, 1, 10, 100);
	rig_tick(&r, false);
	assert_non_null(rig_line(&r));
	rig_tick(&r, false);
	assert_null(rig_line(&r));

	fixture_xfer(r.model, &p, &f, 2, 1, 2);
	fixture_close(r.model, &p, &f, 3);
	rig_tick(&r, false);
	line = rig_line(&r);
	json_check(line);
	assert_int_equal(json_number(line, "sockwatch.tx_bytes"), 1);
	assert_int_equal(json_number(line, "sockwatch.rx_bytes"), 2);
	assert_int_equal(json_number(line, "sockwatch.tx_bytes_total"), 11);
	assert_int_equal(json_number(line, "sockwatch.rx_bytes_total"), 102);
	assert_non_null(strstr(line, "\"sockwatch.state\":\"closed\""));
	rig_tick(&r, false);
	assert_null(rig_line(&r));
	assert_int_equal(rig_done(&r), 0);
}

static void evicted_bytes_are_in_other(void **state)
{
	const struct model_limits limits = {.rows[TABLE_CONNECTIONS] = 16};
	struct rig r = rig_live(&limits);
	uint64_t tx = 0, rx = 0;
	const char *line;
	int others = 0;

	(void)state;
	rig_many(&r, 100);
	assert_int_equal(rig_tick(&r, false), 0);
	while ((line = rig_line(&r))) {
		json_check(line);
		tx += json_number(line, "sockwatch.tx_bytes");
		rx += json_number(line, "sockwatch.rx_bytes");
		others += strstr(line, "\"sockwatch.record\":\"other\"") != NULL;
	}
	assert_int_equal(tx, 300);
	assert_int_equal(rx, 500);
	assert_int_equal(others, 1);
	assert_int_equal(rig_tick(&r, true), 0);
	line = rig_line(&r);
	assert_non_null(strstr(line, "\"end\""));
	assert_int_equal(json_number(line, "sockwatch.evicted"), 84);
	assert_int_equal(rig_done(&r), 0);
}

static void other_is_a_short_line(void **state)
{
	const struct model_limits limits = {.rows[TABLE_CONNECTIONS] = 1};
	struct rig r = rig_live(&limits);

	(void)state;
	rig_many(&r, 3);
	assert_int_equal(rig_tick(&r, false), 0);
	assert_non_null(rig_line(&r));
	rig_expect(&r, STAMP_1 "\"other\",\"sockwatch.tx_bytes\":6,\"sockwatch.rx_bytes\":10,"
			       "\"sockwatch.tx_bytes_total\":6,\"sockwatch.rx_bytes_total\":10,"
			       "\"sockwatch.boottime_ns\":1000000000}");
	assert_null(rig_line(&r));
	assert_int_equal(rig_done(&r), 0);
}

/* ---- the last line ---- */

static void end_has_totals_and_losses(void **state)
{
	struct rig r = rig_live(NULL);

	(void)state;
	rig_many(&r, 2);
	fixture_lost(r.model, LOST_RING_FULL, 3);
	rig_tick(&r, false);
	assert_non_null(rig_line(&r));
	assert_non_null(rig_line(&r));
	assert_int_equal(rig_tick(&r, true), 0);
	rig_expect(&r, STAMP_2
		   "\"end\",\"sockwatch.tx_bytes_total\":6,\"sockwatch.rx_bytes_total\":10,"
		   "\"sockwatch.connections_opened\":2,\"sockwatch.records.seen\":12,"
		   "\"sockwatch.records.delivered\":9,\"sockwatch.records.lost\":3,"
		   "\"sockwatch.lost\":{\"ring_full\":3,\"close\":0,\"storage\":0,\"accounts\":0,"
		   "\"recursion\":0,\"calls\":0,\"table\":0,\"bad_record\":0},"
		   "\"sockwatch.evicted\":0,\"sockwatch.cpu_ns\":0,\"sockwatch.rss_bytes\":0,"
		   "\"sockwatch.dropped\":0}");
	assert_null(rig_line(&r));
	assert_int_equal(rig_done(&r), 0);
}

/* ---- own cost ---- */

static void cost_is_a_line_while_it_is_counted(void **state)
{
	struct event ev = {
		.kind = EVENT_TICK,
		.time_ns = RIG_SECOND,
		.tick = {.interval_ns = RIG_SECOND,
			 .wall_ns = RIG_WALL_NS + RIG_SECOND,
			 .cpu_ns = 2500000,
			 .rss_bytes = 8 << 20,
			 .records_seen = 7,
			 .records_delivered = 7,
			 .programs = {.runs = 2001, .ns = 200100, .counted_ns = RIG_SECOND / 2}},
	};
	struct rig r = rig_live(NULL);

	(void)state;
	rig_feed(&r, &ev);
	rig_expect(&r, STAMP_1
		   "\"cost\",\"sockwatch.interval_s\":1,\"sockwatch.cpu_ns\":2500000,"
		   "\"sockwatch.cpu_percent\":0.250,\"sockwatch.rss_bytes\":8388608,"
		   "\"sockwatch.programs.counted_s\":0.5,\"sockwatch.programs.events\":2001,"
		   "\"sockwatch.programs.ns\":200100,\"sockwatch.programs.ns_per_event\":100,"
		   "\"sockwatch.programs.percent\":0.040,\"sockwatch.records.seen\":7,"
		   "\"sockwatch.records.delivered\":7,"
		   "\"sockwatch.lost\":{\"ring_full\":0,\"close\":0,\"storage\":0,\"accounts\":0,"
		   "\"recursion\":0,\"calls\":0,\"table\":0,\"bad_record\":0}}");
	ev.time_ns += RIG_SECOND;
	rig_feed(&r, &ev); /* nothing was counted since: nobody asks any more */
	assert_null(rig_line(&r));
	ev.tick.programs_error = EPERM;
	rig_feed(&r, &ev);
	assert_non_null(strstr(rig_line(&r), "\"sockwatch.programs.error\":\"EPERM\""));
	ev.tick.last = true;
	rig_feed(&r, &ev);
	assert_non_null(strstr(rig_line(&r), "\"cost\""));
	assert_non_null(strstr(rig_line(&r), "\"sockwatch.programs.events\":2001"));
	assert_int_equal(rig_done(&r), 0);
}

static void the_budget_is_told_when_it_changes_the_interval(void **state)
{
	struct event ev = {.kind = EVENT_PACE, .pace = {.interval_ns = 2500000000ULL}};
	struct rig r = rig_live(NULL);

	(void)state;
	rig_tick(&r, false);
	ev.pace.budget = 500000;
	ev.pace.stretched = true;
	rig_feed(&r, &ev);
	rig_expect(&r, STAMP_1 "\"interval\",\"sockwatch.interval_s\":2.5,"
			       "\"sockwatch.cpu_budget_percent\":0.050,"
			       "\"sockwatch.over_budget\":false}");
	ev.pace.over = true;
	rig_feed(&r, &ev);
	assert_non_null(strstr(rig_line(&r), "\"sockwatch.over_budget\":true}"));
	assert_null(rig_line(&r));
	assert_int_equal(rig_done(&r), 0);
}

static void the_last_interval_comes_before_the_end(void **state)
{
	struct rig r = rig_live(NULL);

	(void)state;
	rig_many(&r, 1);
	assert_int_equal(rig_tick(&r, true), 0);
	assert_non_null(strstr(rig_line(&r), "\"connection\""));
	assert_non_null(strstr(rig_line(&r), "\"end\""));
	assert_int_equal(rig_done(&r), 0);
}

/* ---- hostile names ---- */

static void no_byte_of_a_name_breaks_a_line(void **state)
{
	(void)state;
	for (int byte = 1; byte < 256; byte++) {
		struct rig r = rig_live(NULL);
		const char name[] = {'a', (char)byte, '"', (char)byte, (char)byte, '\0'};
		struct proc p = fixture_proc(42, 1, name);
		struct flow f = fixture_tcp(1, ROLE_CLIENT, fixture_addr("127.0.0.1", 40000),
					    fixture_addr("127.0.0.1", 1));
		const char *line;

		rig_user(&r, 1, name);
		fixture_seen(r.model, &p, &f, 1);
		assert_int_equal(rig_note(&r, name), 0);
		assert_int_equal(rig_tick(&r, false), 0);
		for (int i = 0; i < 2; i++) {
			line = rig_line(&r);
			json_check(line);
			assert_true(byte < 0x7f || !strchr(line, byte));
		}
		assert_null(rig_line(&r));
		assert_int_equal(rig_done(&r), 0);
	}
}

static void a_name_without_an_end_is_cut(void **state)
{
	struct rig r = rig_live(NULL);
	struct event ev = {.kind = EVENT_NOTE, .time_ns = 1};

	(void)state;
	memset(ev.note.text, 'x', sizeof(ev.note.text));
	assert_int_equal(rig_feed(&r, &ev), 0);
	assert_int_equal(strspn(strstr(rig_line(&r), "xx"), "x"), EVENT_TEXT);
	assert_int_equal(rig_done(&r), 0);
}

/* ---- writing ---- */

static void a_full_disk_ends_the_run(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct rig r;

	(void)state;
	if (fd < 0)
		skip();
	r = rig_new(fd, NULL);
	assert_int_equal(rig_host(&r), -ENOSPC);
	assert_int_equal(rig_tick(&r, true), -ENOSPC);
	assert_int_equal(rig_done(&r), -ENOSPC);
}

/** Count the lines of all messages, each of which one write() sent: exit status 0 if all is well.
 */
static pid_t start_counter(int fd, int other_end)
{
	pid_t pid = fork();
	static char text[1 << 18];
	int lines = 0, messages = 0;
	ssize_t n;

	if (pid)
		return pid;
	close(other_end);
	while ((n = read(fd, text, sizeof(text))) > 0) {
		messages++;
		for (ssize_t i = 0; i < n; i++)
			lines += text[i] == '\n';
		if (text[n - 1] != '\n')
			_exit(1);
	}
	_exit(lines == 1 + MANY + 1 && messages < MANY / 50 ? 0 : 2);
}

static void writes_are_large_and_of_whole_lines(void **state)
{
	int fds[2], status;
	struct rig r;
	pid_t pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	pid = start_counter(fds[0], fds[1]);
	close(fds[0]);
	r = rig_new(fds[1], NULL);
	assert_int_equal(rig_host(&r), 0);
	rig_many(&r, MANY);
	assert_int_equal(rig_tick(&r, true), 0);
	assert_int_equal(rig_done(&r), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void closing_nothing_is_no_error(void **state)
{
	struct rig r = rig_new(-1, NULL);

	(void)state;
	assert_int_equal(r.sink->ops->close(NULL), 0);
	assert_int_equal(rig_done(&r), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meta_is_written_at_once),
		cmocka_unit_test(meta_comes_first_even_without_a_host),
		cmocka_unit_test(intervals_are_decimal_numbers),
		cmocka_unit_test(later_notes_are_lines),
		cmocka_unit_test(a_connection_is_a_line),
		cmocka_unit_test(what_is_not_known_is_absent),
		cmocka_unit_test(a_listener_has_an_address_and_no_peer),
		cmocka_unit_test(a_failed_connect_names_its_error),
		cmocka_unit_test(only_what_changed_is_written),
		cmocka_unit_test(evicted_bytes_are_in_other),
		cmocka_unit_test(other_is_a_short_line),
		cmocka_unit_test(end_has_totals_and_losses),
		cmocka_unit_test(cost_is_a_line_while_it_is_counted),
		cmocka_unit_test(the_budget_is_told_when_it_changes_the_interval),
		cmocka_unit_test(the_last_interval_comes_before_the_end),
		cmocka_unit_test(no_byte_of_a_name_breaks_a_line),
		cmocka_unit_test(a_name_without_an_end_is_cut),
		cmocka_unit_test(a_full_disk_ends_the_run),
		cmocka_unit_test(writes_are_large_and_of_whole_lines),
		cmocka_unit_test(closing_nothing_is_no_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
