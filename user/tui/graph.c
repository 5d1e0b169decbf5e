/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/graph.h"

#include <string.h>

enum { BLOCK_LEVELS = 8, ASCII_LEVELS = 4 };

static const char *const blocks[BLOCK_LEVELS + 1] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const letters[ASCII_LEVELS + 1] = {" ", ".", ":", "|", "#"};

const char *graph_cell(uint64_t value, uint64_t most, int line, int lines, bool ascii)
{
	int levels = ascii ? ASCII_LEVELS : BLOCK_LEVELS, level;
	unsigned __int128 all = (unsigned int)(levels * lines);

	if (value > most)
		value = most;
	level = value ? (int)((value * all + most - 1) / most) : 0; /* rounded up */
	level -= line * levels;
	if (level < 0)
		level = 0;
	if (level > levels)
		level = levels;
	return ascii ? letters[level] : blocks[level];
}

uint64_t graph_most(const uint64_t *values, size_t count)
{
	uint64_t most = 0;

	for (size_t i = 0; i < count; i++)
		if (values[i] > most)
			most = values[i];
	return most;
}

char *graph_line(char *dst, size_t size, const uint64_t *values, size_t count, int cells,
		 uint64_t most, int line, int lines, bool ascii)
{
	size_t len = 0;

	for (int i = 0; i < cells; i++) {
		size_t back = (size_t)(cells - i);
		const char *cell =
			back > count ? " "
				     : graph_cell(values[count - back], most, line, lines, ascii);
		size_t n = strlen(cell);

		if (len + n + 1 > size)
			break;
		memcpy(dst + len, cell, n);
		len += n;
	}
	dst[len] = '\0';
	return dst;
}
