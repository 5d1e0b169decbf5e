/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What /proc tells of one process, and what its control group says of who started it. */
#ifndef IDENTITY_PROCESS_H
#define IDENTITY_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PROCESS_PATH = 512,
	ORIGIN_NAME = 128,
	ORIGIN_ID = 72, /* 64 hex digits; a pod's 36 */
};

struct process {       /* what cannot be had is empty; all hostile */
	char *command; /* owned: arguments with blanks between them, at most 4 KB; NULL = none */
	char exe[PROCESS_PATH]; /* path; without the kernel's ` (deleted)` */
	char cwd[PROCESS_PATH];
	char root[PROCESS_PATH];   /* other than `/`: a chroot */
	char cgroup[PROCESS_PATH]; /* path in cgroup2, or of systemd's tree in v1 */
	bool exe_deleted;
	bool gone; /* it ended, or its number is another's by now */
};

struct origin {
	char unit[ORIGIN_NAME]; /* innermost service, scope or other unit of systemd */
	uint32_t user;          /* of whose own service manager the unit is, if user_unit */
	bool user_unit;
	char runtime[16]; /* docker, podman, containerd, cri-o, lxc, machine; `` = not known */
	char container[ORIGIN_ID]; /* id or name */
	char pod[ORIGIN_ID];       /* Kubernetes' */
};

/** Read process @pid that began at @start_ns (boottime; 0 = whichever it is) below @proc, which is
 *  /proc but in tests. */
void process_read(struct process *p, const char *proc, uint32_t pid, uint64_t start_ns);
void process_done(struct process *p);

/** What the path of a control group says. Pure. */
void origin_parse(struct origin *o, const char *cgroup);

#endif
