/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What happens to a port, line by line: events and censuses in, lines in the order of time out. */
#ifndef WHO_WATCH_H
#define WHO_WATCH_H

#include "event/census.h"

struct buf;
struct target;
struct watch;

struct watch_failure {    /* a bind() that failed */
	uint64_t time_ns; /* boottime */
	struct addr local;
	uint32_t pid, netns;
	int error; /* positive errno */
	uint8_t transport;
	char name[EVENT_NAME]; /* hostile */
};

/** @targets are ports, borrowed; lines are objects if @json. NULL when out of memory. */
struct watch *watch_new(const struct target *targets, size_t count, bool json);
/** NULL is a no-op. */
void watch_free(struct watch *w);

/** Any event of the source; those of other ports are passed over. */
void watch_event(struct watch *w, const struct event *ev);
void watch_failed(struct watch *w, const struct watch_failure *f);
/** Who holds the port at @now_ns: changes since the last census that no event told. The first one
 *  tells who has it at the start. */
void watch_census(struct watch *w, const struct census *c, uint64_t now_ns);
/** Append what was learnt since, oldest first. @wall_ns: CLOCK_REALTIME less boottime. */
void watch_flush(struct watch *w, struct buf *out, uint64_t wall_ns);

#endif
