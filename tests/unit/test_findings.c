/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a selftest says what it found, and when it may call itself clean. */
#include "findings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "json.h"
#include "util/buf.h"

/* Runs 0 to 3: tcp-send and udp-send, each with IPv4 and IPv6. */
static struct tally_flow flows[] = {
	{.run = 0, .pid = 10, .cookie = 1, .role = "client", .tx = 500, .counted_tx = 500},
	{.run = 1, .pid = 11, .cookie = 2, .role = "client", .tx = 500, .counted_tx = 500},
	{.run = 2, .pid = 12, .cookie = 3, .role = "server", .rx = 70, .counted_rx = 70},
	{.run = 3, .pid = 13, .cookie = 4, .role = "server", .rx = 70, .counted_rx = 70},
	{.run = 3,
	 .pid = 14,
	 .cookie = 4,
	 .role = "?",
	 .counted_rx = 10,
	 .unexpected = true,
	 .wrong = true},
	{.run = 3,
	 .cookie = 4,
	 .role = "?",
	 .counted_tx = 1,
	 .unexpected = true,
	 .wrong = true,
	 .unattributed = UNATTRIBUTED_EXITED},
};

static struct tally_run runs[8];

/** All went well; only the first four flows matter. */
static struct findings good(void)
{
	struct findings f = {.release = "6.1.0", .has_ipv6 = true};

	flows[3].counted_rx = flows[3].rx;
	flows[3].wrong = false;
	for (uint32_t i = 0; i < 4; i++)
		runs[i] = (struct tally_run){.run = i,
					     .verdict = VERDICT_EXACT,
					     .tx = flows[i].tx,
					     .rx = flows[i].rx,
					     .counted_tx = flows[i].tx,
					     .counted_rx = flows[i].rx,
					     .first = i,
					     .count = 1};
	f.result.runs = runs;
	f.result.run_count = 4;
	f.result.flows = flows;
	return f;
}

/** Of everything that can go wrong, one. */
static struct findings bad(void)
{
	struct findings f = good();

	runs[1].verdict = VERDICT_UNOWNED;
	runs[3].verdict = VERDICT_WRONG;
	flows[3].counted_rx -= 10;
	flows[3].wrong = true;
	runs[3].count = 3;
	runs[3].counted_tx = 1;
	runs[4] = (struct tally_run){.run = 4, .verdict = VERDICT_SKIPPED, .reason = "no MPTCP"};
	runs[5] = (struct tally_run){.run = 5, .verdict = VERDICT_SKIPPED, .reason = "no MPTCP"};
	runs[6] = (struct tally_run){
		.run = 6, .verdict = VERDICT_WRONG, .reason = "x[1]: bind: \033[2Jno"};
	f.result.run_count = 7;
	f.result.stray_tx = 3;
	f.result.dropped = 4;
	f.lost[LOST_RING_FULL] = 5;
	f.lost[LOST_STORAGE] = 6;
	f.any_pid = true;
	f.note_count = 1;
	strcpy(f.notes[0], "who accepted is not known (needs cgroup2)");
	strcpy(f.no_netns, "Operation not permitted");
	return f;
}

/** The text without its first line, which has our version. */
static void golden(const char *name, const struct findings *f, bool verbose)
{
	struct buf b = {0};

	findings_text(f, &b, verbose);
	assert_non_null(strchr(b.data, '\n'));
	fixture_golden(name, strchr(b.data, '\n') + 1);
	buf_done(&b);
}

static void findings_text_shows_good_and_bad(void **state)
{
	struct findings f = good();

	(void)state;
	golden("selftest-good.txt", &f, false);
	golden("selftest-good-verbose.txt", &f, true);
	f = bad();
	golden("selftest-bad.txt", &f, false);
}

static void findings_text_without_ipv6_has_one_family(void **state)
{
	struct findings f = good();

	(void)state;
	f.has_ipv6 = false;
	for (int i = 1; i < 4; i += 2)
		runs[i] = (struct tally_run){
			.run = i, .verdict = VERDICT_SKIPPED, .reason = "no IPv6"};
	golden("selftest-no-ipv6.txt", &f, false);
	assert_true(findings_clean(&f));
}

static void findings_are_clean_only_when_nothing_is_wrong(void **state)
{
	struct findings f = good();

	(void)state;
	assert_true(findings_clean(&f));
	f.lost[LOST_RING_FULL] = 1; /* it cost nothing: all is exact */
	assert_true(findings_clean(&f));
	runs[2].verdict = VERDICT_WRONG;
	assert_false(findings_clean(&f));
	f = good();
	runs[2].verdict = VERDICT_UNOWNED;
	assert_false(findings_clean(&f));
	f = good();
	runs[3].verdict = VERDICT_WRONG;
	assert_false(findings_clean(&f));
	runs[2].verdict = VERDICT_SKIPPED;
	assert_false(findings_clean(&f));
	f = good();
	f.result.stray_rx = 1;
	assert_false(findings_clean(&f));
	f = good();
	f.result.dropped = 1;
	assert_false(findings_clean(&f));
	f = good();
	f.result.run_count = 0;
	assert_false(findings_clean(&f));
}

static void findings_json_is_one_object_a_line(void **state)
{
	struct findings f = bad();
	struct buf b = {0};
	size_t lines = 0;

	(void)state;
	findings_json(&f, &b, true);
	for (char *line = strtok(b.data, "\n"); line; line = strtok(NULL, "\n")) {
		json_check(line);
		lines++;
		if (lines == 1)
			assert_int_equal(json_number(line, "tx_bytes"), 500);
	}
	assert_int_equal(lines, f.result.run_count + 1);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings_text_shows_good_and_bad),
		cmocka_unit_test(findings_text_without_ipv6_has_one_family),
		cmocka_unit_test(findings_are_clean_only_when_nothing_is_wrong),
		cmocka_unit_test(findings_json_is_one_object_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
