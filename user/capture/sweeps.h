/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * When the iterator over all socket states is to run, and how thoroughly. A call that comes after
 * the record of its epoch is told by the next record of its account, or, if none comes, by a sweep.
 *
 * A quick sweep passes by sockets that had no call since the sweep before, without a look at the
 * kernel's socket, at a fourth of the cost (tests/bench/README.md). A whole one asks each socket
 * for bytes that no call told of. Both are spaced by their own cost, so that with 1,000 sockets
 * each refresh has a whole one, and with 100,000 it has a quick one.
 *
 * Decides only: reads no clock, runs nothing.
 */
#ifndef CAPTURE_SWEEPS_H
#define CAPTURE_SWEEPS_H

#include <stdbool.h>
#include <stdint.h>

enum sweep_kind { SWEEP_NONE, SWEEP_QUICK, SWEEP_WHOLE, SWEEP_KINDS };

struct sweep_facts {
	uint64_t now_ns;
	uint64_t io_records; /* that came, in total */
	uint64_t dirty;      /* sw_stats.dirty */
	uint64_t lost;   /* sw_stats.lost_ring: their accounts may look as if nothing happened */
	bool no_release; /* sockets are open whose end only a sweep shows */
	bool unseen;     /* bytes move that no record tells of: always look, and at all */
	bool last;       /* the capture ends */
};

struct sweeps {                             /* zero is the start */
	struct sweep_facts at[SWEEP_KINDS]; /* at the last that was as thorough, or more */
	uint64_t next_ns[SWEEP_KINDS];
	bool hurried; /* as if whole ones took for ever: to test quick ones with few sockets */
};

/** The sweep that is due now. */
enum sweep_kind sweeps_due(const struct sweeps *s, const struct sweep_facts *facts);
/** A sweep of this kind, begun with these facts, took @cost_ns of CPU time. */
void sweeps_done(struct sweeps *s, enum sweep_kind kind, const struct sweep_facts *facts,
		 uint64_t cost_ns);

#endif
