/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "budget.h"

void budget_init(struct budget *b, uint64_t share, uint64_t asked_ns)
{
	*b = (struct budget){.share = share, .asked_ns = asked_ns, .interval_ns = asked_ns};
}

/* Up to one of ten steps a decade, so that what is on the screen stands still. */
static uint64_t round_up(uint64_t ns)
{
	static const uint64_t steps[] = {10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100};
	uint64_t unit = 1;
	int i = 0;

	while (ns > 100 * unit)
		unit *= 10;
	while (ns > steps[i] * unit)
		i++;
	return steps[i] * unit;
}

static uint64_t needed(const struct budget *b)
{
	unsigned __int128 ns = (unsigned __int128)b->cost_ns * BUDGET_WHOLE;

	if (!b->share)
		return 0;
	ns = (ns + b->share - 1) / b->share;
	return ns > UINT64_MAX / 2 ? UINT64_MAX / 2 : (uint64_t)ns;
}

/* The interval that takes at least @ns to pass. */
static uint64_t interval_of(const struct budget *b, uint64_t ns)
{
	uint64_t most_ns = b->asked_ns > BUDGET_MAX_NS ? b->asked_ns : BUDGET_MAX_NS;

	if (ns <= b->asked_ns)
		return b->asked_ns;
	if (ns > most_ns || round_up(ns) > most_ns)
		return most_ns;
	return round_up(ns);
}

static uint64_t settle(struct budget *b)
{
	uint64_t need_ns = needed(b), ns = interval_of(b, need_ns);
	uint64_t less_ns = interval_of(b, need_ns + need_ns / 4); /* with room to stay there */

	b->over = need_ns > ns;
	if (ns > b->interval_ns)
		b->interval_ns = ns;
	else if (less_ns < b->interval_ns)
		b->interval_ns = less_ns;
	return b->interval_ns;
}

uint64_t budget_next(struct budget *b, uint64_t used_ns)
{
	/* What is dear now and then, such as a sweep, is not forgotten at the first cheap one. */
	b->cost_ns = used_ns > b->cost_ns ? used_ns : (b->cost_ns + used_ns) / 2;
	return settle(b);
}

uint64_t budget_ask(struct budget *b, uint64_t asked_ns)
{
	if (b->interval_ns == b->asked_ns || b->interval_ns < asked_ns)
		b->interval_ns = asked_ns;
	b->asked_ns = asked_ns;
	return settle(b);
}
