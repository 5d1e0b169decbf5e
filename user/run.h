/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The one loop: source, timer, signals, keys; every event goes to the model, then to the sinks. */
#ifndef RUN_H
#define RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/source.h"
#include "model/sink.h"

struct lines;
struct phases;

struct run {
	struct source *source; /* borrowed, as all here */
	struct model *model;
	struct sink *sink;   /* the one that reads the model */
	struct sink *top;    /* the same when it is the live view, else NULL */
	int output;          /* descriptor whose reader may go away: ends the run; -1 = none */
	struct lines *lines; /* where a log goes; NULL = there is none */
	const char *name;    /* of output, for messages */
	uint64_t delay_ns;
	uint64_t cpu_budget; /* billionths of a core for our process; 0 = no limit */
	bool own_cost; /* have the cost of our programs counted; the live view may change it */
	uint64_t iterations;   /* ticks; 0 = until interrupted */
	struct phases *phases; /* of the start, with -v; else NULL */
	int error;             /* first -errno of the sink */
};

/** Block the signals that the loop reads; before the source is opened, so that none is missed.
 *  @has_file: a log goes to a file, which SIGHUP asks to reopen. */
void run_block_signals(bool has_file);
/** Until the iterations are over, a signal or `q`. 0 or -errno of the source or the sink. */
int run_loop(struct run *run);
/** Say on stderr how long the start took and which step took how much. run_loop does so itself when
 *  there is no live view, which has the terminal until its end. */
void run_tell_start(const struct run *run);

#endif
