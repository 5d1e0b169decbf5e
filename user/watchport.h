/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** `sockwatch who PORT --watch`: what happens to a port, as it happens. */
#ifndef WATCHPORT_H
#define WATCHPORT_H

#include <stddef.h>

struct opts;
struct target;

/** Until interrupted. Exit status: 0, 1 failed, 3 not permitted. */
int watchport_run(const struct opts *opts, const struct target *targets, size_t count);

#endif
