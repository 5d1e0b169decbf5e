/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What makes a file that another user could have put there for us to write to. */
static const char *distrust(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "not a regular file (use - for stdout)";
	if (st->st_uid != geteuid())
		return "it belongs to another user";
	if (st->st_nlink != 1)
		return "it has more than one name (hard link)";
	return NULL;
}

int output_open(const char *path, char *why, size_t size)
{
	const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
			  O_NOCTTY;
	const char *reason;
	struct stat st;
	int fd, err;

	if (!strcmp(path, "-"))
		return STDOUT_FILENO;
	fd = open(path, flags, 0640);
	if (fd < 0) {
		err = errno;
		snprintf(why, size, "cannot open %s: %s", path,
			 err == ELOOP ? "it is a symbolic link" : strerror(err));
		return -err;
	}
	reason = fstat(fd, &st) ? strerror(errno) : distrust(&st);
	if (!reason)
		return fd;
	snprintf(why, size, "refuse to write to %s: %s", path, reason);
	close(fd);
	return -EPERM;
}
