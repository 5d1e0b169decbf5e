/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE /* setns() */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/num.h"

static size_t read_setting(const char *name, char *text, size_t size)
{
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, text, size - 1) : -1;
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

/* `8080,9148,30000-30010` */
static bool is_in_ranges(const char *ranges, unsigned int port)
{
	unsigned int low, high;

	for (const char *at = ranges; at && *at; at = strchr(at, ','), at += at != NULL) {
		int n = sscanf(at, "%u-%u", &low, &high);

		if (n >= 1 && port >= low && port <= (n == 2 ? high : low))
			return true;
	}
	return false;
}

static void read_settings(struct bind_place *place, uint16_t port)
{
	unsigned int low = 32768, high = 60999;
	char text[4096];

	place->unprivileged = 1024;
	if (read_setting("ipv4/ip_unprivileged_port_start", text, sizeof(text)))
		place->unprivileged = (uint16_t)strtoul(text, NULL, 10);
	if (read_setting("ipv4/ip_local_port_range", text, sizeof(text)))
		sscanf(text, "%u %u", &low, &high);
	place->ephemeral_min = (uint16_t)low;
	place->ephemeral_max = (uint16_t)high;
	if (read_setting("ipv4/ip_local_reserved_ports", text, sizeof(text)))
		place->reserved = is_in_ranges(text, port);
	if (read_setting("ipv6/bindv6only", text, sizeof(text)))
		place->v6only = text[0] == '1';
}

/* Any port: what it says is of the address alone. */
static int try_address(const struct bind_ask *ask)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	const struct sockaddr *sa = ask->v6 ? (const void *)&v6 : (const void *)&v4;
	socklen_t len = ask->v6 ? sizeof(v6) : sizeof(v4);
	int fd = socket(sa->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return errno;
	memcpy(&v6.sin6_addr, ask->addr.ip, sizeof(v6.sin6_addr));
	memcpy(&v4.sin_addr, ask->addr.ip + 12, sizeof(v4.sin_addr));
	error = bind(fd, sa, len) ? errno : 0;
	close(fd);
	return error;
}

struct seen {
	int error; /* positive errno */
	struct bind_place place;
};

/* Positive errno, or 0. */
static int enter(const char *netns)
{
	char path[256];
	uint64_t pid;
	int fd, error = 0;

	if (!num_u64(netns, 1, INT32_MAX, &pid))
		snprintf(path, sizeof(path), "/proc/%u/ns/net", (unsigned int)pid);
	else if (strchr(netns, '/') ||
		 (size_t)snprintf(path, sizeof(path), "/run/netns/%s", netns) >= sizeof(path))
		return ENOENT;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		error = errno;
	if (fd >= 0)
		close(fd);
	return error;
}

static void look(struct seen *seen, const char *netns, const struct bind_ask *ask)
{
	struct stat st;

	memset(seen, 0, sizeof(*seen));
	seen->error = netns ? enter(netns) : 0;
	if (seen->error)
		return;
	if (!stat("/proc/self/ns/net", &st))
		seen->place.netns = (uint32_t)st.st_ino;
	read_settings(&seen->place, ask->addr.port);
	seen->place.error = try_address(ask);
}

int place_read(struct bind_place *place, const char *netns, const struct bind_ask *ask, char *why,
	       size_t size)
{
	struct seen seen = {.error = EIO};
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid) {
		look(&seen, netns, ask);
		_exit(write(ends[1], &seen, sizeof(seen)) != sizeof(seen));
	}
	close(ends[1]);
	if (pid > 0 && read(ends[0], &seen, sizeof(seen)) != sizeof(seen))
		seen.error = EIO;
	close(ends[0]);
	if (pid > 0)
		waitpid(pid, &status, 0);
	*place = seen.place;
	if (seen.error)
		snprintf(why, size, "cannot look into network namespace %s: %s",
			 netns ? netns : "of ours", strerror(seen.error));
	return -seen.error;
}
