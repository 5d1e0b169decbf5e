/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "util/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/output.h"

enum {
	PATIENCE_MS = 100,   /* that a reader gets between two flushes when there is no room */
	LAST_WAIT_MS = 2000, /* that a reader may take nothing at the end */
	SOCKET_PART = 96 << 10,
	COMPACT = 1 << 20, /* bytes written from which on what waits is moved to the front */
};

enum kind { TO_FILE, TO_READER, TO_SOCKET };

struct lines {
	struct lines_options options; /* path NULL: a borrowed descriptor */
	enum kind kind;
	int fd;
	bool owned;    /* fd is ours to close */
	bool polled;   /* a write may block unless poll() has said that it does not */
	bool torn;     /* the file ends within a line that is not ours to finish */
	bool fresh;    /* nothing is in it yet: the head goes first */
	uint64_t size; /* of the file */
	uint64_t dropped;
	int trouble; /* errno */
	int failed;  /* -errno, for good */
	int patience_ms;
	lines_head_fn *head;
	void *head_arg;
	struct buf waiting;
	size_t written; /* of what waits */
};

static uint64_t count_lines(const char *data, size_t len)
{
	uint64_t count = 0;

	for (const char *at = data; (at = memchr(at, '\n', len - (size_t)(at - data))); at++)
		count++;
	return count;
}

/* Bytes of the whole lines in the first @max of @len bytes; 0 = not one. */
static size_t whole_lines(const char *data, size_t len, size_t max)
{
	const char *end = len && max ? memrchr(data, '\n', len < max ? len : max) : NULL;

	return end ? (size_t)(end - data) + 1 : 0;
}

static size_t waiting(const struct lines *l)
{
	return l->waiting.len - l->written;
}

/* ---- files ---- */

/* Whether the file ends within a line: its writer was killed. */
static bool is_torn(int fd, uint64_t size)
{
	char path[32], last = '\n';
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	if (again < 0)
		return false;
	if (pread(again, &last, 1, (off_t)size - 1) != 1)
		last = '\n';
	close(again);
	return last != '\n';
}

static void adopt_file(struct lines *l, int fd)
{
	struct stat st = {0};

	fstat(fd, &st);
	l->kind = TO_FILE;
	l->fd = fd;
	l->size = (uint64_t)st.st_size;
	l->fresh = !l->size;
	l->torn = l->size && is_torn(fd, l->size);
}

/* Half a line came to the disk: take it back. What else was appended meanwhile stays. */
static void cut(struct lines *l, size_t torn)
{
	off_t end = lseek(l->fd, 0, SEEK_CUR);
	struct stat st;

	if (end < 0 || fstat(l->fd, &st) || st.st_size != end ||
	    ftruncate(l->fd, end - (off_t)torn)) {
		l->torn = true;
		return;
	}
	lseek(l->fd, end - (off_t)torn, SEEK_SET);
	l->size -= torn;
}

/* Whether time can heal it. */
static bool is_passing(int err)
{
	return err == ENOSPC || err == EDQUOT || err == EFBIG || err == EIO || err == ENOMEM ||
	       err == EAGAIN;
}

/* For how much of it, whole lines all, there is room on the disk. A write that finds too little
 * leaves half a line to readers, if only until it is cut. All if the file system cannot tell. */
static size_t reserve(const struct lines *l, const char *data, size_t len)
{
	struct stat st;
	int err = 0;

	if (fstat(l->fd, &st))
		return len;
	while (len && fallocate(l->fd, FALLOC_FL_KEEP_SIZE, st.st_size, (off_t)len)) {
		if (errno == EINTR)
			continue;
		err = errno;
		if (err != ENOSPC && err != EDQUOT)
			return len;
		len = whole_lines(data, len, len / 2);
	}
	errno = err;
	return len;
}

/* Bytes taken, whole lines all; less than @len with the reason in trouble or failed. */
static size_t put_file(struct lines *l, const char *data, size_t len)
{
	size_t room = reserve(l, data, len), done = 0, whole;
	int err = room < len ? errno : 0; /* of fallocate */

	while (done < room) {
		ssize_t n = write(l->fd, data + done, room - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err = errno;
			break;
		}
		done += (size_t)n;
		l->size += (uint64_t)n;
	}
	l->trouble = err;
	if (l->trouble && !is_passing(l->trouble))
		l->failed = -l->trouble;
	whole = done < len ? whole_lines(data, done, done) : len;
	if (whole < done)
		cut(l, done - whole);
	return whole;
}

