/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The log by other tables than connections, in other formats than JSON, and what --top leaves. */
#define _GNU_SOURCE
#include "sink/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"
#include "json.h"
#include "jsonl_rig.h"
#include "model/column.h"

enum { PEERS = 20 };

static const enum record_kind kinds[] = {RECORD_CONNECTION, RECORD_PROCESS, RECORD_PORT,
					 RECORD_PEER, RECORD_TOTAL};

/* Of peer i, that has process i and port i, i bytes were sent and 1000 * i received. */
static struct rig rig_with(const struct log_options *options)
{
	struct rig r = rig_new(-1, NULL);

	rig_log(&r, options);
	assert_int_equal(rig_host(&r), 0);
	for (unsigned int i = 1; i <= PEERS; i++) {
		char ip[ADDR_TEXT], name[EVENT_NAME];
		struct proc p;
		struct flow f;

		snprintf(ip, sizeof(ip), "192.0.2.%u", i);
		snprintf(name, sizeof(name), "p%u", i);
		p = fixture_proc(100 + i, 0, name);
		f = fixture_tcp(i, ROLE_CLIENT, fixture_addr("198.51.100.1", 40000),
				fixture_addr(ip, (uint16_t)i));
		fixture_xfer(r.model, &p, &f, 1, i, (uint64_t)i * 1000);
	}
	return r;
}

struct sums {
	uint64_t tx, rx, rows, others, folded;
};

/* Of the JSON lines from here on. */
static struct sums add_up(struct rig *r)
{
	struct sums sums = {0};
	const char *line;

	while ((line = rig_line(r))) {
		json_check(line);
		if (!strstr(line, "\"sockwatch.tx_bytes\""))
			continue;
		sums.tx += json_number(line, "sockwatch.tx_bytes");
		sums.rx += json_number(line, "sockwatch.rx_bytes");
		if (strstr(line, "\"sockwatch.record\":\"other\"")) {
			sums.others++;
			sums.folded += json_number(line, "sockwatch.folded");
		} else {
			sums.rows++;
		}
	}
	return sums;
}

static void sums_hold_by_every_table_and_top(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (uint32_t top = 0; top <= PEERS + 1; top += 3) {
			struct log_options options = {.format = &format_json,
						      .version = "1.2",
						      .by = kinds[i],
						      .top = top};
			struct rig r = rig_with(&options);
			uint64_t rows = top && top < PEERS ? top : PEERS;
			struct sums sums;

			rig_tick(&r, false);
			sums = add_up(&r);
			assert_int_equal(sums.tx, PEERS * (PEERS + 1) / 2);
			assert_int_equal(sums.rx, 1000 * sums.tx);
			if (kinds[i] != RECORD_TOTAL) {
				assert_int_equal(sums.rows, rows);
				assert_int_equal(sums.others, rows < PEERS);
				assert_int_equal(sums.folded, PEERS - rows);
			}
			rig_tick(&r, false); /* nothing since */
			assert_int_equal(add_up(&r).tx, 0);
			assert_int_equal(rig_done(&r), 0);
		}
}

static void the_top_is_what_moved_most_or_as_sorted(void **state)
{
	struct log_options options = {
		.format = &format_json, .version = "1.2", .by = RECORD_PROCESS, .top = 2};

	(void)state;
	for (int sorted = 0; sorted < 2; sorted++) {
		struct rig r;

		options.sort = sorted ? column_find(TABLE_PROCESSES, "pid") : NULL;
		r = rig_with(&options);
		rig_line(&r);
		rig_tick(&r, false);
		assert_int_equal(json_number(rig_line(&r), "process.pid"), sorted ? 101 : 120);
		assert_int_equal(json_number(rig_line(&r), "process.pid"), sorted ? 102 : 119);
		assert_non_null(strstr(rig_line(&r), "\"other\""));
		assert_int_equal(rig_done(&r), 0);
	}
}

static void all_has_what_is_idle(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct log_options options = {
			.format = &format_json, .version = "1.2", .by = kinds[i], .all = true};
		struct rig r = rig_with(&options);

		rig_tick(&r, false);
		add_up(&r);
		rig_tick(&r, false);
		assert_int_equal(add_up(&r).rows, kinds[i] == RECORD_TOTAL ? 1 : PEERS);
		assert_int_equal(rig_done(&r), 0);
	}
}

