/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The text of each cell, sanitised. What column.text points to: see there for the contract. */
#ifndef MODEL_CELL_H
#define MODEL_CELL_H

#include <stddef.h>

#include "model/model.h"

typedef size_t cell_fn(char *dst, size_t size, const struct row *row, const struct model *m);

cell_fn cell_pid, cell_process, cell_user, cell_open, cell_opened, cell_listening, cell_failed;
cell_fn cell_port, cell_service, cell_class, cell_role, cell_processes, cell_transport;
cell_fn cell_local, cell_peer, cell_state, cell_netns, cell_age;
cell_fn cell_tx_rate, cell_rx_rate, cell_rate, cell_tx_total, cell_rx_total, cell_total;
cell_fn cell_listener, cell_host, cell_unit, cell_cgroup, cell_error, cell_last;

#endif
