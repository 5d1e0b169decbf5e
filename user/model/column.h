/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The one table of columns: screen, text, sorting and help read it, nobody keeps another list. */
#ifndef MODEL_COLUMN_H
#define MODEL_COLUMN_H

#include <stdbool.h>
#include <stddef.h>

#include "model/model.h"

enum column_id {
	COLUMN_PID,
	COLUMN_PROCESS,
	COLUMN_USER,
	COLUMN_OPEN,
	COLUMN_OPENED,
	COLUMN_LISTENING,
	COLUMN_FAILED,
	COLUMN_PORT,
	COLUMN_SERVICE,
	COLUMN_CLASS,
	COLUMN_ROLE,
	COLUMN_PROCESSES,
	COLUMN_TRANSPORT,
	COLUMN_LOCAL,
	COLUMN_PEER,
	COLUMN_STATE,
	COLUMN_NETNS,
	COLUMN_AGE,
	COLUMN_TX_RATE,
	COLUMN_RX_RATE,
	COLUMN_TX_TOTAL,
	COLUMN_RX_TOTAL,
	COLUMN_TOTAL, /* bytes both ways: never shown, to sort and to filter by */
	COLUMN_RATE,  /* both rates together: never shown, the default order of every table */
	COLUMN_LISTENER,
	COLUMN_HOST,
	COLUMN_UNIT,
	COLUMN_CGROUP,
	COLUMN_ERROR,
	COLUMN_LAST,
	COLUMN_TIMES,
	COLUMN_COUNT
};

enum column_unit {          /* of column.number */
		   UNIT_ID, /* a name made of digits: only the same or another */
		   UNIT_BYTES,
		   UNIT_BYTES_PER_S,
		   UNIT_NS
};

struct column {
	enum column_id id;
	const char *key;   /* as in `--sort KEY`: `tx`, `rx`, `pid`, `name` ... */
	const char *title; /* at most width cells */
	const char *help;  /* one line, no full stop */
	int width;         /* cells; smallest sensible width */
	int grow;          /* share of spare cells; 0 = fixed */
	int drop;          /* which goes first when the screen is narrow: highest first; 0 = last of
			    * all, and then from the right */
	bool right;        /* numbers stand right */
	bool descending;   /* default order */
	unsigned int tables; /* bit 1 << enum table_kind: where it can be shown or sorted by */
	/** Text of the cell, sanitised, not padded. Returns bytes written. */
	size_t (*text)(char *dst, size_t size, const struct row *row, const struct model *m);
	/** Order, ascending: <0, 0, >0. */
	int (*compare)(const struct row *a, const struct row *b, const struct model *m);
	/** The value itself, for what reads numbers; NULL where there is none. */
	uint64_t (*number)(const struct row *row, const struct model *m);
	enum column_unit unit; /* of number */
	bool ages;             /* number changes with time alone: no event tells of it */
};

extern const struct column columns[COLUMN_COUNT];

/** What there is to say of a table of rows: of a view. */
struct table_info {
	const char *key;       /* as in `--view KEY`, lower case */
	const char *title;     /* `Processes` */
	const char *brief;     /* the same in few letters */
	const char *one;       /* one row, in a sentence: `process` */
	const char *rest;      /* in place of a name: the row of what has no key; NULL = none */
	enum column_id name;   /* the column that says what a row is: the last to be dropped */
	enum column_id sort;   /* the order at the start */
	const char *sort_text; /* how that is called */
	const struct column *const *columns; /* in the order of display, ended by NULL */
};

extern const struct table_info table_info[TABLE_COUNT];
/** The tables in the order in which they are shown: key 1 is the first. */
extern const enum table_kind table_order[TABLE_COUNT];
/** By key; TABLE_COUNT if there is none. */
enum table_kind table_by_key(const char *key);

/** By key, for a table; NULL if there is none. */
const struct column *column_find(enum table_kind table, const char *key);
/** The columns of a table in the order of display, ended by NULL. */
const struct column *const *column_list(enum table_kind table);
/** Width in cells that each of the columns of @table gets when all have @cells (one blank between
 *  two): drops by `drop`, then shares what is spare by `grow`. What can well be missed is
 *  shown only where it leaves the growing columns room. 0 = not shown. Pure. */
void column_widths(enum table_kind table, int cells, int widths[COLUMN_COUNT]);

#endif
