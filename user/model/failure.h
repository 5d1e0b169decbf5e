/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Rows of failures: what failed, for whom, towards which peer, how often and when last. Bounded
 * like all tables: the longest unchanged goes into `other`. */
#ifndef MODEL_FAILURE_H
#define MODEL_FAILURE_H

#include "model/model.h"

struct conn;

/** The connect of @c failed just now with @error. */
void failure_add(struct model *m, const struct conn *c, int error, uint64_t time_ns);

#endif
