/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What a check found: what it takes to run and what is seen, as text or as JSON. Pure. */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/hooks.h"
#include "capture/kcaps.h"
#include "capture/needs.h"

struct buf;

enum { REPORT_WHY = 256, REPORT_WIDTH = 80 /* where nobody says how wide it is */ };

struct report {
	struct kcaps caps;   /* as probed */
	const char *library; /* borrowed; version of libbpf */
	struct need needs[NEEDS];
	bool assumed;       /* it cannot be asked what is chosen: */
	struct kcaps given; /* what is chosen from; caps, if assumed with the capabilities */
	int chosen[HOOK_PURPOSES];
	int without[HOOK_PURPOSES]; /* if assumed: the same should there be no BPF trampolines */
	char refusal[REPORT_WHY];   /* why nothing can be watched, or empty */
	bool exact;                 /* and nothing stays unseen */
};

/** Fill all but caps and library, which are given. */
void report_judge(struct report *r);
/** Lines of at most @width cells, as far as words allow. */
void report_text(const struct report *r, struct buf *b, int width);
/** One object on one line. */
void report_json(const struct report *r, struct buf *b);

#endif
