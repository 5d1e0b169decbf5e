/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * With a filter: which connections match, and the sums over those.
 *
 * Everything goes on being counted as without one. Besides, the share of each connection that
 * matches is in the counters of what matches: of its process, of its port (or `other` of their
 * tables) and of the totals. So these hold among themselves like those of everything, a share
 * that comes or goes when a connection begins or ceases to match is moved whole, and what has ended
 * stays counted if it matched when it was last shown.
 *
 * A connection is looked at when it is new, when its process, ends, state or names change, at the
 * tick when it has moved bytes or goes quiet, and, only if the filter asks for time, at every tick.
 */
#ifndef MODEL_MATCH_H
#define MODEL_MATCH_H

#include "model/model.h"

struct conn;
struct entry;

/** Look whether @c matches now. Nothing without a filter, nor once it has ended and was shown. */
void match_look(struct model *m, struct conn *c);
/** Look whether @e, a row of failures, does. */
void match_failure(struct model *m, struct entry *e);
/** At the end of an interval, when all tables have had theirs. */
void match_tick(struct model *m);

#endif
