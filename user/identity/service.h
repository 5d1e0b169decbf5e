/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Names of services from the services database, all at once: one by one they cost 25 us each. */
#ifndef IDENTITY_SERVICE_H
#define IDENTITY_SERVICE_H

#include "event/event.h"

/** An EVENT_SERVICE for each TCP and UDP service that the host knows. */
void service_events(event_fn *fn, void *arg);
/** Port of a service or one of its aliases, of TCP before UDP before SCTP; 0 if there is none. */
uint16_t service_port(const char *name);

#endif
