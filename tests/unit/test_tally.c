/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What was moved against what was counted: above all, what is wrong must be found. */
#include "traffic/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "event/event.h"

enum { NETNS = 4026531999, ELSEWHERE = 4026531840, CLIENT = 100, SERVER = 200 };
enum { C = 1, S = 2 }; /* cookies of the two ends */

static const struct tally_options strict = {.netns = NETNS};

static void moved(struct tally *t, uint32_t run, uint32_t pid, uint64_t cookie, uint64_t tx,
		  uint64_t rx)
{
	struct tally_flow flow = {.run = run, .pid = pid, .cookie = cookie, .tx = tx, .rx = rx};

	strcpy(flow.role, "client");
	assert_int_equal(tally_expect(t, &flow), 0);
}

static struct event xfer(uint32_t pid, uint64_t cookie, uint64_t tx, uint64_t rx)
{
	struct event ev;

	memset(&ev, 0, sizeof(ev));
	ev.kind = EVENT_XFER;
	ev.proc.pid = pid;
	ev.proc.unattributed = pid ? UNATTRIBUTED_NONE : UNATTRIBUTED_NOT_ACCEPTED;
	ev.flow.so_cookie = cookie;
	ev.flow.netns = NETNS;
	ev.xfer.tx_bytes = tx;
	ev.xfer.rx_bytes = rx;
	return ev;
}

static void counted(struct tally *t, uint32_t pid, uint64_t cookie, uint64_t tx, uint64_t rx)
{
	struct event ev = xfer(pid, cookie, tx, rx);

	assert_int_equal(tally_count(t, &ev), 0);
}

/** A run of two ends that moved 1000 there and 70 back; nothing is counted yet. */
static struct tally *exchange(const struct tally_options *options)
{
	struct tally *t = tally_new(options);

	assert_non_null(t);
	moved(t, 0, CLIENT, C, 1000, 70);
	moved(t, 0, SERVER, S, 70, 1000);
	assert_int_equal(tally_end(t, 0), 0);
	return t;
}

static struct tally_result judge(struct tally *t)
{
	struct tally_result result;

	assert_int_equal(tally_judge(t, &result), 0);
	return result;
}

/** The verdict of the one run; frees @t. */
static enum verdict verdict_of(struct tally *t)
{
	struct tally_result result = judge(t);
	enum verdict verdict = result.runs[0].verdict;

	assert_int_equal(result.run_count, 1);
	tally_free(t);
	return verdict;
}

static void tally_adds_up_what_comes_in_parts(void **state)
{
	struct tally *t = exchange(&strict);
	struct tally_result result;

	(void)state;
	counted(t, CLIENT, C, 400, 0);
	counted(t, SERVER, S, 0, 1000);
	counted(t, CLIENT, C, 600, 70);
	counted(t, SERVER, S, 70, 0);
	result = judge(t);
	assert_int_equal(result.runs[0].verdict, VERDICT_EXACT);
	assert_int_equal(result.runs[0].count, 2);
	assert_int_equal(result.runs[0].tx, 1070);
	assert_int_equal(result.runs[0].counted_rx, 1070);
	tally_free(t);
}

static void tally_merges_what_a_process_tells_twice(void **state)
{
	struct tally *t = exchange(&strict);

	(void)state;
	moved(t, 0, CLIENT, C, 5, 6);
	counted(t, CLIENT, C, 1005, 76);
	counted(t, SERVER, S, 70, 1000);
	assert_int_equal(verdict_of(t), VERDICT_EXACT);
}

static void tally_finds_one_byte(void **state)
{
	static const int off[][4] = {{1, 0, 0, 0}, {-1, 0, 0, 0}, {0, 1, 0, 0}, {0, -1, 0, 0},
				     {0, 0, 1, 0}, {0, 0, -1, 0}, {0, 0, 0, 1}, {0, 0, 0, -1}};

	(void)state;
	for (size_t i = 0; i < sizeof(off) / sizeof(*off); i++) {
		struct tally *t = exchange(&strict);

		counted(t, CLIENT, C, 1000 + off[i][0], 70 + off[i][1]);
		counted(t, SERVER, S, 70 + off[i][2], 1000 + off[i][3]);
		assert_int_equal(verdict_of(t), VERDICT_WRONG);
	}
}

