/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The log: JSON Lines, one object per socket and process that changed in an interval. */
#ifndef SINK_JSONL_H
#define SINK_JSONL_H

#include "model/sink.h"

/** Writes to @fd (borrowed): the `meta` line as soon as EVENT_HOST says that the capture is live,
 *  lines of an interval at its tick, the `end` line at the last. @version is borrowed.
 *  NULL when out of memory. */
struct sink *jsonl_new(int fd, const char *version, uint64_t interval_ns);

#endif
