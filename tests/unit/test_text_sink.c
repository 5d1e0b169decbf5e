/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE
#include "sink/text.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"
#include "util/text.h"
#include "util/unicode.h"

enum { SECOND = 1000000000, TEXT = 1 << 17 };

static const struct text_options defaults;

static int tell(struct sink *s, const struct model *m, uint64_t interval_ns, bool last)
{
	struct event ev = {.kind = EVENT_TICK};

	ev.tick.interval_ns = interval_ns;
	ev.tick.last = last;
	return s->ops->event(s, &ev, m);
}

/** What a sink with @options writes of @m at @ticks ticks; owned by the caller. */
static char *write_ticks(const struct model *m, const struct text_options *options, int ticks)
{
	int fd = memfd_create("text", MFD_CLOEXEC);
	struct sink *s = text_new(fd, options);
	char *text = calloc(1, TEXT);

	assert_non_null(text);
	assert_non_null(s);
	for (int i = 0; i < ticks; i++)
		assert_int_equal(tell(s, m, SECOND, false), 0);
	assert_int_equal(s->ops->close(s), 0);
	assert_true(pread(fd, text, TEXT - 1, 0) < TEXT - 1);
	close(fd);
	return text;
}

static char *write_one(const struct model *m, const struct text_options *options)
{
	return write_ticks(m, options, 1);
}

/** Check all lines of @text, which it takes apart: width, blanks at the end, harmless bytes. */
static void check_lines(char *text, int width)
{
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		size_t len = strlen(line);

		assert_int_not_equal(line[len - 1], ' ');
		assert_true(text_width(line) <= width);
		for (size_t at = 0; at < len;) {
			unsigned int cp = 0;
			size_t used = text_decode(line + at, len - at, &cp);

			assert_true(used > 0);
			assert_int_not_equal(unicode_class(cp), UNICODE_ESCAPE);
			at += used;
		}
	}
}

static int count_of(const char *text, const char *what)
{
	int count = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		count++;
	return count;
}

static void tables_are_as_in_the_golden_files(void **state)
{
	const struct text_options narrow = {.width = 80};
	struct model *m = fixture_model();
	char *text = write_one(m, &defaults);

	(void)state;
	fixture_golden("batch-132.txt", text);
	free(text);
	text = write_one(m, &narrow);
	fixture_golden("batch-80.txt", text);
	free(text);
	model_free(m);
}

static void lines_fit_any_width(void **state)
{
	struct model *m = fixture_model();

	(void)state;
	fixture_note(m, "note \033 \xff \xe2\x80\xae");
	for (int width = 1; width < 300; width++) {
		const struct text_options options = {.width = width};
		char *text = write_one(m, &options);

		check_lines(text, width);
		free(text);
	}
	model_free(m);
}

static void absurd_widths_are_bounded(void **state)
{
	static const int widths[] = {-1, 1023, 1024, 1025, 1000000};
	struct model *m = fixture_model();

	(void)state;
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		const struct text_options options = {.width = widths[i]};
		char *text = write_one(m, &options);

		check_lines(text, 1024);
		free(text);
	}
	model_free(m);
}

static void no_byte_of_a_name_reaches_the_output(void **state)
{
	(void)state;
	for (int byte = 1; byte < 256; byte++) {
		const char name[] = {'a', (char)byte, 'b', '\0'};
		struct model *m = model_new(NULL);
		struct proc p = fixture_proc(1, 2, name);
		struct flow f = fixture_tcp(3, ROLE_CLIENT, fixture_addr("127.0.0.1", 4),
					    fixture_addr("127.0.0.1", 5));
		char *text;

		fixture_host(m);
		fixture_note(m, name);
		fixture_xfer(m, &p, &f, 1, 6, 7);
		fixture_tick(m, 1);
		text = write_one(m, &defaults);
		if (byte < ' ' || byte >= 0x7f)
			assert_true(byte == '\n' || !strchr(text, byte));
		assert_int_equal(count_of(text, "a\nb"), 0);
		check_lines(text, 132);
		free(text);
		model_free(m);
	}
}

