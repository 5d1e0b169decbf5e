/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * How long an interval must be for its cost to stay within a share of one core. Each interval pays
 * for the work at its end and is as long as that takes; so the sum never exceeds the share, but at
 * the longest interval. Reads no clock: the caller measures.
 */
#ifndef BUDGET_H
#define BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define BUDGET_WHOLE 1000000000ULL   /* a share of one whole core, in billionths */
#define BUDGET_MAX_NS 60000000000ULL /* the longest interval, unless a longer one is asked for */

struct budget {
	uint64_t share;       /* billionths of a core; 0 = no limit */
	uint64_t asked_ns;    /* the interval that the user wants */
	uint64_t interval_ns; /* the one in force: asked_ns, or longer by steps */
	uint64_t cost_ns;     /* expected of the next interval */
	bool over;            /* even the longest interval is too short */
};

void budget_init(struct budget *b, uint64_t share, uint64_t asked_ns);
/** An interval and the work at its end took @used_ns of CPU time. Returns the next interval: longer
 *  at once, shorter as soon as there is clearly room. */
uint64_t budget_next(struct budget *b, uint64_t used_ns);
/** The user wants another interval. Returns the one in force. */
uint64_t budget_ask(struct budget *b, uint64_t asked_ns);

#endif
