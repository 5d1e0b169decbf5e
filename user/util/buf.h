/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** A growing text buffer that is composed in memory and written once. */
#ifndef UTIL_BUF_H
#define UTIL_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data;  /* owned; NUL-terminated when not NULL */
	size_t len;  /* bytes without the NUL */
	size_t cap;  /* bytes allocated */
	bool failed; /* out of memory: what followed was dropped; buf_reset clears it */
};

/** Free the text; the struct can be used again. */
void buf_done(struct buf *b);
/** Empty, keeping the memory. */
void buf_reset(struct buf *b);
void buf_put(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
/** Decimal, independent of the locale. */
void buf_put_u64(struct buf *b, uint64_t v);
void buf_put_i64(struct buf *b, int64_t v);
/** As printf(); no %f and no %ls, which depend on the locale. */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Write all to @fd, through short writes, EINTR and EAGAIN (waits); 0 or -errno, -ENOMEM without
 *  writing anything if @b has failed. Then empties @b. */
int buf_write(struct buf *b, int fd);

#endif