static void tally_finds_a_socket_that_is_missing(void **state)
{
	struct tally *t = exchange(&strict);

	(void)state;
	counted(t, CLIENT, C, 1000, 70);
	assert_int_equal(verdict_of(t), VERDICT_WRONG);
	assert_int_equal(verdict_of(exchange(&strict)), VERDICT_WRONG);
}

static void tally_finds_bytes_of_the_wrong_process(void **state)
{
	struct tally *t = exchange(&strict);
	struct tally_result result;

	(void)state;
	counted(t, CLIENT, C, 999, 70);
	counted(t, 300, C, 1, 0);
	counted(t, SERVER, S, 70, 1000);
	result = judge(t);
	assert_int_equal(result.runs[0].verdict, VERDICT_WRONG);
	assert_int_equal(result.runs[0].count, 3);
	assert_true(result.flows[1].unexpected);
	assert_int_equal(result.flows[1].pid, 300);
	assert_false(result.flows[2].wrong);
	tally_free(t);
}

static void tally_finds_bytes_that_are_counted_twice(void **state)
{
	struct tally *t = exchange(&strict);

	(void)state;
	counted(t, CLIENT, C, 1000, 70);
	counted(t, 300, C, 1000, 70);
	counted(t, SERVER, S, 70, 1000);
	assert_int_equal(verdict_of(t), VERDICT_WRONG);
}

static void tally_forgives_unowned_bytes_only_when_told(void **state)
{
	struct tally_options lenient = strict;
	struct tally *t = exchange(&strict);

	(void)state;
	lenient.may_be_unowned = true;
	counted(t, CLIENT, C, 1000, 70);
	counted(t, 0, S, 70, 1000);
	assert_int_equal(verdict_of(t), VERDICT_WRONG);

	t = exchange(&lenient);
	counted(t, CLIENT, C, 1000, 70);
	counted(t, 0, S, 30, 1000);
	counted(t, SERVER, S, 40, 0);
	assert_int_equal(verdict_of(t), VERDICT_UNOWNED);

	t = exchange(&lenient); /* a byte too many is one too many */
	counted(t, CLIENT, C, 1000, 70);
	counted(t, 0, S, 70, 1001);
	assert_int_equal(verdict_of(t), VERDICT_WRONG);

	t = exchange(&lenient); /* another process is no process */
	counted(t, CLIENT, C, 1000, 70);
	counted(t, 300, S, 70, 1000);
	assert_int_equal(verdict_of(t), VERDICT_WRONG);
}

static void tally_skips_only_what_is_not_wrong(void **state)
{
	struct tally *t = tally_new(&strict);

	(void)state;
	tally_skip(t, 4, "no such protocol");
	tally_end(t, 4);
	assert_int_equal(verdict_of(t), VERDICT_SKIPPED);

	t = exchange(&strict);
	tally_skip(t, 0, "it did not come to that");
	counted(t, CLIENT, C, 1000, 70);
	assert_int_equal(verdict_of(t), VERDICT_WRONG);
}

static void tally_finds_runs_that_fail_or_do_not_end(void **state)
{
	struct tally *t = exchange(&strict);
	struct tally_result result;

	(void)state;
	counted(t, CLIENT, C, 1000, 70);
	counted(t, SERVER, S, 70, 1000);
	tally_fail(t, 0, "bind: no");
	result = judge(t);
	assert_int_equal(result.runs[0].verdict, VERDICT_WRONG);
	assert_string_equal(result.runs[0].reason, "bind: no");
	tally_free(t);

	t = tally_new(&strict);
	moved(t, 0, CLIENT, C, 0, 0);
	assert_int_equal(verdict_of(t), VERDICT_WRONG);

	t = tally_new(&strict);
	tally_end(t, 0); /* nothing was moved, nobody said why */
	assert_int_equal(verdict_of(t), VERDICT_WRONG);
}

