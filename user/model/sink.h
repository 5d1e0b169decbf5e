/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What a reader of the model is: screen, text, JSON Lines. */
#ifndef MODEL_SINK_H
#define MODEL_SINK_H

#include "event/event.h"
#include "model/model.h"

struct sink;

struct sink_ops {
	const char *name;
	/** Called with each event after the model has applied it. 0, or -errno: the run ends. */
	int (*event)(struct sink *s, const struct event *ev, const struct model *m);
	/** Flush and free; the first error met, or 0. NULL is a no-op. */
	int (*close)(struct sink *s);
};

struct sink {
	const struct sink_ops *ops; /* first member of every implementation */
};

#endif
