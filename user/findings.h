/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What a selftest found, as a table or as JSON. Pure: writes into a buffer. */
#ifndef FINDINGS_H
#define FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"
#include "traffic/tally.h"

struct buf;

enum { FINDINGS_NOTES = 32, FINDINGS_TEXT = 128 };

struct findings {
	struct tally_result result;   /* runs numbered as stage_run_of() knows them */
	char release[FINDINGS_TEXT];  /* of the kernel */
	char no_netns[FINDINGS_TEXT]; /* why there was no network namespace for it, or empty */
	bool has_ipv6;
	bool any_pid; /* pids could not be compared */
	size_t note_count;
	char notes[FINDINGS_NOTES][EVENT_TEXT]; /* what the capture says that it does not see */
	uint64_t lost[LOST_COUNT];
};

/** The same with every flow if @verbose, else only those that are wrong. */
void findings_text(const struct findings *f, struct buf *b, bool verbose);
/** A line for each kind and family, and one at the end. */
void findings_json(const struct findings *f, struct buf *b, bool verbose);
/** Whether all that could be tried is exact: bytes and the processes that they belong to. */
bool findings_clean(const struct findings *f);

#endif
