/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE
#include "util/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { LARGE = 1 << 20 };

static void text_is_appended(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_puts(&b, "one");
	buf_putc(&b, ' ');
	buf_put(&b, "two\0x", 5);
	buf_put(&b, NULL, 0);
	buf_printf(&b, "%s-%d", "three", 4);
	assert_int_equal(b.len, 16);
	assert_memory_equal(b.data, "one two\0xthree-4", 17);
	assert_false(b.failed);
	buf_done(&b);
	assert_null(b.data);
	buf_puts(&b, "again");
	assert_string_equal(b.data, "again");
	buf_done(&b);
}

static void numbers_are_decimal(void **state)
{
	struct buf b = {0};

	(void)state;
	setlocale(LC_ALL, "de_DE.UTF-8"); /* where there is one */
	buf_put_u64(&b, 0);
	buf_putc(&b, ' ');
	buf_put_u64(&b, 9007199254740993);
	buf_putc(&b, ' ');
	buf_put_u64(&b, UINT64_MAX);
	buf_putc(&b, ' ');
	buf_put_i64(&b, INT64_MIN);
	buf_putc(&b, ' ');
	buf_put_i64(&b, -1);
	buf_putc(&b, ' ');
	buf_put_i64(&b, INT64_MAX);
	assert_string_equal(b.data, "0 9007199254740993 18446744073709551615 "
				    "-9223372036854775808 -1 9223372036854775807");
	buf_done(&b);
}

static void reset_keeps_the_memory(void **state)
{
	struct buf b = {0};
	size_t cap;

	(void)state;
	for (int i = 0; i < 5000; i++)
		buf_printf(&b, "%04d", i);
	assert_int_equal(b.len, 20000);
	assert_memory_equal(b.data + 4 * 4321, "4321", 4);
	cap = b.cap;
	buf_reset(&b);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.data, "");
	assert_int_equal(b.cap, cap);
	buf_done(&b);
}

static void printf_grows_the_text(void **state)
{
	struct buf b = {0};
	char *large = malloc(LARGE + 1);

	(void)state;
	memset(large, 'x', LARGE);
	large[LARGE] = '\0';
	buf_printf(&b, "<%s>", large);
	assert_int_equal(b.len, LARGE + 2);
	assert_int_equal(b.data[LARGE + 1], '>');
	free(large);
	buf_done(&b);
}

static void too_much_fails_until_reset(void **state)
{
	volatile size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2};
	struct buf b = {0};

	(void)state;
	for (int i = 0; i < 3; i++) {
		buf_puts(&b, "kept");
		buf_put(&b, "", sizes[i]);
		assert_true(b.failed);
		buf_puts(&b, "dropped");
		assert_string_equal(b.data, "kept");
		assert_int_equal(buf_write(&b, -1), -ENOMEM);
		assert_false(b.failed);
		assert_int_equal(b.len, 0);
	}
	buf_done(&b);
}

static void nothing_is_written_of_nothing(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_int_equal(buf_write(&b, -1), 0);
	buf_puts(&b, "x");
	assert_int_equal(buf_write(&b, -1), -EBADF);
	assert_int_equal(b.len, 0);
	buf_done(&b);
}

static void put_pattern(struct buf *b)
{
	for (int i = 0; i < LARGE; i++)
		buf_putc(b, (char)(i * 7 % 251));
}

/** Reads slowly, in odd pieces; exit status 0 if it got exactly the pattern. */
static pid_t start_reader(int fd, int other_end)
{
	pid_t pid = fork();
	char piece[4093];
	int at = 0;
	ssize_t n;

	if (pid)
		return pid;
	close(other_end);
	while ((n = read(fd, piece, sizeof(piece))) > 0) {
		for (ssize_t i = 0; i < n; i++, at++)
			if (piece[i] != (char)(at * 7 % 251))
				_exit(1);
		if (at % 3 == 0)
			usleep(300);
	}
	_exit(at == LARGE ? 0 : 2);
}

static void check_slow_reader(int writer, int reader)
{
	struct buf b = {0};
	int status;
	pid_t pid = start_reader(reader, writer);

	assert_true(pid > 0);
	close(reader);
	assert_int_not_equal(fcntl(writer, F_SETFL, O_NONBLOCK), -1);
	put_pattern(&b);
	assert_int_equal(buf_write(&b, writer), 0);
	assert_int_equal(b.len, 0);
	close(writer);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	buf_done(&b);
}

static void short_writes_to_a_pipe_are_continued(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	check_slow_reader(fds[1], fds[0]);
}

static void short_writes_to_a_socket_are_continued(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	check_slow_reader(fds[1], fds[0]);
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void signals_do_not_break_a_write(void **state)
{
	const struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART: EINTR */
	const struct itimerval every = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
	struct buf b = {0};
	int fds[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = start_reader(fds[0], fds[1]);
	close(fds[0]);
	sigaction(SIGALRM, &action, NULL);
	put_pattern(&b);
	setitimer(ITIMER_REAL, &every, NULL);
	assert_int_equal(buf_write(&b, fds[1]), 0);
	setitimer(ITIMER_REAL, &never, NULL);
	close(fds[1]);
	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	assert_int_equal(status, 0);
	buf_done(&b);
}

static void a_full_disk_is_told(void **state)
{
	struct buf b = {0};
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	if (fd < 0)
		skip();
	buf_puts(&b, "text");
	assert_int_equal(buf_write(&b, fd), -ENOSPC);
	assert_int_equal(b.len, 0);
	close(fd);
	buf_done(&b);
}

static void a_reader_that_left_is_told(void **state)
{
	struct buf b = {0};
	int fds[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	buf_puts(&b, "text");
	assert_int_equal(buf_write(&b, fds[1]), -EPIPE);
	close(fds[1]);
	signal(SIGPIPE, SIG_DFL);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_appended),
		cmocka_unit_test(numbers_are_decimal),
		cmocka_unit_test(reset_keeps_the_memory),
		cmocka_unit_test(printf_grows_the_text),
		cmocka_unit_test(too_much_fails_until_reset),
		cmocka_unit_test(nothing_is_written_of_nothing),
		cmocka_unit_test(short_writes_to_a_pipe_are_continued),
		cmocka_unit_test(short_writes_to_a_socket_are_continued),
		cmocka_unit_test(signals_do_not_break_a_write),
		cmocka_unit_test(a_full_disk_is_told),
		cmocka_unit_test(a_reader_that_left_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
