/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What a terminal may do with a character: the table behind util/text.c. */
#ifndef UTIL_UNICODE_H
#define UTIL_UNICODE_H

enum unicode_class {
	UNICODE_NARROW, /* one cell */
	UNICODE_WIDE,   /* two cells */
	UNICODE_MARK,   /* no cell of its own: stands on the character before */
	UNICODE_ESCAPE, /* never shown: moves the cursor, reorders, is invisible or unassigned */
};

/** Class of a code point; ESCAPE for what is none. */
enum unicode_class unicode_class(unsigned int cp);

#endif
