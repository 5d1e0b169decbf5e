/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The options of `sockwatch who` alone, a child of the table in user/opts.c. */
#ifndef OPTS_WHO_H
#define OPTS_WHO_H

#include <argp.h>

/** Its input is a struct who_opts. */
extern const struct argp opts_who_argp;

#endif
