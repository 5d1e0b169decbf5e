/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Details of the one socket that somebody looks at: programs `detail` and `holders`. */
#ifndef CAPTURE_DETAILS_H
#define CAPTURE_DETAILS_H

#include <stdint.h>

#include "event/detail.h"
#include "sockwatch_abi.h"

struct bpf_link;

struct details {
	const struct bpf_link *sock, *holders; /* borrowed iterators; NULL = not loaded */
	volatile __u64 *wanted;                /* borrowed: whom they look for; NULL = as above */
	char *buffer;                          /* borrowed, ITER_BYTES */
	struct sw_detail before;               /* of the last look; cookie 0 = there was none */
	uint64_t holders_ns;                   /* when they were last looked for */
	uint64_t holders_cost_ns;
	struct detail told;
};

/** Look for what @wish asks for from now on. */
void details_want(struct details *d, const struct detail_wish *wish);
/** Tell of it as it is @now_ns (boottime), if anything is wanted. 0 or -errno. */
int details_tell(struct details *d, uint64_t now_ns, event_fn *fn, void *arg);

/** Facts of @raw into @d, whose wish and holders stay; @before is the look before, or has
 *  cookie 0. Pure. */
void details_decode(struct detail *d, const struct sw_detail *raw, const struct sw_detail *before);

#endif
