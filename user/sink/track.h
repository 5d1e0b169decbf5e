/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Sockets that live, for what is told at their end: bounded, by cookie. */
#ifndef SINK_TRACK_H
#define SINK_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "event/event.h"

struct track {
	uint64_t cookie;
	struct track *next;
	uint64_t begin_ns;   /* boottime; first seen, or the last connect; 0 = before the start */
	uint64_t connect_ns; /* boottime of the connect under way; 0 = none */
	uint64_t tx_bytes, rx_bytes;
	bool accepted;    /* was told */
	bool failed;      /* its connect or bind did, and nothing since has not */
	struct proc proc; /* who was last seen to do something with it */
	struct flow flow;
};

struct tracks {
	struct track **buckets; /* owned */
	uint32_t count, bucket_count;
};

/** 0 or -ENOMEM. */
int tracks_init(struct tracks *t);
void tracks_done(struct tracks *t);
/** NULL if it is not known. */
struct track *tracks_find(const struct tracks *t, uint64_t cookie);
/** The one of @cookie, made if need be; NULL at the bound and when out of memory. */
struct track *tracks_get(struct tracks *t, uint64_t cookie);
void tracks_forget(struct tracks *t, uint64_t cookie);

#endif
