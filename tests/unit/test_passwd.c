/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "identity/passwd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/sockwatch-passwd-XXXXXX";
static time_t written; /* seconds; each file is newer than the one before */

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void set_time(time_t seconds)
{
	const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void write_file(const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	set_time(1000 + ++written);
}

static struct passwd_table table_of(const char *text)
{
	struct passwd_table table;

	memset(&table, 0, sizeof(table));
	write_file(text);
	passwd_load(&table, path);
	return table;
}

static void expect_name(const struct passwd_table *table, uint32_t uid, const char *name)
{
	const char *got = passwd_name(table, uid);

	if (!name)
		assert_null(got);
	else if (!got)
		fail_msg("no name for %u", uid);
	else
		assert_string_equal(got, name);
}

static void names_are_found_whatever_their_order(void **state)
{
	struct passwd_table table = table_of("nobody:x:65534:65534::/:/sbin/nologin\n"
					     "root:x:0:0:root:/root:/bin/bash\n"
					     "max:x:4294967295:0::/:/bin/sh\n"
					     "daemon:x:1:1::/:/sbin/nologin\n"
					     "www-data:x:33:33::/var/www:/sbin/nologin\n");

	(void)state;
	assert_int_equal(table.count, 5);
	expect_name(&table, 0, "root");
	expect_name(&table, 1, "daemon");
	expect_name(&table, 33, "www-data");
	expect_name(&table, 65534, "nobody");
	expect_name(&table, UINT32_MAX, "max");
	expect_name(&table, 2, NULL);
	expect_name(&table, 1000, NULL);
	passwd_done(&table);
	expect_name(&table, 0, NULL);
}

static void the_first_of_several_names_counts(void **state)
{
	char text[4096] = "";
	struct passwd_table table;

	(void)state;
	for (int i = 0; i < 40; i++) /* enough for a sort that is not stable to show it */
		sprintf(text + strlen(text), "%s%d:x:%d:0::/:/bin/sh\n", i < 3 ? "first" : "later",
			i, i % 3);
	table = table_of(text);
	assert_int_equal(table.count, 3);
	expect_name(&table, 0, "first0");
	expect_name(&table, 1, "first1");
	expect_name(&table, 2, "first2");
	passwd_done(&table);
}

static void lines_that_are_none_are_left_out(void **state)
{
	struct passwd_table table = table_of("\n"
					     "# a comment\n"
					     "+::::::\n" /* NIS: all users of the network */
					     "+nisuser::::::\n"
					     "-nisuser:x:7:7:::\n"
					     "no colons at all\n"
					     "one:colon\n"
					     "letters:x:abc:0::/:/bin/sh\n"
					     "nouid:x::0::/:/bin/sh\n"
					     ":x:8:0::/:/bin/sh\n"
					     "good:x:9:0::/:/bin/sh\n"
					     "root:x:0:0::/:/bin/sh\n"
					     "last:x:10:0::/:/bin/sh"); /* no newline */

	(void)state;
	expect_name(&table, 7, NULL);
	expect_name(&table, 8, NULL);
	expect_name(&table, 9, "good");
	expect_name(&table, 0, "root");
	expect_name(&table, 10, "last");
	assert_int_equal(table.count, 3);
	passwd_done(&table);
}

static void long_lines_and_many_are_read(void **state)
{
	enum { MANY = 5000, LONG = 30000 };
	char *text = malloc(MANY * 40 + LONG + 100), *at = text;
	struct passwd_table table;

	(void)state;
	assert_non_null(text);
	at += sprintf(at, "long:x:%d:0:", MANY);
	memset(at, 'g', LONG);
	at += LONG;
	at += sprintf(at, ":/:/bin/sh\n");
	for (int i = MANY - 1; i >= 0; i--)
		at += sprintf(at, "user%d:x:%d:0::/:/bin/sh\n", i, i);
	table = table_of(text);
	free(text);
	assert_int_equal(table.count, MANY + 1);
	expect_name(&table, MANY, "long");
	expect_name(&table, 0, "user0");
	expect_name(&table, MANY / 2, "user2500");
	expect_name(&table, MANY - 1, "user4999");
	passwd_done(&table);
}

static void a_file_of_no_lines_has_no_names(void **state)
{
	struct passwd_table table = table_of("");

	(void)state;
	assert_int_equal(table.count, 0);
	expect_name(&table, 0, NULL);
	passwd_done(&table);
}

static void a_changed_file_is_read_again(void **state)
{
	struct passwd_table table = table_of("old:x:5:0::/:/bin/sh\ngone:x:6:0::/:/bin/sh\n");

	(void)state;
	expect_name(&table, 5, "old");
	write_file("new:x:5:0::/:/bin/sh\nmore:x:7:0::/:/bin/sh\n");
	passwd_load(&table, path);
	expect_name(&table, 5, "new");
	expect_name(&table, 6, NULL);
	expect_name(&table, 7, "more");
	passwd_done(&table);
}

static void an_unchanged_file_is_not_read_again(void **state)
{
	struct passwd_table table = table_of("old:x:5:0::/:/bin/sh\n");

	(void)state;
	write_file("new:x:5:0::/:/bin/sh\n");
	set_time(1000 + --written); /* as if it were the one that was read */
	passwd_load(&table, path);
	expect_name(&table, 5, "old");
	passwd_done(&table);
}

/* Images that are built to be reproducible have files of 1970. */
static void a_file_without_a_time_is_read(void **state)
{
	struct passwd_table table;

	(void)state;
	memset(&table, 0, sizeof(table));
	write_file("root:x:0:0::/:/bin/sh\n");
	set_time(0);
	passwd_load(&table, path);
	expect_name(&table, 0, "root");
	passwd_done(&table);
}

static void a_file_that_is_gone_takes_no_names_away(void **state)
{
	struct passwd_table table = table_of("root:x:0:0::/:/bin/sh\n"), empty;

	(void)state;
	passwd_load(&table, "/nonexistent/passwd");
	expect_name(&table, 0, "root");
	passwd_done(&table);
	memset(&empty, 0, sizeof(empty));
	passwd_load(&empty, "/nonexistent/passwd");
	expect_name(&empty, 0, NULL);
	passwd_load(&empty, "/"); /* a directory can be opened, and has no lines */
	expect_name(&empty, 0, NULL);
	passwd_done(&empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found_whatever_their_order),
		cmocka_unit_test(the_first_of_several_names_counts),
		cmocka_unit_test(lines_that_are_none_are_left_out),
		cmocka_unit_test(long_lines_and_many_are_read),
		cmocka_unit_test(a_file_of_no_lines_has_no_names),
		cmocka_unit_test(a_changed_file_is_read_again),
		cmocka_unit_test(an_unchanged_file_is_not_read_again),
		cmocka_unit_test(a_file_without_a_time_is_read),
		cmocka_unit_test(a_file_that_is_gone_takes_no_names_away),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
