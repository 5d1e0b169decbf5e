/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * The fields of a log, each once: what JSON calls it and Elastic's schema, its type and unit, which
 * records have it and its value. JSON, CSV, text and the list in user/share/log-fields.md are made
 * from this table. New ones are added behind the others: columns of CSV stay where they are.
 */
#ifndef SINK_FIELD_H
#define SINK_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"

struct buf;
struct trace_facts;

enum record_kind {
	RECORD_CONNECTION,
	RECORD_PROCESS,
	RECORD_PORT,
	RECORD_PEER,
	RECORD_TOTAL,
	RECORD_EVENT,
	RECORD_OTHER,
	RECORD_META,
	RECORD_NOTE,
	RECORD_INTERVAL,
	RECORD_COST,
	RECORD_DROPPED,
	RECORD_END,
	RECORD_COUNT
};

enum schema { SCHEMA_OWN, SCHEMA_ECS };

struct record {
	enum record_kind kind;
	const struct row *row; /* of the records that are rows; borrowed, as all here */
	const struct model *model;
	const char *timestamp; /* RFC 3339 */
	const char *note;
	const struct trace_facts *facts; /* of RECORD_EVENT */
	uint64_t time_ns;                /* boottime of the tick, or of what happened */
	uint64_t seq;                    /* of the record in its run, from 1 */
	uint64_t dropped;                /* records of this run that were dropped so far */
	uint64_t folded;                 /* RECORD_OTHER: rows that it stands for */
};

enum value_kind {
	VALUE_NONE,   /* not known, or none: JSON leaves the field out */
	VALUE_NUMBER, /* number */
	VALUE_WORD,   /* text: our own, nothing in it needs an escape */
	VALUE_TEXT,   /* text of size bytes at most: hostile */
	VALUE_LIST    /* of the one word in text */
};

struct value {
	enum value_kind kind;
	uint64_t number;
	const char *text;
	size_t size;
	char space[64]; /* where text may be composed */
};

struct field {
	const char *name;  /* NULL: only in Elastic's schema */
	const char *ecs;   /* NULL: not in that schema */
	const char *type;  /* of JSON */
	const char *unit;  /* UCUM: `By`, `ns`; or nothing */
	const char *help;  /* one line, no full stop */
	uint32_t records;  /* bits 1 << enum record_kind */
	const char *title; /* in text; NULL: text leaves it out */
	int width;         /* of text, cells at least */
	bool right;        /* numbers stand right in text */
	/** NULL: composed by hand in the record it belongs to. */
	void (*get)(struct value *v, const struct record *r);
};

extern const struct field fields[];
extern const size_t field_count;

/** `connection`, `process`, ... */
const char *record_name(enum record_kind kind);
/** What @f is called there, or NULL. */
const char *field_name(const struct field *f, enum schema schema);
/** Whether records of @kind have it there. */
bool field_in(const struct field *f, enum record_kind kind, enum schema schema);
/** Its value in @r, which has it. */
struct value *field_value(const struct field *f, const struct record *r, struct value *v);
/** All fields with their types and units as a table of Markdown. */
void field_list(struct buf *b);

#endif
