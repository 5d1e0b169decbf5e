/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/counters.h"

#include "model/model.h"

void counters_add(struct counters *to, const struct counters *c)
{
	to->tx_total += c->tx_total;
	to->rx_total += c->rx_total;
	to->tx_tick += c->tx_tick;
	to->rx_tick += c->rx_tick;
	to->tx_now += c->tx_now;
	to->rx_now += c->rx_now;
	to->open += c->open;
	to->listening += c->listening;
	to->opened += c->opened;
	to->failed += c->failed;
	if (!to->first_ns || (c->first_ns && c->first_ns < to->first_ns))
		to->first_ns = c->first_ns;
	if (c->last_ns > to->last_ns)
		to->last_ns = c->last_ns;
}

void counters_sub(struct counters *from, const struct counters *c)
{
	from->tx_total -= c->tx_total;
	from->rx_total -= c->rx_total;
	from->tx_tick -= c->tx_tick;
	from->rx_tick -= c->rx_tick;
	from->tx_now -= c->tx_now;
	from->rx_now -= c->rx_now;
	from->open -= c->open;
	from->listening -= c->listening;
	from->opened -= c->opened;
	from->failed -= c->failed;
}

bool counters_empty(const struct counters *c)
{
	return !(c->tx_total | c->rx_total | c->opened | c->failed) && !c->open && !c->listening;
}

static uint64_t per_second(uint64_t bytes, uint64_t interval_ns)
{
	unsigned __int128 rate;

	if (!bytes || !interval_ns)
		return 0;
	rate = ((unsigned __int128)bytes * 1000000000 + interval_ns / 2) / interval_ns;
	return rate > UINT64_MAX ? UINT64_MAX : (uint64_t)rate;
}

void counters_rate(struct counters *c, uint64_t interval_ns)
{
	c->tx_rate = per_second(c->tx_tick, interval_ns);
	c->rx_rate = per_second(c->rx_tick, interval_ns);
}

void counters_tick(struct counters *c, uint64_t interval_ns)
{
	c->tx_tick = c->tx_now;
	c->rx_tick = c->rx_now;
	c->tx_now = c->rx_now = 0;
	counters_rate(c, interval_ns);
}

void counters_quiet(struct counters *c)
{
	c->tx_tick = c->rx_tick = 0;
	c->tx_rate = c->rx_rate = 0;
}
