/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Orders of rows. What column.compare points to: ascending, <0, 0, >0. */
#ifndef MODEL_ORDER_H
#define MODEL_ORDER_H

#include "model/model.h"

typedef int order_fn(const struct row *a, const struct row *b, const struct model *m);

order_fn order_pid, order_process, order_user, order_open, order_opened, order_listening;
order_fn order_failed, order_port, order_service, order_class, order_role, order_processes;
order_fn order_transport, order_local, order_peer, order_state, order_netns, order_age;
order_fn order_tx_rate, order_rx_rate, order_tx_total, order_rx_total, order_total;
order_fn order_listener, order_host, order_unit, order_cgroup, order_error, order_last;
/** By both rates together, then bytes, then what is open: the most active row is the greatest. */
order_fn order_activity;

/** By the key of the row: never 0 for two rows of one table. */
int order_key(const struct row *a, const struct row *b);

#endif
