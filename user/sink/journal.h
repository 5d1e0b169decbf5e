/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What a log and a trace have in common: records with numbers, and those around the rows. */
#ifndef SINK_JOURNAL_H
#define SINK_JOURNAL_H

#include "model/sink.h"
#include "sink/format.h"
#include "util/buf.h"
#include "util/fmt.h"

struct lines;

struct journal {
	const struct format *format;
	struct sheet sheet;
	struct lines *lines;       /* borrowed */
	const struct model *model; /* of the run; NULL before its first event */
	int err;                   /* the first error; nothing is written after it */
	uint64_t wall_ns;          /* of the last tick; 0 = none yet */
	uint64_t time_ns;          /* boottime of it */
	uint64_t seq;
	uint64_t told_dropped;
	bool begun; /* the first record is out */
	char timestamp[FMT_TEXT];
	struct buf buf;
};

/** The sheet must be set but for its lists; the rest is zero but for format and lines. */
void journal_init(struct journal *j);
void journal_done(struct journal *j);
/** What every event asks for, before those of its own: the first record, notes, the time. */
void journal_event(struct journal *j, const struct event *ev, const struct model *m);
/** Compose a record, which gets its number if this format tells it. */
void journal_put(struct journal *j, struct record *r, const struct event *ev);
/** The end of an interval, behind its records. */
void journal_tick(struct journal *j, const struct event *ev);

#endif
