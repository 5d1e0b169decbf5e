/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Where events come from: live kernel, a file, or a test's array behind one small interface. */
#ifndef CAPTURE_SOURCE_H
#define CAPTURE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "event/detail.h"

enum { SOURCE_END = -0x10000 }; /* drain(): nothing will come any more; no errno has this value */

struct source;

struct source_ops {
	const char *name;
	/** Descriptor to poll for reading, or -1: always ready. */
	int (*fd)(const struct source *src);
	/** Hand over what is ready, oldest first, without blocking and at most one bounded batch.
	 *  Returns the count, 0, SOURCE_END, or -errno. */
	int (*drain)(struct source *src, event_fn *fn, void *arg);
	/** End an interval at @now_ns (boottime): hand over what is left in the kernel, then the
	 *  events LOST and TICK. @last asks for everything, whatever it costs. 0 or -errno. */
	int (*tick)(struct source *src, uint64_t now_ns, bool last, event_fn *fn, void *arg);
	/** Tell of @wish now and at each tick from now on, by EVENT_DETAIL; all zero: no more.
	 *  0 or -errno. NULL: cannot. */
	int (*detail)(struct source *src, const struct detail_wish *wish, event_fn *fn, void *arg);
	/** Count what our own programs cost, from now on or no more: TICK tells. NULL: cannot. */
	void (*measure)(struct source *src, bool on);
	/** NULL is a no-op. */
	void (*close)(struct source *src);
};

struct source {
	const struct source_ops *ops; /* first member of every implementation */
};

#endif
