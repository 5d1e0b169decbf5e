/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What the kernel knows of our loaded programs: runs that it skipped, and, while it is asked to
 *  count them (BPF run-time statistics), runs and the time they took. */
#ifndef CAPTURE_PROGS_H
#define CAPTURE_PROGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROGS_MAX = 128 };

enum prog_role {
	PROG_IN_READS, /* runs inside our own system calls: that time is ours already */
	PROG_IN_CALLERS,
	PROG_AGAIN, /* runs behind another one of the same call: its time counts, its runs do not */
};

struct progs {
	int fds[PROGS_MAX]; /* borrowed */
	enum prog_role roles[PROGS_MAX];
	size_t count;
	int stats;                   /* descriptor that keeps the statistics on, or -1 */
	uint64_t since_ns;           /* boottime up to which runs are counted, while they are */
	uint64_t seen_runs, seen_ns; /* of the kernel's counters, then */
	uint64_t runs, ns;           /* of programs in callers, in total while counted */
	uint64_t counted_ns;         /* for so long they were counted */
	uint64_t missed;             /* runs that the kernel skipped (recursion), all programs */
};

void progs_init(struct progs *p);
/** Stop counting; the kernel's setting is then as it was. */
void progs_done(struct progs *p);
/** Watch a program; @fd stays the caller's. */
void progs_add(struct progs *p, int fd, enum prog_role role);
/** Have the kernel count from @now_ns on, or no more. It counts for all BPF programs of the host
 *  (BPF_ENABLE_STATS, Linux 5.8) for as long as a descriptor of ours is open, so any end of ours
 *  ends it. 0, or -errno: -EPERM without CAP_SYS_ADMIN. */
int progs_measure(struct progs *p, bool on, uint64_t now_ns);
/** Bring the totals up to @now_ns: one system call a program. */
void progs_read(struct progs *p, uint64_t now_ns);

#endif
