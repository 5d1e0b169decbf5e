/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What was moved against what was counted. Pure: flows and events in, verdicts out. */
#ifndef TRAFFIC_TALLY_H
#define TRAFFIC_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event;

enum verdict {
	VERDICT_EXACT,
	VERDICT_UNOWNED, /* every byte is counted, but some for no process, where the capture has
			    said that it does not see all */
	VERDICT_SKIPPED, /* it cannot be run here */
	VERDICT_WRONG,
	VERDICT_COUNT
};

enum { TALLY_TEXT = 128, TALLY_ROLE = 12 };

/** What one process moved through one socket. */
struct tally_flow {
	uint32_t run;
	uint32_t pid; /* 0: not known */
	uint64_t cookie;
	char role[TALLY_ROLE];
	uint64_t tx, rx;                 /* bytes moved */
	uint64_t counted_tx, counted_rx; /* bytes counted */
	uint8_t unattributed;            /* why there is no process: enum unattributed */
	bool unexpected;                 /* counted, but nobody says that he moved it */
	bool wrong;
};

/** One kind of traffic with one family. */
struct tally_run {
	uint32_t run;
	enum verdict verdict;
	char reason[TALLY_TEXT]; /* why it is skipped or wrong; empty: by the flows */
	uint64_t tx, rx, counted_tx, counted_rx; /* bytes, of all its flows */
	size_t first, count;                     /* its flows */
	bool skipped, failed, ended;             /* so the generator said */
};

struct tally_options {
	uint32_t netns;      /* what is counted elsewhere is not looked at; 0: look at all */
	bool any_pid;        /* pids cannot be compared: all bytes of a socket are one process's */
	bool may_be_unowned; /* the capture has said that it does not see all */
	size_t max_counted;  /* bound of what is remembered; 0: the default */
};

/** The outcome; what the pointers point to is the tally's. */
struct tally_result {
	const struct tally_run *runs; /* in the order of their numbers */
	size_t run_count;
	const struct tally_flow *flows;
	uint64_t stray_tx, stray_rx; /* bytes counted in the namespace on sockets of no run */
	uint64_t dropped;            /* counts that were not remembered: nothing is certain */
};

struct tally;

/** NULL when out of memory. */
struct tally *tally_new(const struct tally_options *options);
void tally_free(struct tally *t);
/** A process says what it moved: run, pid, cookie, role, tx, rx of @flow. 0 or -ENOMEM, as all. */
int tally_expect(struct tally *t, const struct tally_flow *flow);
/** A run cannot be done here, or went wrong, or has ended: without that it is wrong. */
int tally_skip(struct tally *t, uint32_t run, const char *reason);
int tally_fail(struct tally *t, uint32_t run, const char *reason);
int tally_end(struct tally *t, uint32_t run);
/** Something was counted; only EVENT_XFER matters. */
int tally_count(struct tally *t, const struct event *ev);
/** Compare, once and at the end. */
int tally_judge(struct tally *t, struct tally_result *result);

/** `exact`, `unowned`, `skipped`, `wrong`. */
const char *verdict_name(enum verdict verdict);

#endif
