/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Numbers as bars of block characters, or of ASCII ones. Pure. */
#ifndef TUI_GRAPH_H
#define TUI_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The cell of a bar of @value, in line @line (0 = lowest) of @lines; @most fills all of them. A
 *  value that is not 0 shows, however small. A constant text of one cell. */
const char *graph_cell(uint64_t value, uint64_t most, int line, int lines, bool ascii);

/** The largest of @count values. */
uint64_t graph_most(const uint64_t *values, size_t count);

/** One line of bars of the last @cells of @count values, the newest at the right, blanks before
 *  them where there are fewer. @size at least 3 * @cells + 1. Returns @dst. */
char *graph_line(char *dst, size_t size, const uint64_t *values, size_t count, int cells,
		 uint64_t most, int line, int lines, bool ascii);

#endif
