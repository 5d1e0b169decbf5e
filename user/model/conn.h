/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Rows of connections: which event belongs to which row, and what becomes of it. */
#ifndef MODEL_CONN_H
#define MODEL_CONN_H

#include "model/model.h"

struct conn;
struct entry;

/** Second half of the key of a process: its start, or why there is none. */
uint64_t conn_proc_start(const struct proc *p);
/** The row that @ev is about, brought up to date and a member of its groups; created if there is
 *  none, if need be in the place of another. */
struct conn *conn_of(struct model *m, const struct event *ev);
/** Bytes or state of @c have changed at @time_ns. */
void conn_touch(struct model *m, struct conn *c, uint64_t time_ns);
void conn_transfer(struct model *m, struct conn *c, uint64_t tx_bytes, uint64_t rx_bytes);
void conn_fail(struct model *m, struct conn *c, int error);
/** The socket of @ev is closed: all its rows have ended. */
void conn_close(struct model *m, const struct event *ev);
/** At the end of an interval: forget what has ended for so long that it need not be kept. */
void conn_expire(struct model *m);
/** Of a row that was shown and is quiet: forget it if it has ended. @arg is the model. For
 *  table_tick. */
void conn_quiet(struct entry *e, void *arg);

#endif
