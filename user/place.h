/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What a network namespace says about binding in it. */
#ifndef PLACE_H
#define PLACE_H

#include <stddef.h>

#include "who/bind.h"

/**
 * Look into network namespace @netns, a name of `ip netns` or the number of a process; NULL is
 * ours. A child does it, as it must enter the namespace; it binds an address with a port that the
 * kernel chooses, and nothing else. 0 or -errno with one line in @why.
 */
int place_read(struct bind_place *place, const char *netns, const struct bind_ask *ask, char *why,
	       size_t size);

#endif
