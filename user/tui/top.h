/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The live view: a sink with keys. Draws at once, at every tick and after every key. */
#ifndef TUI_TOP_H
#define TUI_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include "model/filter.h"
#include "event/detail.h"
#include "model/sink.h"
#include "tui/term.h"

struct top_options {
	uint64_t delay_ns; /* interval at the start */
	struct term_options term;
	enum table_kind table;      /* view at the start */
	bool own_cost;              /* shown in detail from the start */
	filter_service_fn *service; /* ports by name, for filters; NULL = none */
	const char *sort; /* key of a column, borrowed during top_new; NULL = by activity */
};

/** Take over the terminal (see term_open) and draw a first screen. NULL with errno set: ENOTTY,
 *  ENODEV, ENOENT as term_open, EINVAL (no table has the column @sort), ENOMEM. */
struct sink *top_new(const struct top_options *options);
/** Descriptor to poll for keys. */
int top_fd(const struct sink *sink);
/** Read what is waiting on top_fd, apply it and draw. 0, 1 (the user quits), or -EIO (the terminal
 * is gone: end the run). */
int top_input(struct sink *sink);
/** Interval that the user wants now; may change by top_input. */
uint64_t top_delay_ns(const struct sink *sink);
/** Whether the user wants the own cost in detail now; may change by top_input. */
bool top_own_cost(const struct sink *sink);
/** Whose details are on the screen, to be told by EVENT_DETAIL; all zero = nobody's. */
struct detail_wish top_wish(const struct sink *sink);
/** Bring filter, rows and what to keep, as the user wants it now, into @m, the model of the events.
 * True if there was something new: then more may wait for top_input. */
bool top_choose(struct sink *sink, struct model *m);
/** Draw what the model holds now, without waiting for a tick: after the snapshot at the start. */
void top_draw(struct sink *sink);
/** After SIGWINCH. */
void top_resize(struct sink *sink);
/** After SIGTSTP (read from a signalfd): stops the process, returns when it goes on. */
void top_suspend(struct sink *sink);
/** After SIGCONT; harmless if top_suspend has done it already. */
void top_resume(struct sink *sink);

#endif
