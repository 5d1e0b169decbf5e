/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The numbers behind the cells. What column.number points to: see there. */
#ifndef MODEL_NUMBER_H
#define MODEL_NUMBER_H

#include <stdint.h>

#include "model/model.h"

typedef uint64_t number_fn(const struct row *row, const struct model *m);

number_fn number_pid, number_netns, number_age;
number_fn number_tx_rate, number_rx_rate, number_rate;
number_fn number_tx_total, number_rx_total, number_total;

#endif
