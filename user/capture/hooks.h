/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The table of hooks: for each purpose the alternatives, best first, and what each needs. */
#ifndef CAPTURE_HOOKS_H
#define CAPTURE_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/kcaps.h"

enum { HOOK_PROGRAMS = 4 }; /* programs of one alternative */

enum hook_purpose {
	HOOK_BYTES,
	HOOK_TCP_STATES,
	HOOK_TCP_END,
	HOOK_BIND,
	HOOK_CONNECT_ENTER,
	HOOK_ACCEPT,
	HOOK_UDP_PEERS,
	HOOK_RELEASE,
	HOOK_SNAPSHOT,
	HOOK_SWEEP,
	HOOK_PURPOSES
};

struct hook_alternative {
	const char *name;                    /* for the user; NULL ends the list */
	unsigned int needs;                  /* bits 1 << enum kcap */
	const char *programs[HOOK_PROGRAMS]; /* names in bpf/sockwatch.bpf.c */
};

struct hook {
	const char *purpose; /* for the user */
	bool required;       /* without it nothing can be shown */
	const char *missing; /* one sentence: what is not seen without it */
	struct hook_alternative alternatives[4];
};

extern const struct hook hooks[HOOK_PURPOSES];

/** Index of the best alternative that @caps allow for each purpose, -1 = none. Pure. */
void hooks_choose(const struct kcaps *caps, int chosen[HOOK_PURPOSES]);

/** Whether @program belongs to what was chosen. */
bool hooks_wants(const int chosen[HOOK_PURPOSES], const char *program);

/** A required purpose has no alternative: why and what to do, one line into @dst; else false. */
bool hooks_refusal(const struct kcaps *caps, const int chosen[HOOK_PURPOSES], char *dst,
		   size_t size);

#endif
