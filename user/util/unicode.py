#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Prints unicode.c from the character database of this Python. Run by hand, never by the build."""
import unicodedata

# Invisible, though the database calls them letters or marks: Hangul fillers, variation selectors.
INVISIBLE = {0x115F, 0x1160, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10), *range(0xE0000, 0xE1000)}

HEAD = """\
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Made by unicode.py from Unicode %s; do not edit. */
#include "util/unicode.h"

#include <stddef.h>
#include <stdint.h>

struct range {
\tuint32_t first, last;
\tuint8_t class; /* enum unicode_class */
};

enum {
	W = UNICODE_WIDE,
	M = UNICODE_MARK,
	E = UNICODE_ESCAPE
};

/* clang-format off */
static const struct range ranges[] = { /* sorted; what is in none of them is narrow */
"""

TAIL = """\
};
/* clang-format on */

enum unicode_class unicode_class(unsigned int cp)
{
\tsize_t low = 0, high = sizeof(ranges) / sizeof(ranges[0]);

\tif (cp >= 0x20 && cp < 0x7f)
\t\treturn UNICODE_NARROW;
\twhile (low < high) {
\t\tsize_t mid = low + (high - low) / 2;

\t\tif (cp > ranges[mid].last)
\t\t\tlow = mid + 1;
\t\telse if (cp < ranges[mid].first)
\t\t\thigh = mid;
\t\telse
\t\t\treturn ranges[mid].class;
\t}
\treturn UNICODE_NARROW;
}
"""


def char_class(cp):
    char = chr(cp)
    category = unicodedata.category(char)
    if cp in INVISIBLE or category in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return "E"
    # Hangul vowels and finals join the initial before them in one cell pair
    if category in ("Mn", "Me") or 0x1160 <= cp <= 0x11FF or 0xD7B0 <= cp <= 0xD7FF:
        return "M"
    return "W" if unicodedata.east_asian_width(char) in "WF" else "N"


def ranges():
    first, kind = 0, char_class(0)
    for cp in range(1, 0x110000):
        now = char_class(cp)
        if now != kind:
            yield first, cp - 1, kind
            first, kind = cp, now
    yield first, 0xFFFFFFFF, "E"  # what is beyond the last plane is no character


def main():
    line = ""
    print(HEAD % unicodedata.unidata_version, end="")
    for first, last, kind in ranges():
        item = "{0x%x, 0x%x, %s}," % (first, last, kind)
        if kind == "N":
            continue
        if len(line) + len(item) > 90:
            print("\t" + line)
            line = ""
        line += (" " if line else "") + item
    print("\t" + line)
    print(TAIL, end="")


main()
