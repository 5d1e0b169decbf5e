/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE /* open_by_handle_at() */
#include "identity/cgroup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILEID_KERNFS = 0xfe }; /* linux/exportfs.h: the handle is the 64-bit number (5.5) */

/* `30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw`: the fifth field. A fourth other
 * than / is a part of the tree only, and a blank in a name is octal. */
char *cgroup_mount_point(const char *line)
{
	const char *type = strstr(line, " - "), *field = line;
	char *point;

	if (!type || strncmp(type, " - cgroup2 ", 11) != 0)
		return NULL;
	for (int i = 0; i < 3; i++)
		field += strcspn(field, " ") + (strchr(field, ' ') != NULL);
	if (field > type || strncmp(field, "/ /", 3) != 0)
		return NULL;
	field += 2;
	point = strndup(field, strcspn(field, " "));
	if (!point || !strchr(point, '\\'))
		return point;
	free(point);
	return NULL;
}

void cgroups_open(struct cgroups *c)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;

	*c = (struct cgroups){.fd = -1};
	while (f && !c->root && getline(&line, &size, f) > 0)
		c->root = cgroup_mount_point(line);
	free(line);
	if (f)
		fclose(f);
	if (c->root)
		c->fd = open(c->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void cgroups_done(struct cgroups *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->root);
	*c = (struct cgroups){.fd = -1};
}

/* What is behind the path of the root. */
static bool below_root(const struct cgroups *c, const char *path, char *dst, size_t size)
{
	size_t len = strlen(c->root);

	if (strncmp(path, c->root, len) != 0 || (path[len] && path[len] != '/'))
		return false;
	return (size_t)snprintf(dst, size, "%s", path[len] ? path + len : "/") < size;
}

static bool path_by_handle(const struct cgroups *c, uint64_t id, char *dst, size_t size)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(id)];
	} h = {.handle = {.handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS}};
	char link[64], path[PATH_MAX];
	ssize_t len;
	int fd;

	memcpy(h.handle.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(c->fd, &h.handle, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	close(fd);
	if (len < 0)
		return false;
	path[len] = '\0';
	return below_root(c, path, dst, size);
}

/* The process may have moved since, or hold a socket of another: the number of the directory must
 * be the one that is asked for. */
static bool path_by_process(const struct cgroups *c, uint64_t id, uint32_t pid, char *dst,
			    size_t size)
{
	char name[64], line[PATH_MAX];
	bool found = false;
	struct stat st;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%u/cgroup", (unsigned int)pid);
	f = fopen(name, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4) != 0)
			continue;
		/* Relative to the root, which is `.` */
		found = !fstatat(c->fd, line[4] ? line + 4 : ".", &st, 0) && st.st_ino == id &&
			(size_t)snprintf(dst, size, "%s", line + 3) < size;
	}
	if (f)
		fclose(f);
	return found;
}

bool cgroup_path(const struct cgroups *c, uint64_t id, uint32_t pid, char *dst, size_t size)
{
	if (c->fd < 0)
		return false;
	return path_by_handle(c, id, dst, size) || (pid && path_by_process(c, id, pid, dst, size));
}
