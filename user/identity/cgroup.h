/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Paths of control groups by their numbers, from the tree of cgroup2. */
#ifndef IDENTITY_CGROUP_H
#define IDENTITY_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cgroups {
	int fd;     /* of the root of the tree; -1 = cgroup2 is mounted nowhere */
	char *root; /* owned; its path */
};

/** Where a line of /proc/PID/mountinfo has a cgroup2 mounted, or NULL; owned by the caller. */
char *cgroup_mount_point(const char *line);
void cgroups_open(struct cgroups *c);
void cgroups_done(struct cgroups *c);
/** Path of control group @id below the root, `/` for itself. Asks the kernel by a file handle,
 * which takes CAP_DAC_READ_SEARCH, or else looks whether process @pid (0 = none) is in that group.
 * False if neither tells. @size: PATH_MAX is enough. */
bool cgroup_path(const struct cgroups *c, uint64_t id, uint32_t pid, char *dst, size_t size);

#endif
