/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * Rates of the last intervals, of all sockets and of rows that somebody looks at. Bounded: so many
 * rows, so many intervals; the row that was not looked at for longest makes room for a new one.
 */
#ifndef MODEL_HISTORY_H
#define MODEL_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "model/model.h"

enum {
	HISTORY_SAMPLES = 240, /* intervals: four minutes of seconds */
	HISTORY_ROWS = 128,    /* 500 KB, if there are so many */
};

struct history {                                           /* newest last; all zero is none */
	uint64_t tx[HISTORY_SAMPLES], rx[HISTORY_SAMPLES]; /* bytes per second */
	uint32_t count;
	uint64_t tick;               /* of the last one */
	uint64_t span_ns;            /* that they cover */
	uint64_t tx_total, rx_total; /* bytes as of the last one */
};

struct histories;

/** NULL when out of memory. */
struct histories *histories_new(void);
/** NULL is a no-op. */
void histories_free(struct histories *h);
/** Note a row of the picture of @t; more than once a tick is harmless. What it moved since it was
 *  last looked at counts in equal parts for the intervals between. */
void histories_note(struct histories *h, const struct row *row, const struct model_totals *t);
/** Of a row, or NULL; borrowed until the next note. */
const struct history *histories_find(const struct histories *h, const struct row *row);

/** Note the sum of all. */
void history_note(struct history *h, const struct counters *count, const struct model_totals *t);

#endif
