/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What the path of a control group says: the units of systemd, the container and the pod in it. */
#ifndef MODEL_CGROUP_LABEL_H
#define MODEL_CGROUP_LABEL_H

#include <stdbool.h>
#include <stddef.h>

enum { CGROUP_LABEL = 256 };

struct cgroup_part { /* one directory of a path */
	const char *text;
	size_t len;
};

/** The next directory of the path at *@at; false at its end. */
bool cgroup_next_part(const char **at, struct cgroup_part *p);
/** A unit or slice of systemd. */
bool cgroup_is_unit(struct cgroup_part p);
/** The id in `docker-ID.scope`, `cri-containerd-ID.scope`, `libpod-ID.scope/container`, `ID`; text
 *  NULL if there is none. */
struct cgroup_part cgroup_container_id(struct cgroup_part p);
/** The name in `lxc.payload.NAME` of LXC and `machine-NAME.scope` of systemd-machined; or NULL. */
struct cgroup_part cgroup_machine_name(struct cgroup_part p);
/** What people call it: `docker 0123456789ab`, `pod 01234567 0123456789ab`, `machine NAME`,
 *  `ssh.service`, or else the path. As raw as @path; returns @dst. */
char *cgroup_label(char *dst, size_t size, const char *path);

#endif
