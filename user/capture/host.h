/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Facts of this host and of our own process that the live source reports. */
#ifndef CAPTURE_HOST_H
#define CAPTURE_HOST_H

#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

/** Fill an EVENT_HOST: name and the range of ephemeral ports of our network namespace. */
void host_event(struct event *ev, uint64_t now_ns);
/** CLOCK_BOOTTIME, the clock of all events. */
uint64_t host_boottime_ns(void);
uint64_t host_wall_ns(void);
/** CPU time of this process since its start. */
uint64_t host_cpu_ns(void);
/** Resident memory of this process; 0 when /proc is not there. */
uint64_t host_rss_bytes(void);
/** Id of this boot of the kernel, which boottime counts from; empty when it cannot be had. */
void host_boot_id(char *dst, size_t size);

#endif
