/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * Whole lines into a file or to a reader, in order: never half of one, never waiting for long.
 *
 * What cannot be written (a disk that is full, a reader that does not read) waits in memory, and
 * beyond LINES_WAITING bytes the newest lines are dropped and counted. A file that has got half of
 * a line is cut back to its last whole one. Errors that no time heals are final.
 */
#ifndef UTIL_LINES_H
#define UTIL_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct lines;

enum { LINES_WAITING = 16 << 20 };

struct lines_options {
	const char *path;      /* as for output_open; borrowed for as long as it is open */
	uint64_t rotate_bytes; /* a file is not to grow beyond; 0 = no bound */
	unsigned int keep;     /* files kept besides: path.1 (newest) to path.keep */
};

/** Compose the lines that a new file begins with. */
typedef void lines_head_fn(struct buf *b, void *arg);

/** Open a file, or stdout for `-`. NULL with one line in @why. */
struct lines *lines_open(const struct lines_options *options, char *why, size_t size);
/** To @fd, borrowed. A reader is written to without waiting, on a descriptor of our own where it
 *  can be had: others may share the flags of @fd. NULL when out of memory. */
struct lines *lines_to(int fd);
void lines_set_head(struct lines *l, lines_head_fn *fn, void *arg);

/** Take the whole lines in @b, and write what can be written; empties @b. 0, or the -errno that
 *  ended it for good: what comes after is dropped without being counted. */
int lines_write(struct lines *l, struct buf *b);
/** Begin the file if it is new: write its head now, before there is a line. */
void lines_begin(struct lines *l);
/** Write what waits. Gives the reader the time back that lines_write may wait for it: it does so
 *  when there is no room, and never for longer than a tenth of a second between two flushes. */
int lines_flush(struct lines *l);
/** Descriptor to poll for writing while something waits for a reader, or -1. */
int lines_fd(const struct lines *l);
/** Lines dropped since it was opened. */
uint64_t lines_dropped(const struct lines *l);
/** Lines that are handed over now would wait, and may be dropped: room is short. */
bool lines_is_short(const struct lines *l);
/** Why lines wait: errno of the last write to a file; 0 = none. */
int lines_trouble(const struct lines *l);
/** True when it is a file that lines_open() opened: lines_reopen can be asked for. */
bool lines_is_file(const struct lines *l);
/** Go on in the file that has the name now, made if there is none. If it cannot be opened, in the
 *  old one. 0, or -errno with one line in @why. */
int lines_reopen(struct lines *l, char *why, size_t size);
/** Close and free. A reader is waited for as long as it reads. 0, the error that ended it, or why
 *  lines that waited were dropped, as they are added to @dropped: all since it was opened. */
int lines_close(struct lines *l, uint64_t *dropped);

#endif
