/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The one sanitiser of text that others chose (process, user, host names), and cell widths. */
#ifndef UTIL_TEXT_H
#define UTIL_TEXT_H

#include <stdarg.h>
#include <stddef.h>

struct buf;

/**
 * Write @src (@len bytes, any bytes) to @dst as printable UTF-8, NUL-terminated.
 * Printable characters pass. C0, DEL, C1, bidi controls, line and paragraph separators, zero-width
 * and unassigned characters become `\u{NNNN}` (one byte ones `\xNN`), invalid bytes `\xNN`.
 * Combining marks pass, two at most on a character that is no blank; others are escaped too.
 * Backslashes pass. What does not fit is cut at a whole character or escape. Needs no locale.
 * Returns bytes written.
 */
size_t text_sanitize(char *dst, size_t size, const char *src, size_t len);

/** As vsnprintf, and what comes of it sanitised as above: for messages with somebody's text in
 *  them, of which the first 1023 bytes count. Returns bytes written. */
size_t text_vformat(char *dst, size_t size, const char *fmt, va_list args)
	__attribute__((format(printf, 3, 0)));

/** Width in terminal cells of valid UTF-8, by an own table of wide characters: needs no locale. */
int text_width(const char *s);

/** Copy @src to @dst so that it takes exactly @cells cells: cut with `~` or padded with blanks on
 *  the right (on the left if @right). @src must be sanitised. What is beyond @size is left out.
 *  Returns bytes written. */
size_t text_fit(char *dst, size_t size, const char *src, int cells, int right);

/** Append @src, whose first word goes to column @at, with line breaks at blanks so that no line is
 *  wider than @width cells; further lines start at column @indent. A word that is longer than that
 *  stays whole. @src must be sanitised. */
void text_fold(struct buf *b, const char *src, int at, int indent, int width);

/** Decode one UTF-8 character at @s (at most @len bytes) into @cp; bytes used, or 0 if invalid. */
size_t text_decode(const char *s, size_t len, unsigned int *cp);

/** Append @src as the inside of a JSON string: sanitised as above, and so that different sources
 *  give different strings: a reader gets `\x1b` for ESC and `\\` for a backslash. */
void text_json(struct buf *b, const char *src, size_t len);

#endif
