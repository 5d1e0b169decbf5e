/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** `sockwatch who --bind`: why an address cannot be bound. */
#ifndef WHYBIND_H
#define WHYBIND_H

struct opts;

/** Explain on stdout. Exit status: 0 it could be bound, 1 not, 2 usage, 3 not permitted to know. */
int whybind_run(const struct opts *opts);

#endif