static void tally_tells_strays_of_its_own_namespace(void **state)
{
	struct tally_options shared = {0};
	struct tally *t = exchange(&strict);
	struct event ev = xfer(300, 77, 5, 6);
	struct tally_result result;

	(void)state;
	counted(t, CLIENT, C, 1000, 70);
	counted(t, SERVER, S, 70, 1000);
	counted(t, 300, 77, 5, 6);
	ev.flow.netns = ELSEWHERE;
	tally_count(t, &ev);
	result = judge(t);
	assert_int_equal(result.runs[0].verdict, VERDICT_EXACT);
	assert_int_equal(result.stray_tx, 5);
	assert_int_equal(result.stray_rx, 6);
	tally_free(t);

	t = exchange(&shared); /* the rest of the host is no stray */
	tally_count(t, &ev);
	result = judge(t);
	assert_int_equal(result.stray_tx, 0);
	tally_free(t);
}

static void tally_compares_sockets_where_pids_differ(void **state)
{
	struct tally_options options = strict;
	struct tally *t;

	(void)state;
	options.any_pid = true;
	t = exchange(&options);
	counted(t, 70001, C, 900, 70);
	counted(t, 70002, C, 100, 0);
	counted(t, 70003, S, 70, 1000);
	assert_int_equal(verdict_of(t), VERDICT_EXACT);

	t = exchange(&options);
	counted(t, 70001, C, 900, 70);
	counted(t, 70003, S, 70, 1000);
	assert_int_equal(verdict_of(t), VERDICT_WRONG);
}

static void tally_is_bounded_and_says_so(void **state)
{
	struct tally_options options = {.max_counted = 8};
	struct tally *t = exchange(&options);
	struct tally_result result;

	(void)state;
	for (int i = 0; i < 100; i++) { /* the same two again and again need no room */
		counted(t, CLIENT, C, 10, 0);
		counted(t, SERVER, S, 0, 10);
	}
	counted(t, CLIENT, C, 0, 70);
	counted(t, SERVER, S, 70, 0);
	for (uint32_t i = 0; i < 20; i++)
		counted(t, 300, 500 + i, 1, 1);
	result = judge(t);
	assert_int_equal(result.runs[0].verdict, VERDICT_EXACT);
	assert_int_equal(result.dropped, 14);
	tally_free(t);
}

static void tally_keeps_runs_apart_and_in_order(void **state)
{
	struct tally *t = tally_new(&strict);
	struct tally_result result;

	(void)state;
	moved(t, 9, CLIENT, 30, 3, 0);
	tally_end(t, 9);
	moved(t, 2, CLIENT, 20, 2, 0);
	tally_end(t, 2);
	counted(t, CLIENT, 20, 2, 0);
	result = judge(t);
	assert_int_equal(result.run_count, 2);
	assert_int_equal(result.runs[0].run, 2);
	assert_int_equal(result.runs[0].verdict, VERDICT_EXACT);
	assert_int_equal(result.runs[1].verdict, VERDICT_WRONG);
	assert_int_equal(result.flows[result.runs[1].first].cookie, 30);
	tally_free(t);
	tally_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tally_adds_up_what_comes_in_parts),
		cmocka_unit_test(tally_merges_what_a_process_tells_twice),
		cmocka_unit_test(tally_finds_one_byte),
		cmocka_unit_test(tally_finds_a_socket_that_is_missing),
		cmocka_unit_test(tally_finds_bytes_of_the_wrong_process),
		cmocka_unit_test(tally_finds_bytes_that_are_counted_twice),
		cmocka_unit_test(tally_forgives_unowned_bytes_only_when_told),
		cmocka_unit_test(tally_skips_only_what_is_not_wrong),
		cmocka_unit_test(tally_finds_runs_that_fail_or_do_not_end),
		cmocka_unit_test(tally_tells_strays_of_its_own_namespace),
		cmocka_unit_test(tally_compares_sockets_where_pids_differ),
		cmocka_unit_test(tally_is_bounded_and_says_so),
		cmocka_unit_test(tally_keeps_runs_apart_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
