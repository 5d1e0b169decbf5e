/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** `sockwatch who`: which process has this port. */
#ifndef WHO_H
#define WHO_H

struct census;
struct census_ask;
struct opts;

/** Answer on stdout; exit status: found, nothing there (EXIT_RUN), usage, not permitted. */
int who_run(const struct opts *opts);

/** For what else `who` does: one line on stderr, sanitised; returns @status. */
int who_complain(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Columns of the terminal, in reason; 80 where there is none. */
int who_width(void);
/** Take a census, by /proc if the kernel's way is not permitted. Exit status; complains. */
int who_take(const struct opts *opts, const struct census_ask *ask, struct census *c);

#endif
