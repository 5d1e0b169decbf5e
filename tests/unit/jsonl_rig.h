/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** A model and a JSON Lines log of it, fed with the same events as when they run. */
#ifndef TESTS_UNIT_JSONL_RIG_H
#define TESTS_UNIT_JSONL_RIG_H

#include <stdbool.h>
#include <sys/types.h>

#include "sink/log.h"

/* Boottime of the ticks is 1 s, 2 s ...; so much later is their time of day: 2026-11-23 10:40. */
#define RIG_WALL_NS 1795430400000000000ULL

enum { RIG_SECOND = 1000000000 };

struct rig {
	struct model *model;
	struct sink *sink;
	struct lines *lines;
	int fd;
	off_t read; /* bytes of the log that were looked at */
	char *line; /* the one that rig_line() gave */
	unsigned int ticks;
	uint64_t seq; /* of the line that rig_line() gave; it is taken off it */
};

/** Logs to @fd, which it takes, or to memory if that is negative. Intervals of one second. */
struct rig rig_new(int fd, const struct model_limits *limits);
/** Another sink in the place of the one that there is. */
void rig_log(struct rig *r, const struct log_options *options);
/** A log in memory whose first line was written and read. */
struct rig rig_live(const struct model_limits *limits);
/** What close() of the sink returned. */
int rig_done(struct rig *r);

/* Give an event to the model and then to the sink: what the sink returned. */
int rig_feed(struct rig *r, const struct event *ev);
int rig_host(struct rig *r);
int rig_note(struct rig *r, const char *text);
int rig_tick(struct rig *r, bool last);
int rig_fail(struct rig *r, const struct proc *p, const struct flow *f, int error);
void rig_user(struct rig *r, uint32_t uid, const char *name);
/** Connections with cookies from 1 to @count: 3 bytes sent and 5 received on each. */
void rig_many(struct rig *r, int count);

/** The next line of the log without its end, or NULL; borrowed until the next call. Of JSON
 *  without its number either, which must be the one after that of the line before. */
const char *rig_line(struct rig *r);
/** The next line must be just so. */
void rig_expect(struct rig *r, const char *line);
/** The next line has a time from the clock: compare what follows it. */
void rig_expect_now(struct rig *r, const char *rest);

#endif