/* Whatever must stand before the next line. False when it cannot. */
static bool begin_file(struct lines *l)
{
	struct buf head = {0};
	size_t len;

	if (l->torn) {
		if (put_file(l, "\n", 1) < 1)
			return false;
		l->torn = false;
	}
	if (!l->fresh || !l->head)
		return true;
	l->head(&head, l->head_arg);
	len = head.len;
	l->fresh = len && put_file(l, head.data, len) < len;
	buf_done(&head);
	return !l->fresh;
}

/* From now on into a new file. If that cannot be, the old one grows. */
static void rotate(struct lines *l)
{
	char why[PATH_MAX + 128];
	struct stat st;
	int fd;

	if (!fstat(l->fd, &st) && (uint64_t)st.st_size < l->size) { /* somebody has emptied it */
		l->size = (uint64_t)st.st_size;
		return;
	}
	output_shift(l->options.path, l->fd, l->options.keep);
	fd = output_open(l->options.path, why, sizeof(why));
	if (fd < 0)
		return;
	close(l->fd);
	adopt_file(l, fd);
}

/* How much of it goes into this file: all, some lines, or at least one. */
static size_t file_part(struct lines *l, const char *data, size_t len)
{
	uint64_t limit = l->options.rotate_bytes;
	size_t part;

	if (!limit || l->size + len <= limit)
		return len;
	part = l->size < limit ? whole_lines(data, len, (size_t)(limit - l->size)) : 0;
	if (part)
		return part;
	if (l->size)
		rotate(l);
	if (l->size + len <= limit)
		return len;
	part = l->size < limit ? whole_lines(data, len, (size_t)(limit - l->size)) : 0;
	return part ? part : (size_t)((const char *)memchr(data, '\n', len) - data) + 1;
}

/* ---- readers ---- */

static bool is_ready(const struct lines *l, int wait_ms)
{
	struct pollfd p = {.fd = l->fd, .events = POLLOUT};

	return poll(&p, 1, wait_ms) > 0;
}

/* A pipe takes up to PIPE_BUF bytes whole or not at all, so whole lines as long as they are short.
 */
static size_t reader_part(const struct lines *l, const char *data, size_t len)
{
	size_t max = l->kind == TO_SOCKET ? SOCKET_PART : PIPE_BUF;
	size_t part = whole_lines(data, len, max);

	if (part)
		return part;
	return len < max ? len : max;
}