static void tables_can_be_chosen(void **state)
{
	const struct text_options options = {.tables = 1U << TABLE_PORTS};
	struct model *m = fixture_model();
	char *text = write_one(m, &options);

	(void)state;
	assert_int_equal(count_of(text, "\nPorts ("), 1);
	assert_int_equal(count_of(text, "\nProcesses ("), 0);
	assert_int_equal(count_of(text, "\nConnections ("), 0);
	free(text);
	model_free(m);
}

static struct model *model_of(int count)
{
	struct model *m = model_new(NULL);

	fixture_host(m);
	for (int i = 1; i <= count; i++) {
		struct proc p = fixture_proc((uint32_t)i, 0, "curl");
		struct flow f = fixture_tcp((uint64_t)i, ROLE_CLIENT,
					    fixture_addr("127.0.0.1", 40000),
					    fixture_addr("127.0.0.1", 80));

		fixture_xfer(m, &p, &f, 1, (uint64_t)i * 10, 0);
	}
	fixture_tick(m, 1);
	return m;
}

static void rows_are_limited(void **state)
{
	struct text_options options = {.rows = 3, .tables = 1U << TABLE_PROCESSES};
	struct model *m = model_of(9);
	char *text = write_one(m, &options);

	(void)state;
	assert_int_equal(count_of(text, "\nProcesses (3 of 9)\n"), 1);
	assert_int_equal(count_of(text, " curl "), 3);
	free(text);
	options.rows = 9;
	text = write_one(m, &options);
	assert_int_equal(count_of(text, "\nProcesses (9)\n"), 1);
	assert_int_equal(count_of(text, " curl "), 9);
	free(text);
	model_free(m);
}

static void rows_are_sorted_by_a_column(void **state)
{
	struct text_options options = {.sort = "pid", .tables = 1U << TABLE_PROCESSES};
	struct model *m = model_of(9);
	char *text = write_one(m, &options);

	(void)state;
	assert_true(strstr(text, "\n      1 curl") < strstr(text, "\n      9 curl"));
	free(text);
	options.sort = NULL;
	text = write_one(m, &options);
	assert_true(strstr(text, "\n      1 curl") > strstr(text, "\n      9 curl"));
	free(text);
	options.sort = "no such column";
	options.tables = 0;
	text = write_one(m, &options);
	assert_true(strstr(text, "\n      1 curl") > strstr(text, "\n      9 curl"));
	free(text);
	model_free(m);
}

/** The first forty by pid have only bound a port. */
static void rows_that_are_nothing_are_left_out(void **state)
{
	const struct text_options options = {
		.sort = "pid", .rows = 2, .tables = 1U << TABLE_PROCESSES};
	struct model *m = model_new(NULL);
	char *text;

	(void)state;
	for (int i = 1; i <= 50; i++) {
		struct proc p = fixture_proc((uint32_t)i, 0, i <= 40 ? "idle" : "busy");
		struct flow f = fixture_tcp((uint64_t)i, ROLE_UNKNOWN,
					    fixture_addr("127.0.0.1", 40000),
					    fixture_addr(NULL, 0));

		f.state = i <= 40 ? STATE_BOUND : STATE_ESTABLISHED;
		fixture_seen(m, &p, &f, 1);
	}
	fixture_tick(m, 1);
	text = write_one(m, &options);
	assert_int_equal(count_of(text, "\nProcesses (2 of 10)\n"), 1);
	assert_int_equal(count_of(text, "idle"), 0);
	assert_int_equal(count_of(text, "busy"), 2);
	assert_non_null(strstr(text, "\n     41 busy"));
	free(text);
	model_free(m);
}

static void loss_is_told_by_reason(void **state)
{
	struct model *m = model_of(1);
	char *text = write_one(m, &defaults);

	(void)state;
	assert_non_null(strstr(text, "  lost 0"));
	free(text);
	fixture_lost(m, LOST_TABLE, 17);
	text = write_one(m, &defaults);
	assert_non_null(strstr(text, "  lost table 17"));
	assert_null(strstr(text, "lost 0"));
	free(text);
	model_free(m);
}

