/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Ways to write the records of a log: JSON Lines, CSV, text. A record is one line. */
#ifndef SINK_FORMAT_H
#define SINK_FORMAT_H

#include "event/event.h"
#include "sink/field.h"

struct buf;
struct filter;

enum { FIELD_MAX = 128 };

/** What is the same for all records of a run. */
struct sheet {
	enum schema schema;
	enum record_kind by; /* kind of the rows */
	const char *version; /* borrowed, as all here */
	const char *boot_id;
	const struct filter *filter; /* of the sink itself, not of the model; or NULL */
	uint64_t interval_ns;
	bool continued; /* the meta record at hand begins a file that is not the first */
	/* With a value, ended by NULL: of each kind of record, and of all that a table of these
	 * rows has. */
	const struct field *lists[RECORD_COUNT][FIELD_MAX];
	const struct field *columns[FIELD_MAX];
};

struct format {
	const char *name;
	/** Lines that each file begins with; NULL = none. */
	void (*head)(struct buf *b, const struct sheet *l);
	/** One line; nothing for kinds that this format does not tell. @ev: what is told, for
	 *  RECORD_INTERVAL. */
	void (*record)(struct buf *b, const struct sheet *l, const struct record *r,
		       const struct event *ev);
	bool has_meta; /* its files begin with a meta record */
};

extern const struct format format_json, format_csv, format_text;

/** By name; NULL if there is none. */
const struct format *format_find(const char *name);
/** Fill the lists for what is set. */
void sheet_init(struct sheet *l);

#endif
