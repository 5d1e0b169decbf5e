/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The log: a record for each row of one table that changed in an interval. */
#ifndef SINK_LOG_H
#define SINK_LOG_H

#include "model/sink.h"
#include "sink/format.h"

struct column;
struct lines;

struct log_options {
	const struct format *format;
	enum schema schema;
	enum record_kind by;       /* RECORD_CONNECTION, RECORD_PROCESS, RECORD_PORT,
				    * RECORD_PEER or
				    * RECORD_TOTAL */
	bool all;                  /* rows in which nothing happened, too */
	uint32_t top;              /* so many rows an interval, the rest in `other`; 0 = all */
	const struct column *sort; /* which stand at the top; NULL = those that moved most */
	const char *version;       /* borrowed for the life of the sink, as all here */
	const char *boot_id;       /* or NULL */
	uint64_t interval_ns;
};

/** The table whose rows are records of this kind. */
enum table_kind log_table(enum record_kind by);
/** Writes to @lines, borrowed: the first line as soon as EVENT_HOST says that the capture is live,
 *  the rows of an interval at its tick, `end` at the last. NULL when out of memory. */
struct sink *log_new(struct lines *lines, const struct log_options *options);

#endif
