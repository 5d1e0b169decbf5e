/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** `sockwatch who`: which process has this port. */
#ifndef WHO_H
#define WHO_H

struct opts;

/** Answer on stdout; exit status: found, nothing there (EXIT_RUN), usage, not permitted. */
int who_run(const struct opts *opts);

#endif
