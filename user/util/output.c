/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "util/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where it may be written, and as what. */
struct place {
	int dir;          /* descriptor; ours */
	const char *name; /* in it; borrowed */
};

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

/* A folder without following links; where openat2() is forbidden, its last part alone. */
static int open_folder(const char *path)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			       .resolve = RESOLVE_NO_SYMLINKS};
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

/* 0, with a folder to close, or -errno. */
static int find_place(struct place *place, const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX] = ".";

	if (slash && (size_t)(slash - path) >= sizeof(folder))
		return -ENAMETOOLONG;
	if (slash)
		snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path),
			 path);
	place->name = slash ? slash + 1 : path;
	place->dir = open_folder(folder);
	return place->dir < 0 ? place->dir : 0;
}

static int refuse(const char *path, const char *reason, char *why, size_t size)
{
	snprintf(why, size, "refuse to write to %s: %s", path, reason);
	return -EPERM;
}

static int cannot_open(const char *path, int err, char *why, size_t size)
{
	snprintf(why, size, "cannot open %s: %s", path,
		 err == -ELOOP ? "it, or a folder on the way to it, is a symbolic link"
			       : strerror(-err));
	return err;
}

static int open_in(const struct place *place, const char *path, char *why, size_t size)
{
	const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
			  O_NOCTTY;
	const char *reason;
	struct stat st;
	int fd;

	if (fstat(place->dir, &st))
		return cannot_open(path, -errno, why, size);
	if (st.st_mode & S_IWOTH)
		return refuse(path, "everybody may write to its folder (choose another)", why,
			      size);
	fd = openat(place->dir, place->name, flags, 0640);
	if (fd < 0)
		return cannot_open(path, -errno, why, size);
	reason = fstat(fd, &st) ? strerror(errno) : distrust(&st);
	if (!reason)
		return fd;
	close(fd);
	return refuse(path, reason, why, size);
}

int output_open(const char *path, char *why, size_t size)
{
	struct place place;
	int err, fd;

	if (!strcmp(path, "-"))
		return STDOUT_FILENO;
	err = find_place(&place, path);
	if (err)
		return cannot_open(path, err, why, size);
	fd = open_in(&place, path, why, size);
	close(place.dir);
	return fd;
}

static int shift_in(const struct place *place, int fd, unsigned int keep)
{
	char from[NAME_MAX + 1], to[NAME_MAX + 1];
	struct stat ours, there;

	if (fstat(fd, &ours) || fstatat(place->dir, place->name, &there, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (ours.st_ino != there.st_ino || ours.st_dev != there.st_dev)
		return -ESTALE;
	for (unsigned int i = keep; i > 0; i--) {
		int len = snprintf(to, sizeof(to), "%s.%u", place->name, i);

		if (i > 1)
			snprintf(from, sizeof(from), "%s.%u", place->name, i - 1);
		else
			snprintf(from, sizeof(from), "%s", place->name);
		if (len < 0 || (size_t)len >= sizeof(to))
			return -ENAMETOOLONG;
		if (renameat(place->dir, from, place->dir, to) && (errno != ENOENT || i == 1))
			return -errno;
	}
	return 0;
}

int output_shift(const char *path, int fd, unsigned int keep)
{
	struct place place;
	int err = find_place(&place, path);

	if (err)
		return err;
	err = shift_in(&place, fd, keep);
	close(place.dir);
	return err;
}
