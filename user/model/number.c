/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/number.h"

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

uint64_t number_pid(const struct row *row, const struct model *m)
{
	(void)m;
	return row->proc.pid;
}

uint64_t number_netns(const struct row *row, const struct model *m)
{
	(void)m;
	return row->flow.netns;
}

/* Up to its end, or else up to the last tick: the model has no clock. */
uint64_t number_age(const struct row *row, const struct model *m)
{
	uint64_t until = row->ended ? row->count.last_ns : model_totals(m)->time_ns;

	return until > row->count.first_ns ? until - row->count.first_ns : 0;
}

uint64_t number_tx_rate(const struct row *row, const struct model *m)
{
	(void)m;
	return row->count.tx_rate;
}

uint64_t number_rx_rate(const struct row *row, const struct model *m)
{
	(void)m;
	return row->count.rx_rate;
}

uint64_t number_rate(const struct row *row, const struct model *m)
{
	(void)m;
	return sum(row->count.tx_rate, row->count.rx_rate);
}

uint64_t number_tx_total(const struct row *row, const struct model *m)
{
	(void)m;
	return row->count.tx_total;
}

uint64_t number_rx_total(const struct row *row, const struct model *m)
{
	(void)m;
	return row->count.rx_total;
}

uint64_t number_total(const struct row *row, const struct model *m)
{
	(void)m;
	return sum(row->count.tx_total, row->count.rx_total);
}
