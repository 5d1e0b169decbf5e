/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The tables as plain text, once a tick: `sockwatch -b`, pipes, cron. */
#ifndef SINK_TEXT_H
#define SINK_TEXT_H

#include "model/column.h"
#include "model/sink.h"

enum { /* what is shown unless asked for */
       TEXT_TABLES = 1 << TABLE_PROCESSES | 1 << TABLE_PORTS | 1 << TABLE_CONNECTIONS
};

struct text_options {
	int width;           /* cells of a line; 0 = 132 */
	size_t rows;         /* rows of each table; 0 = all that have moved or are open */
	const char *sort;    /* key of a column, borrowed; NULL = default */
	unsigned int tables; /* bits of enum table_kind; 0 = TEXT_TABLES */
};

/** Writes to @fd (borrowed). NULL when out of memory. */
struct sink *text_new(int fd, const struct text_options *options);

#endif
