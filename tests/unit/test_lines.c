/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE
#include "util/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/buf.h"

enum { WHY = 256 };

static char dir[] = "/tmp/sockwatch-lines-XXXXXX";
static char path[PATH_MAX]; /* in it */

static int make_dir(void **state)
{
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/log", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

static const char *numbered(unsigned int i)
{
	static char name[PATH_MAX + 16];

	snprintf(name, sizeof(name), i ? "%s.%u" : "%s", path, i);
	return name;
}

static int remove_files(void **state)
{
	(void)state;
	alarm(0);
	for (unsigned int i = 0; i < 20; i++)
		unlink(numbered(i));
	return 0;
}

/* Nothing here may wait for anybody for long. */
static int watch(void **state)
{
	(void)state;
	alarm(20);
	return 0;
}

static struct lines *opened(uint64_t rotate_bytes, unsigned int keep)
{
	struct lines_options options = {path, rotate_bytes, keep};
	char why[WHY] = "";
	struct lines *l = lines_open(&options, why, sizeof(why));

	if (!l)
		fail_msg("%s", why);
	assert_true(lines_is_file(l));
	return l;
}

static int put(struct lines *l, const char *text)
{
	struct buf b = {0};
	int err;

	buf_puts(&b, text);
	err = lines_write(l, &b);
	assert_int_equal(b.len, 0);
	buf_done(&b);
	return err;
}

static uint64_t closed(struct lines *l, int expected)
{
	uint64_t dropped = 0;

	assert_int_equal(lines_close(l, &dropped), expected);
	return dropped;
}

static void expect_file(const char *file, const char *text)
{
	static char got[1 << 16];
	FILE *f = fopen(file, "re");

	assert_non_null(f);
	got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(got, text);
}

static void head(struct buf *b, void *arg)
{
	buf_puts(b, arg);
}

/* ---- files ---- */

static void a_new_file_begins_with_its_head(void **state)
{
	static char title[] = "title\n";
	struct lines *l = opened(0, 0);

	(void)state;
	lines_set_head(l, head, title);
	assert_int_equal(put(l, "1\n"), 0);
	assert_int_equal(put(l, "2\n3\n"), 0);
	assert_int_equal(closed(l, 0), 0);
	expect_file(path, "title\n1\n2\n3\n");
	l = opened(0, 0);
	lines_set_head(l, head, title);
	assert_int_equal(put(l, "4\n"), 0);
	assert_int_equal(closed(l, 0), 0);
	expect_file(path, "title\n1\n2\n3\n4\n");
}

static void half_a_line_of_before_stands_alone(void **state)
{
	FILE *f = fopen(path, "we");
	struct lines *l;

	(void)state;
	fputs("whole\nhal", f);
	fclose(f);
	l = opened(0, 0);
	assert_int_equal(put(l, "1\n"), 0);
	assert_int_equal(put(l, "2\n"), 0);
	assert_int_equal(closed(l, 0), 0);
	expect_file(path, "whole\nhal\n1\n2\n");
}

static void a_file_is_reopened_under_its_name(void **state)
{
	static char title[] = "title\n";
	struct lines *l = opened(0, 0);
	char why[WHY];

	(void)state;
	lines_set_head(l, head, title);
	put(l, "1\n");
	assert_int_equal(lines_reopen(l, why, sizeof(why)), 0); /* still the same */
	put(l, "2\n");
	assert_int_equal(rename(path, numbered(1)), 0);
	put(l, "3\n");
	assert_int_equal(lines_reopen(l, why, sizeof(why)), 0);
	put(l, "4\n");
	expect_file(path, "title\n4\n");
	expect_file(numbered(1), "title\n1\n2\n3\n");
	unlink(path);
	assert_int_equal(symlink(numbered(1), path), 0);
	assert_int_equal(lines_reopen(l, why, sizeof(why)), -ELOOP);
	assert_non_null(strstr(why, "symbolic link"));
	assert_int_equal(put(l, "5\n"), 0); /* to where it was */
	assert_int_equal(closed(l, 0), 0);
	expect_file(numbered(1), "title\n1\n2\n3\n");
}

static void files_rotate_before_they_are_too_large(void **state)
{
	static char title[] = "t\n";
	struct lines *l = opened(10, 3);

	(void)state;
	lines_set_head(l, head, title);
	for (int i = 1; i <= 9; i++) { /* 2 + 4 + 4 bytes a file */
		char line[8];

		snprintf(line, sizeof(line), "%03d\n", i);
		assert_int_equal(put(l, line), 0);
	}
	put(l, "10.\n11.\n12.\n"); /* parted at a line */
	assert_int_equal(closed(l, 0), 0);
	expect_file(path, "t\n11.\n12.\n");
	expect_file(numbered(1), "t\n009\n10.\n");
	expect_file(numbered(2), "t\n007\n008\n");
	expect_file(numbered(3), "t\n005\n006\n");
	assert_int_equal(access(numbered(4), F_OK), -1);
}

static void a_line_longer_than_a_file_has_one_for_itself(void **state)
{
	struct lines *l = opened(8, 5);

	(void)state;
	assert_int_equal(put(l, "1\n"), 0);
	assert_int_equal(put(l, "a long line\n"), 0);
	assert_int_equal(put(l, "2\n3\n"), 0);
	assert_int_equal(closed(l, 0), 0);
	expect_file(numbered(2), "1\n");
	expect_file(numbered(1), "a long line\n");
	expect_file(path, "2\n3\n");
}

/* A name that is somebody else's file by now is left alone. */
static void what_is_not_ours_is_not_rotated(void **state)
{
	struct lines *l = opened(4, 3);
	FILE *f;

	(void)state;
	put(l, "1\n2\n");
	assert_int_equal(rename(path, numbered(7)), 0);
	f = fopen(path, "we");
	fputs("x\n", f);
	fclose(f);
	put(l, "3\n");
	assert_int_equal(closed(l, 0), 0);
	expect_file(numbered(7), "1\n2\n");
	expect_file(path, "x\n3\n");
	assert_int_equal(access(numbered(1), F_OK), -1);
}

static void set_limit(rlim_t bytes)
{
	struct rlimit r;

	getrlimit(RLIMIT_FSIZE, &r);
	r.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static void no_half_line_is_left_where_room_ends(void **state)
{
	struct lines *l = opened(0, 0);
	struct rlimit before;

	(void)state;
	getrlimit(RLIMIT_FSIZE, &before);
	set_limit(13);
	assert_int_equal(put(l, "1111\n2222\n3333\n4444\n"), 0);
	assert_int_equal(lines_trouble(l), EFBIG);
	expect_file(path, "1111\n2222\n");
	assert_int_equal(put(l, "5555\n"), 0); /* waits behind the others */
	expect_file(path, "1111\n2222\n");
	set_limit(16);
	assert_int_equal(lines_flush(l), 0);
	expect_file(path, "1111\n2222\n3333\n");
	set_limit(before.rlim_cur);
	assert_int_equal(put(l, "6666\n"), 0);
	assert_int_equal(lines_trouble(l), 0);
	assert_int_equal(closed(l, 0), 0);
	expect_file(path, "1111\n2222\n3333\n4444\n5555\n6666\n");
}

static void what_is_never_written_is_counted(void **state)
{
	struct lines *l = opened(0, 0);
	struct rlimit before;

	(void)state;
	getrlimit(RLIMIT_FSIZE, &before);
	set_limit(7);
	assert_int_equal(put(l, "1111\n2222\n3333\n"), 0);
	assert_int_equal(lines_dropped(l), 0);
	assert_int_equal(closed(l, -EFBIG), 2);
	set_limit(before.rlim_cur);
	expect_file(path, "1111\n");
}

/* ---- readers ---- */

/* Lines `0`, `1`, ... of a hundred bytes each. */
static void put_numbers(struct lines *l, unsigned int from, unsigned int to)
{
	struct buf b = {0};

	for (unsigned int i = from; i < to; i++) {
		buf_printf(&b, "%099u\n", i);
		if (b.len > 60000 || i + 1 == to)
			assert_int_equal(lines_write(l, &b), 0);
	}
	buf_done(&b);
}

static void a_reader_that_does_not_read_costs_lines_not_time(void **state)
{
	const unsigned int all = 400000, more = 1000; /* 40 MB */
	unsigned int next = 0, gaps = 0, got = 0, number;
	int fds[2], again;
	struct lines *l;
	uint64_t dropped;
	FILE *f;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	l = lines_to(fds[1]);
	put_numbers(l, 0, all);
	dropped = lines_dropped(l);
	assert_in_range(dropped, all - LINES_WAITING / 100 - 2000, all - LINES_WAITING / 100);
	assert_true(lines_is_short(l));
	assert_true(lines_fd(l) >= 0);
	assert_int_equal(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0); /* others write there, too */
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	again = dup(fds[0]);
	f = fdopen(again, "r");
	while (lines_fd(l) >= 0 || next < all + more) {
		char line[256];

		if (!fgets(line, sizeof(line), f)) {
			clearerr(f);
			assert_int_equal(lines_flush(l), 0);
			if (lines_fd(l) < 0 && next < all) {
				if (!fgets(line, sizeof(line), f)) {
					put_numbers(l, all, all + more);
					continue;
				}
			} else {
				continue;
			}
		}
		assert_int_equal(strlen(line), 100);
		number = (unsigned int)strtoul(line, NULL, 10);
		assert_true(number >= next);
		gaps += number - next;
		next = number + 1;
		got++;
	}
	assert_int_equal(gaps, dropped);
	assert_int_equal(got, all + more - dropped);
	fclose(f);
	assert_int_equal(closed(l, 0), dropped);
	close(fds[0]);
	close(fds[1]);
}

static void at_the_end_a_reader_is_waited_for_but_not_for_ever(void **state)
{
	int fds[2];
	struct lines *l;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	l = lines_to(fds[1]);
	put_numbers(l, 0, 2000); /* 200 kB: more than the pipe takes */
	assert_in_range(closed(l, -ETIMEDOUT), 1200, 1999);
	close(fds[0]);
	close(fds[1]);
}

static void a_reader_that_is_gone_is_an_end(void **state)
{
	int fds[2];
	struct lines *l;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	l = lines_to(fds[1]);
	close(fds[0]);
	assert_int_equal(put(l, "1\n"), -EPIPE);
	assert_int_equal(put(l, "2\n"), -EPIPE);
	closed(l, -EPIPE);
	close(fds[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, watch, remove_files)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_file_begins_with_its_head),
		TEST(half_a_line_of_before_stands_alone),
		TEST(a_file_is_reopened_under_its_name),
		TEST(files_rotate_before_they_are_too_large),
		TEST(a_line_longer_than_a_file_has_one_for_itself),
		TEST(what_is_not_ours_is_not_rotated),
		TEST(no_half_line_is_left_where_room_ends),
		TEST(what_is_never_written_is_counted),
		TEST(a_reader_that_does_not_read_costs_lines_not_time),
		TEST(at_the_end_a_reader_is_waited_for_but_not_for_ever),
		TEST(a_reader_that_is_gone_is_an_end),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
