/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * Kprobes through the perf system call alone: they are gone with the descriptor, however we end.
 * What libbpf falls back to where it finds no such PMU, /sys/kernel/tracing/kprobe_events, stays.
 */
#ifndef CAPTURE_PROBES_H
#define CAPTURE_PROBES_H

#include <stdbool.h>

/** A probe on @function's entry or return: a descriptor of a perf event. -errno: -ENOENT when there
 *  is no such function, -ENODEV when the kernel has no kprobes, -EACCES or -EPERM when refused. */
int probe_open(const char *function, bool at_return);

/** Whether kprobes work here: 0, or -errno as of probe_open. Attaches one for a moment. */
int probe_try(void);

#endif
