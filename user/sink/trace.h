/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The trace: a record for each thing that happens to a socket, in the order of time. */
#ifndef SINK_TRACE_H
#define SINK_TRACE_H

#include "model/sink.h"
#include "sink/format.h"

struct filter;
struct lines;

enum trace_kind {
	TRACE_CONNECT,
	TRACE_ESTABLISHED,
	TRACE_ACCEPT,
	TRACE_LISTEN,
	TRACE_BIND,
	TRACE_CLOSE,
	TRACE_RESET, /* a connection broke that a process holds */
	TRACE_CONNECT_FAILED,
	TRACE_BIND_FAILED,
	TRACE_COUNT
};

enum { /* kinds that are asked for together */
       TRACE_NEW = 1 << TRACE_CONNECT | 1 << TRACE_ESTABLISHED | 1 << TRACE_ACCEPT,
       TRACE_CLOSED = 1 << TRACE_CLOSE | 1 << TRACE_RESET,
       TRACE_FAILED = 1 << TRACE_CONNECT_FAILED | 1 << TRACE_BIND_FAILED,
       TRACE_LISTENING = 1 << TRACE_LISTEN | 1 << TRACE_BIND,
       TRACE_ALL = (1 << TRACE_COUNT) - 1
};

/** What a record of the trace tells besides a row. */
struct trace_facts {
	enum trace_kind kind;
	bool has_bytes;      /* count.tx_total and rx_total of the row hold */
	bool has_duration;   /* duration_ns holds */
	uint64_t latency_ns; /* 0 = not known */
	uint64_t duration_ns;
	struct row holder; /* TRACE_BIND_FAILED: who has the port; cookie 0 = not found */
};

struct trace_options {
	const struct format *format;
	enum schema schema;
	unsigned int kinds;          /* bits 1 << enum trace_kind */
	const struct filter *filter; /* borrowed for the life of the sink, as all here; or NULL */
	const char *version;
	const char *boot_id;
	uint64_t interval_ns;
};

/** `connect`, `connect_failed`, ... */
const char *trace_name(enum trace_kind kind);
/** Writes to @lines, borrowed: at each tick what has happened since the one before. NULL when out
 *  of memory. */
struct sink *trace_new(struct lines *lines, const struct trace_options *options);

#endif