static void a_line_of_csv_parts_at_its_commas_alone(void **state)
{
	static const struct {
		const char *name, *cell;
	} names[] = {
		{"nginx", ",nginx,"},
		{"a,b", ",\"a,b\","},
		{"say \"x\"", ",\"say \"\"x\"\"\","},
		{"=1+1", ",\"'=1+1\","},
		{"-x", ",\"'-x\","},
		{"@x", ",\"'@x\","},
		{"+x", ",\"'+x\","},
		{"a\nb", ",\"a\\x0ab\","},
		{"a\\b", ",\"a\\\\b\","},
		{"\ta", ",\"'\\x09a\","},
		{" a", ",\" a\","},
		{"a\x1b[m", ",\"a\\x1b[m\","},
	};
	struct log_options options = {.format = &format_csv, .by = RECORD_PROCESS};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct rig r = rig_new(-1, NULL);
		struct proc p = fixture_proc(42, 0, names[i].name);
		struct flow f = fixture_tcp(7, ROLE_CLIENT, fixture_addr("127.0.0.1", 40000),
					    fixture_addr("127.0.0.1", 1));
		const char *line;

		rig_log(&r, &options);
		rig_host(&r);
		assert_true(!strncmp(rig_line(&r), "@timestamp,sockwatch.record,process.pid,", 40));
		fixture_xfer(r.model, &p, &f, 1, 3, 5);
		rig_tick(&r, false);
		line = rig_line(&r);
		if (!strstr(line, names[i].cell))
			fail_msg("%s has no %s", line, names[i].cell);
		assert_null(rig_line(&r));
		assert_int_equal(rig_done(&r), 0);
	}
}

/* The client is the source whichever end is ours. */
static void elastic_s_names_have_the_same_bytes(void **state)
{
	struct log_options options = {
		.format = &format_json, .version = "1.2", .schema = SCHEMA_ECS};

	(void)state;
	for (int server = 0; server < 2; server++) {
		struct rig r = rig_new(-1, NULL);
		struct proc p = fixture_proc(42, 33, "nginx");
		struct flow f = fixture_tcp(7, server ? ROLE_SERVER : ROLE_CLIENT,
					    fixture_addr("192.0.2.1", 443),
					    fixture_addr("198.51.100.2", 50000));
		char line[4096];
		FILE *log;

		rig_log(&r, &options);
		rig_host(&r);
		fixture_xfer(r.model, &p, &f, 1, 10, 300);
		rig_tick(&r, false);
		log = fdopen(dup(r.fd), "r");
		rewind(log);
		for (int i = 0; i < 2; i++)
			assert_non_null(fgets(line, sizeof(line), log));
		fclose(log);
		line[strcspn(line, "\n")] = '\0';
		json_check(line);
		assert_int_equal(json_number(line, "source.port"), server ? 50000 : 443);
		assert_int_equal(json_number(line, "destination.port"), server ? 443 : 50000);
		assert_int_equal(json_number(line, "source.bytes"), server ? 300 : 10);
		assert_int_equal(json_number(line, "destination.bytes"), server ? 10 : 300);
		assert_int_equal(json_number(line, "network.bytes"), 310);
		assert_int_equal(json_number(line, "event.sequence"), 2);
		assert_non_null(strstr(line, server ? "\"network.direction\":\"ingress\""
						    : "\"network.direction\":\"egress\""));
		assert_non_null(strstr(line, "\"event.category\":[\"network\"]"));
		assert_non_null(strstr(line, "\"user.id\":\"33\""));
		assert_null(strstr(line, "sockwatch.tx_bytes\""));
		assert_int_equal(rig_done(&r), 0);
	}
}

static void text_has_a_row_a_line_and_remarks_apart(void **state)
{
	struct log_options options = {.format = &format_text, .by = RECORD_PROCESS};
	struct rig r = rig_new(-1, NULL);
	struct proc p = fixture_proc(42, 0, "a b\x1b");
	struct flow f = fixture_tcp(7, ROLE_CLIENT, fixture_addr("127.0.0.1", 40000),
				    fixture_addr("127.0.0.1", 1));
	const char *line;

	(void)state;
	rig_log(&r, &options);
	rig_note(&r, "no SCTP");
	rig_host(&r);
	assert_string_equal(rig_line(&r),
			    "TIME                        RECORD         PID PROCESS          USER  "
			    "       OPEN LISTEN           TX           RX       TX-TOTAL       "
			    "RX-TOTAL NO-PROCESS");
	assert_non_null(strstr(rig_line(&r), " note: no SCTP"));
	fixture_xfer(r.model, &p, &f, 1, 1234567, 5);
	rig_tick(&r, true);
	assert_string_equal(
		rig_line(&r),
		"2026-11-23T10:40:01.000000Z process         42 a_b\\x1b          -     "
		"          1      0      1234567            5        1234567            "
		"  5 -");
	line = rig_line(&r);
	assert_non_null(strstr(line, "# 2026-11-23T10:40:01.000000Z end: tx 1234567 rx 5 "
				     "connections 1 lost ring_full 0 "));
	assert_non_null(strstr(line, " bad_record 0 dropped 0"));
	assert_null(rig_line(&r));
	assert_int_equal(rig_done(&r), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_hold_by_every_table_and_top),
		cmocka_unit_test(the_top_is_what_moved_most_or_as_sorted),
		cmocka_unit_test(all_has_what_is_idle),
		cmocka_unit_test(a_line_of_csv_parts_at_its_commas_alone),
		cmocka_unit_test(elastic_s_names_have_the_same_bytes),
		cmocka_unit_test(text_has_a_row_a_line_and_remarks_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
