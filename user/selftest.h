/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** `sockwatch selftest`: known traffic of every kind, and whether it is counted to the byte. */
#ifndef SELFTEST_H
#define SELFTEST_H

struct opts;

/** Make the traffic, print what was moved and what was counted. EXIT_OK when every kind that this
 *  kernel has is exact, EXIT_RUN when one is not, EXIT_PERMISSION when nothing can be watched. */
int selftest_run(const struct opts *opts);

#endif
