/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Sums of counters, and rates from bytes and time. Knows no rows. */
#ifndef MODEL_COUNTERS_H
#define MODEL_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

struct counters;

/** Add all but the rates; first and last become those of both. */
void counters_add(struct counters *to, const struct counters *c);
/** Take away what counters_add added; first, last and the rates stay. */
void counters_sub(struct counters *from, const struct counters *c);
/** True when nothing is counted: no bytes, nothing open, nothing that ever was. */
bool counters_empty(const struct counters *c);
/** Rates from the bytes of the last tick; 0 when @interval_ns is 0. */
void counters_rate(struct counters *c, uint64_t interval_ns);
/** End an interval: what came since the last tick becomes the tick. */
void counters_tick(struct counters *c, uint64_t interval_ns);
/** End an interval in which nothing came. */
void counters_quiet(struct counters *c);

#endif
