/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "util/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	WHY = 256,
	ANOTHER = 12345 /* a user */
};

static char dir[] = "/tmp/sockwatch-output-XXXXXX";
static char path[PATH_MAX], other[PATH_MAX]; /* in it */

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	umask(022);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

static int remove_files(void **state)
{
	(void)state;
	alarm(0);
	umask(022);
	if (unlink(path) && errno == EISDIR)
		rmdir(path);
	unlink(other);
	return 0;
}

/* Nothing here may wait for anybody. */
static int watch(void **state)
{
	(void)state;
	alarm(10);
	return 0;
}

static void write_to(const char *file, const char *text)
{
	FILE *f = fopen(file, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void expect_text(const char *file, const char *text)
{
	char got[256] = "";
	FILE *f = fopen(file, "re");

	assert_non_null(f);
	got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(got, text);
}

static int opened(const char *file)
{
	char why[WHY] = "untouched";
	int fd = output_open(file, why, sizeof(why));

	if (fd < 0)
		fail_msg("%s: %s", file, why);
	assert_string_equal(why, "untouched");
	return fd;
}

/* Refused with this error, in one line that names the file and says @what. */
static void expect_refused(const char *file, int err, const char *what)
{
	char why[WHY] = "";
	int fd = output_open(file, why, sizeof(why));

	if (fd != err)
		fail_msg("%s: %d (%s), not %d", file, fd, why, err);
	if (!strstr(why, file) || !strstr(why, what) || strchr(why, '\n'))
		fail_msg("`%s` does not say `%s` of %s in one line", why, what, file);
}

static mode_t mode_made_with(mode_t mask)
{
	struct stat st;

	umask(mask);
	close(opened(path));
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	unlink(path);
	return st.st_mode & 07777;
}

static void a_new_file_is_not_for_everybody(void **state)
{
	(void)state;
	assert_int_equal(mode_made_with(0), 0640);
	assert_int_equal(mode_made_with(022), 0640);
	assert_int_equal(mode_made_with(027), 0640);
	assert_int_equal(mode_made_with(077), 0600);
}

static void a_file_is_appended_to(void **state)
{
	int fd;

	(void)state;
	write_to(path, "first\n");
	fd = opened(path);
	expect_text(path, "first\n");
	assert_int_equal(write(fd, "second\n", 7), 7);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0); /* wherever it is, it writes at the end */
	assert_int_equal(write(fd, "third\n", 6), 6);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	expect_text(path, "first\nsecond\nthird\n");
}

static void a_dash_is_stdout(void **state)
{
	(void)state;
	assert_int_equal(opened("-"), STDOUT_FILENO);
	assert_int_equal(access("-", F_OK), -1);
}

static void links_are_not_followed(void **state)
{
	(void)state;
	write_to(other, "precious\n");
	assert_int_equal(symlink(other, path), 0);
	expect_refused(path, -ELOOP, "symbolic link");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(other), 0);
	assert_int_equal(symlink(other, path), 0); /* to what is not there */
	expect_refused(path, -ELOOP, "symbolic link");
	assert_int_equal(access(other, F_OK), -1);
	assert_int_equal(unlink(path), 0);
	write_to(other, "precious\n");
	assert_int_equal(link(other, path), 0);
	expect_refused(path, -EPERM, "more than one name");
	expect_text(other, "precious\n");
}

static void links_on_the_way_are_not_followed(void **state)
{
	char way[PATH_MAX + 16];

	(void)state;
	assert_int_equal(mkdir(other, 0700), 0);
	assert_int_equal(symlink(other, path), 0);
	snprintf(way, sizeof(way), "%s/log", path);
	expect_refused(way, -ELOOP, "symbolic link");
	assert_int_equal(rmdir(other), 0); /* so nothing is in it */
}

static void a_folder_of_everybody_is_refused(void **state)
{
	char inside[PATH_MAX + 16];

	(void)state;
	assert_int_equal(mkdir(other, 0700), 0);
	snprintf(inside, sizeof(inside), "%s/log", other);
	for (mode_t mode = 0777; mode <= 01777; mode += 01000) {
		assert_int_equal(chmod(other, mode), 0);
		expect_refused(inside, -EPERM, "everybody may write to its folder");
	}
	assert_int_equal(chmod(other, 0775), 0);
	close(opened(inside));
	unlink(inside);
	assert_int_equal(rmdir(other), 0);
}

static void a_fifo_is_refused_at_once(void **state)
{
	int reader;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_refused(path, -ENXIO, "cannot open");
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	expect_refused(path, -EPERM, "not a regular file");
	close(reader);
}

static void what_is_no_file_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	expect_refused(path, -EISDIR, "directory");
	expect_refused("/dev/full", -EPERM, "not a regular file");
	expect_refused("/dev/null", -EPERM, "not a regular file");
}

static void what_cannot_be_made_is_told(void **state)
{
	char inside[PATH_MAX + 8];

	(void)state;
	snprintf(inside, sizeof(inside), "%s/log", other);
	expect_refused(inside, -ENOENT, "No such file or directory");
	write_to(other, "");
	expect_refused(inside, -ENOTDIR, "Not a directory");
	expect_refused("", -ENOENT, "cannot open");
}

static void a_file_that_may_not_be_written_is_told(void **state)
{
	(void)state;
	if (!geteuid()) {
		print_message("root may write everything\n");
		skip();
	}
	write_to(path, "");
	assert_int_equal(chmod(path, 0400), 0);
	expect_refused(path, -EACCES, "Permission denied");
}

static void a_file_of_another_user_is_refused(void **state)
{
	(void)state;
	write_to(path, "theirs\n");
	if (chown(path, ANOTHER, (gid_t)-1)) {
		print_message("only root can give a file away\n");
		skip();
	}
	expect_refused(path, -EPERM, "belongs to another user");
	expect_text(path, "theirs\n");
}

static void a_long_reason_is_cut(void **state)
{
	char why[21];

	(void)state;
	memset(why, '#', sizeof(why));
	assert_int_equal(output_open("/nonexistent/log", why, 20), -ENOENT);
	assert_int_equal(strlen(why), 19);
	assert_int_equal(why[20], '#');
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, watch, remove_files)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_file_is_not_for_everybody),
		TEST(a_file_is_appended_to),
		TEST(a_dash_is_stdout),
		TEST(links_are_not_followed),
		TEST(links_on_the_way_are_not_followed),
		TEST(a_folder_of_everybody_is_refused),
		TEST(a_fifo_is_refused_at_once),
		TEST(what_is_no_file_is_refused),
		TEST(what_cannot_be_made_is_told),
		TEST(a_file_that_may_not_be_written_is_told),
		TEST(a_file_of_another_user_is_refused),
		TEST(a_long_reason_is_cut),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
