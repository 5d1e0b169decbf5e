/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/sweeps.h"

enum { /* a sweep may cost one part in so many of the time */
       QUICK_SHARE = 33,
       WHOLE_SHARE = 100,
       ONLY_SHARE = 50, /* whole ones, where quick ones are of no use */
};

static const uint64_t IDLE_NS = 2000000000; /* between sweeps that look for the end of sockets */

static bool has_news(const struct sweep_facts *was, const struct sweep_facts *now)
{
	return now->io_records != was->io_records || now->dirty != was->dirty ||
	       now->lost != was->lost || (now->no_release && now->now_ns - was->now_ns >= IDLE_NS);
}

enum sweep_kind sweeps_due(const struct sweeps *s, const struct sweep_facts *facts)
{
	const struct sweep_facts *quick = &s->at[SWEEP_QUICK], *whole = &s->at[SWEEP_WHOLE];

	if (facts->last)
		return SWEEP_WHOLE;
	if (!s->hurried && facts->now_ns >= s->next_ns[SWEEP_WHOLE] &&
	    (facts->unseen || has_news(whole, facts)))
		return SWEEP_WHOLE;
	if (facts->now_ns >= s->next_ns[SWEEP_QUICK] && !facts->unseen && has_news(quick, facts))
		return SWEEP_QUICK;
	return SWEEP_NONE;
}

void sweeps_done(struct sweeps *s, enum sweep_kind kind, const struct sweep_facts *facts,
		 uint64_t cost_ns)
{
	uint64_t share = kind == SWEEP_QUICK ? QUICK_SHARE
			 : facts->unseen     ? ONLY_SHARE
					     : WHOLE_SHARE;

	s->at[SWEEP_QUICK] = *facts;
	if (kind == SWEEP_WHOLE)
		s->at[SWEEP_WHOLE] = *facts;
	s->next_ns[kind] = facts->now_ns + cost_ns * share;
}