static void programs_are_told_while_they_are_counted(void **state)
{
	struct model *m = model_of(1);
	char *text;

	(void)state;
	fixture_cost_tick(m, 1, 86000, 98, 0);
	text = write_one(m, &defaults);
	assert_non_null(strstr(text, "programs 0.84% 98 ns/event 86000 events"));
	free(text);
	fixture_cost_tick(m, 2, 0, 0, EPERM);
	text = write_one(m, &defaults);
	assert_non_null(strstr(text, "programs not counted"));
	free(text);
	model_free(m);
}

static void the_budget_is_told_while_it_matters(void **state)
{
	struct model *m = model_of(1);
	char *text;

	(void)state;
	fixture_pace(m, 2500, false);
	text = write_one(m, &defaults);
	assert_non_null(strstr(text, "every 2.50s: CPU budget 1.00%"));
	free(text);
	fixture_pace(m, 0, false);
	text = write_one(m, &defaults);
	assert_null(strstr(text, "every"));
	free(text);
	model_free(m);
}

static void notes_are_told_once(void **state)
{
	struct model *m = model_of(1);
	char *text;

	(void)state;
	fixture_note(m, "no SCTP");
	text = write_ticks(m, &defaults, 3);
	assert_int_equal(count_of(text, "\nnote: no SCTP\n"), 1);
	assert_int_equal(count_of(text, "sockwatch  "), 3);
	free(text);
	model_free(m);
}

static void an_end_without_an_interval_says_nothing(void **state)
{
	int fd = memfd_create("text", MFD_CLOEXEC);
	struct sink *s = text_new(fd, &defaults);
	struct model *m = model_of(1);

	(void)state;
	assert_int_equal(tell(s, m, 0, true), 0);
	assert_int_equal(tell(s, m, 9999999, true), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	assert_int_equal(tell(s, m, SECOND / 3, true), 0);
	assert_true(lseek(fd, 0, SEEK_END) > 0);
	assert_int_equal(s->ops->close(s), 0);
	close(fd);
	model_free(m);
}

static void an_empty_model_has_empty_tables(void **state)
{
	struct model *m = model_new(NULL);
	char *text;

	(void)state;
	fixture_tick(m, 1);
	text = write_one(m, &defaults);
	assert_int_equal(count_of(text, " (0)\n"), 3);
	check_lines(text, 132);
	free(text);
	model_free(m);
}

static void a_full_disk_ends_the_run(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct model *m;
	struct sink *s;

	(void)state;
	if (fd < 0)
		skip();
	m = model_of(1);
	s = text_new(fd, &defaults);
	assert_int_equal(tell(s, m, SECOND, false), -ENOSPC);
	assert_int_equal(s->ops->close(NULL), 0);
	assert_int_equal(s->ops->close(s), 0);
	close(fd);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_as_in_the_golden_files),
		cmocka_unit_test(lines_fit_any_width),
		cmocka_unit_test(absurd_widths_are_bounded),
		cmocka_unit_test(no_byte_of_a_name_reaches_the_output),
		cmocka_unit_test(tables_can_be_chosen),
		cmocka_unit_test(rows_are_limited),
		cmocka_unit_test(rows_are_sorted_by_a_column),
		cmocka_unit_test(rows_that_are_nothing_are_left_out),
		cmocka_unit_test(loss_is_told_by_reason),
		cmocka_unit_test(programs_are_told_while_they_are_counted),
		cmocka_unit_test(the_budget_is_told_while_it_matters),
		cmocka_unit_test(notes_are_told_once),
		cmocka_unit_test(an_end_without_an_interval_says_nothing),
		cmocka_unit_test(an_empty_model_has_empty_tables),
		cmocka_unit_test(a_full_disk_ends_the_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
