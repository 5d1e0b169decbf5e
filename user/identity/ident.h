/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * The stage that adds names: users of processes, services of ports and paths of control groups
 * become events of their own, before the event that first needs them. Reads /etc/passwd and the
 * services database once (the former again when it changed), asks the tree of cgroup2 for each new
 * control group; never asks the network.
 */
#ifndef IDENTITY_IDENT_H
#define IDENTITY_IDENT_H

#include "event/event.h"

struct ident;

/** Events go on to @next(@arg). NULL when out of memory. */
struct ident *ident_new(event_fn *next, void *arg);
/** NULL is a no-op. */
void ident_free(struct ident *ident);

/** An event_fn whose arg is a struct ident. */
void ident_event(const struct event *ev, void *ident);

#endif
