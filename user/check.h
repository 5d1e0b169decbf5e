/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** `sockwatch check`: what is seen on this kernel, by which hooks, and what would be better. */
#ifndef CHECK_H
#define CHECK_H

struct opts;

/** Print the report to stdout. EXIT_OK when everything is exact, EXIT_RUN when something is not,
 *  EXIT_PERMISSION when nothing can be watched. */
int check_run(const struct opts *opts);

#endif
