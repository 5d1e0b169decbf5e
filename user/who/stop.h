/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** How to end what holds a socket: a command for the user to run, or why there is none. */
#ifndef WHO_STOP_H
#define WHO_STOP_H

#include "who/answer.h"
#include "who/scene.h"

struct buf;

/** Append a command, and return true; or a sentence that says why there is none. Either may hold
 *  names that are not sanitised. */
bool stop_advice(struct buf *out, struct scene *scene, const struct block *b);

/** What a kernel socket is of, by the function that takes its packets: `WireGuard`, `NFS server`,
 *  or the module; `kernel` when nothing is known. @dst holds at least CENSUS_SYMBOL. */
void stop_kernel_name(char *dst, size_t size, const struct census_sock *s);

#endif
