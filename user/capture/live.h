/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The live kernel as a source of events: load, attach, snapshot, drain, sweep, detach. */
#ifndef CAPTURE_LIVE_H
#define CAPTURE_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/source.h"

struct phases;

enum { LIVE_WHY = 256 };

struct live_options {
	uint32_t ring_bytes;   /* power of two, at least a page; 0 = SW_RING_BYTES */
	uint32_t accounts;     /* bound of the hash of further accounts; 0 = SW_ACCOUNTS */
	const char *way;       /* of kcaps_limit, borrowed; NULL = the best there is */
	struct phases *phases; /* borrowed for the life of the source: times of the start; NULL */
};

/**
 * Load and attach the programs that this kernel allows. The first drain hands over the sockets
 * that are open already, then EVENT_HOST: from there on the capture is live.
 * 0, or -EPERM (not permitted, or the kernel cannot) or another -errno, with one line in @why.
 */
int live_open(struct source **ret, const struct live_options *options, char why[LIVE_WHY]);

/** Whether an error of live_open is not the kernel's refusal but a want of ours. */
bool live_is_shortage(int err);

/** Whether @src, of live_open, has a way for @purpose (enum hook_purpose). */
bool live_sees(const struct source *src, int purpose);

/** Version of libbpf that runs, as `v1.1`. */
const char *live_library_version(void);

#endif