static size_t put_reader(struct lines *l, const char *data, size_t len)
{
	ssize_t n;

	if (l->polled && !is_ready(l, 0))
		return 0;
	do {
		n = l->kind == TO_SOCKET ? send(l->fd, data, len, MSG_DONTWAIT)
					 : write(l->fd, data, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN)
		l->failed = -errno;
	return n > 0 ? (size_t)n : 0;
}

/* ---- both ---- */

/* Bytes taken. */
static size_t put_out(struct lines *l, const char *data, size_t len)
{
	size_t done = 0;

	while (done < len && !l->failed) {
		size_t part, n;

		if (l->kind == TO_FILE) {
			part = file_part(l, data + done, len - done);
			n = begin_file(l) ? put_file(l, data + done, part) : 0;
		} else {
			part = reader_part(l, data + done, len - done);
			n = put_reader(l, data + done, part);
		}
		done += n;
		if (n < part)
			break;
	}
	return done;
}

void lines_begin(struct lines *l)
{
	struct buf head = {0};

	if (l->kind == TO_FILE) {
		begin_file(l);
		return;
	}
	if (l->fresh && l->head)
		l->head(&head, l->head_arg);
	l->fresh = false;
	lines_write(l, &head);
	buf_done(&head);
}

static void write_waiting(struct lines *l)
{
	l->written += put_out(l, l->waiting.data + l->written, waiting(l));
	if (!waiting(l)) {
		buf_reset(&l->waiting);
		l->written = 0;
	}
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* There is no room: let the reader read, for as long as it may take. */
static void wait_for_room(struct lines *l, size_t len)
{
	int64_t end = now_ms() + l->patience_ms;

	while (l->kind != TO_FILE && !l->failed && l->patience_ms > 0 &&
	       waiting(l) + len > LINES_WAITING) {
		is_ready(l, l->patience_ms);
		write_waiting(l);
		l->patience_ms = (int)(end - now_ms());
	}
}

static void wait_in_line(struct lines *l, const char *data, size_t len)
{
	size_t room, part;

	if (waiting(l) + len > LINES_WAITING)
		wait_for_room(l, len);
	if (l->written >= COMPACT || waiting(l) + len > LINES_WAITING / 2) {
		memmove(l->waiting.data, l->waiting.data + l->written, waiting(l));
		l->waiting.len -= l->written;
		l->written = 0;
	}
	room = waiting(l) < LINES_WAITING ? LINES_WAITING - waiting(l) : 0;
	part = len <= room ? len : whole_lines(data, len, room);
	buf_put(&l->waiting, data, part);
	if (l->waiting.failed) { /* out of memory is one more reason to be without room */
		l->waiting.failed = false;
		part = 0;
	}
	l->dropped += count_lines(data + part, len - part);
}

int lines_write(struct lines *l, struct buf *b)
{
	size_t done = 0;

	if (l->fresh && l->kind != TO_FILE)
		lines_begin(l);
	if (b->failed) /* a text with a hole in it is worse than none */
		l->failed = -ENOMEM;
	if (!l->failed && waiting(l))
		write_waiting(l);
	if (!l->failed && !waiting(l))
		done = put_out(l, b->data, b->len);
	if (!l->failed && done < b->len)
		wait_in_line(l, b->data + done, b->len - done);
	buf_reset(b);
	return l->failed;
}

int lines_flush(struct lines *l)
{
	if (!l->failed && waiting(l))
		write_waiting(l);
	l->patience_ms = PATIENCE_MS;
	return l->failed;
}

int lines_fd(const struct lines *l)
{
	return l->kind != TO_FILE && waiting(l) && !l->failed ? l->fd : -1;
}

uint64_t lines_dropped(const struct lines *l)
{
	return l->dropped;
}

bool lines_is_short(const struct lines *l)
{
	return waiting(l) > LINES_WAITING / 2;
}

int lines_trouble(const struct lines *l)
{
	return l->trouble;
}

bool lines_is_file(const struct lines *l)
{
	return l->options.path != NULL;
}

/* ---- open, close ---- */

void lines_set_head(struct lines *l, lines_head_fn *fn, void *arg)
{
	l->head = fn;
	l->head_arg = arg;
}

/* Its own open file of the same pipe or terminal, so that only we do not wait. */
static void adopt_reader(struct lines *l, int fd, mode_t mode)
{
	int own = -1, flags = fcntl(fd, F_GETFL);
	char path[32];

	l->fresh = true;
	l->kind = S_ISSOCK(mode) ? TO_SOCKET : TO_READER;
	if (l->kind == TO_READER && flags >= 0 && (flags & O_ACCMODE) != O_RDONLY) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		own = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	}
	l->owned = own >= 0;
	l->fd = own >= 0 ? own : fd;
	l->polled = l->kind == TO_READER && own < 0 && !(flags & O_NONBLOCK);
}

struct lines *lines_to(int fd)
{
	struct lines *l = calloc(1, sizeof(*l));
	struct stat st;

	if (!l)
		return NULL;
	l->patience_ms = PATIENCE_MS;
	l->fd = fd;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		adopt_file(l, fd);
	else
		adopt_reader(l, fd, st.st_mode);
	return l;
}

struct lines *lines_open(const struct lines_options *options, char *why, size_t size)
{
	int fd = output_open(options->path, why, size);
	struct lines *l = fd < 0 ? NULL : lines_to(fd);

	if (fd < 0)
		return NULL;
	if (!l) {
		snprintf(why, size, "out of memory");
		if (fd != STDOUT_FILENO)
			close(fd);
		return NULL;
	}
	if (fd != STDOUT_FILENO) {
		l->owned = true;
		l->options = *options;
	}
	return l;
}

int lines_reopen(struct lines *l, char *why, size_t size)
{
	int fd;

	if (!l->failed && waiting(l))
		write_waiting(l);
	fd = output_open(l->options.path, why, size);
	if (fd < 0)
		return fd;
	close(l->fd);
	adopt_file(l, fd);
	return 0;
}

/* The last lines: to a reader as long as it takes any. */
static void write_last(struct lines *l)
{
	size_t before;

	write_waiting(l);
	while (l->kind != TO_FILE && !l->failed && waiting(l)) {
		before = waiting(l);
		is_ready(l, LAST_WAIT_MS);
		write_waiting(l);
		if (waiting(l) == before)
			return;
	}
}

int lines_close(struct lines *l, uint64_t *dropped)
{
	int err;

	if (!l)
		return 0;
	if (!l->failed && waiting(l))
		write_last(l);
	err = l->failed;
	if (!err && waiting(l)) {
		l->dropped += count_lines(l->waiting.data + l->written, waiting(l));
		err = l->trouble ? -l->trouble : -ETIMEDOUT;
	}
	*dropped = l->dropped;
	if (l->owned)
		close(l->fd);
	buf_done(&l->waiting);
	free(l);
	return err;
}
