/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/census.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/census_parts.h"
#include "capture/host.h"

enum {
	HIDDEN_STATES = 12, /* TCP_NEW_SYN_RECV shows as SYN_RECV */
	TICK_NS = 10000000, /* USER_HZ: what /proc counts in */
};

struct reading {
	struct census *c;
	const struct census_ask *ask;
	struct census_index index; /* by inode */
	struct list holds, tasks;
	uint32_t netns;
	size_t unreadable; /* processes whose files are not shown to us */
	bool failed;
};

static bool asks(const struct census_ask *ask, const struct census_sock *s)
{
	bool listener = s->transport == TRANSPORT_UDP ? !s->peer.port : s->state == STATE_LISTEN;

	return (ask->listeners && listener) || census_asks_port(ask, s->local.port) ||
	       ask->pid_count || ask->name_count;
}

/* ---- /proc/net: addresses are words of 8 hex digits in the host's order ---- */

static bool parse_endpoint(struct addr *a, const char *text, bool v6)
{
	static const uint8_t v4[12] = {[10] = 0xff, [11] = 0xff};
	uint32_t words[4];
	unsigned int port;

	memset(a, 0, sizeof(*a));
	if (v6) {
		if (sscanf(text, "%8x%8x%8x%8x:%x", &words[0], &words[1], &words[2], &words[3],
			   &port) != 5)
			return false;
		memcpy(a->ip, words, sizeof(words));
	} else {
		if (sscanf(text, "%8x:%x", &words[0], &port) != 2)
			return false;
		memcpy(a->ip, v4, sizeof(v4));
		memcpy(a->ip + sizeof(v4), words, sizeof(words[0]));
	}
	a->port = (uint16_t)port;
	return true;
}

static void add_line(struct reading *r, const char *line, uint8_t transport, bool v6)
{
	struct census_sock s = {.transport = transport, .v6 = v6, .netns = r->netns};
	char local[64], peer[64];
	unsigned int state, tx, rx, uid, timer;
	uint64_t inode, left;

	if (sscanf(line, "%*d: %63s %63s %x %x:%x %x:%" SCNx64 " %*x %u %*u %" SCNu64, local, peer,
		   &state, &tx, &rx, &timer, &left, &uid, &inode) != 9)
		return;
	if (!parse_endpoint(&s.local, local, v6) || !parse_endpoint(&s.peer, peer, v6))
		return;
	s.uid = uid;
	s.inode = inode;
	s.id = inode;
	s.state = (uint8_t)(state <= HIDDEN_STATES ? state : 0);
	if (transport == TRANSPORT_UDP)
		s.state = s.peer.port ? STATE_ESTABLISHED : STATE_OPEN;
	else if (s.state == STATE_CLOSE)
		s.state = STATE_BOUND;
	if (s.state == STATE_LISTEN)
		s.backlog = rx;
	if (s.state == STATE_TIME_WAIT)
		s.left_ns = left * TICK_NS;
	else
		s.dead = !inode;
	if (!inode) /* no two of them are one */
		s.id = UINT64_MAX - r->index.socks.count;
	if (asks(r->ask, &s))
		census_index_add(&r->index, &s);
}

static void read_sockets(struct reading *r, const char *name, uint8_t transport, bool v6)
{
	FILE *f = fopen(name, "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		add_line(r, line, transport, v6);
	if (f)
		fclose(f);
}

/* ---- processes ---- */

static void read_files(struct reading *r, int dir, const struct census_task *task)
{
	int fd = openat(dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *files = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	char link[64];

	if (!files)
		r->unreadable += !task->kernel;
	while (files && (entry = readdir(files))) {
		ssize_t n = readlinkat(dirfd(files), entry->d_name, link, sizeof(link) - 1);
		struct census_hold hold = {.pid = task->pid, .start_ns = task->start_ns};
		uint64_t inode;

		link[n > 0 ? n : 0] = '\0';
		if (sscanf(link, "socket:[%" SCNu64, &inode) != 1)
			continue;
		hold.sock = census_index_find(&r->index, inode);
		hold.fd = (uint32_t)strtoul(entry->d_name, NULL, 10);
		if (hold.sock != SIZE_MAX)
			r->failed |= !list_add(&r->holds, &hold);
	}
	if (files)
		closedir(files);
	else if (fd >= 0)
		close(fd);
}

/* `PID (NAME) S PPID ...`; the name, which may hold anything, ends at the last parenthesis. */
static bool read_task(int dir, struct census_task *task)
{
	int fd = openat(dir, "stat", O_RDONLY | O_CLOEXEC);
	char text[1024], *name, *end;
	unsigned int parent;
	uint64_t ticks;
	struct stat st;
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	name = strchr(text, '(');
	end = strrchr(text, ')');
	if (!name || !end ||
	    sscanf(end + 1,
		   " %*c %u %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		   "%" SCNu64,
		   &parent, &ticks) != 2)
		return false;
	snprintf(task->name, sizeof(task->name), "%.*s", (int)(end - name - 1), name + 1);
	task->parent = parent;
	task->start_ns = ticks * TICK_NS;
	task->kernel = task->pid == 2 || parent == 2;
	if (!fstatat(dir, "ns/net", &st, 0))
		task->netns = (uint32_t)st.st_ino;
	if (!fstat(dir, &st))
		task->uid = st.st_uid;
	return true;
}

static void read_process(struct reading *r, int proc, const char *name)
{
	struct census_task task = {.pid = (uint32_t)strtoul(name, NULL, 10)};
	int dir = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return;
	task.own_pid = task.pid;
	if (read_task(dir, &task)) {
		r->failed |= !list_add(&r->tasks, &task);
		if (task.pid != (uint32_t)getpid())
			read_files(r, dir, &task);
	}
	close(dir);
}

static void read_processes(struct reading *r)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;

	while (proc && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			read_process(r, dirfd(proc), entry->d_name);
	if (proc)
		closedir(proc);
}

int census_take_proc(struct census *c, const struct census_ask *ask)
{
	struct reading r = {
		.c = c,
		.ask = ask,
		.holds.size = sizeof(struct census_hold),
		.tasks.size = sizeof(struct census_task),
	};
	struct stat own;

	memset(c, 0, sizeof(*c));
	if (stat("/proc/self/ns/net", &own))
		return -errno;
	r.netns = (uint32_t)own.st_ino;
	c->now_ns = host_boottime_ns();
	c->own_only = true;
	read_sockets(&r, "/proc/net/tcp", TRANSPORT_TCP, false);
	read_sockets(&r, "/proc/net/tcp6", TRANSPORT_TCP, true);
	read_sockets(&r, "/proc/net/udp", TRANSPORT_UDP, false);
	read_sockets(&r, "/proc/net/udp6", TRANSPORT_UDP, true);
	read_processes(&r);
	c->socks = r.index.socks.data;
	c->sock_count = r.index.socks.count;
	c->holds = r.holds.data;
	c->hold_count = r.holds.count;
	c->tasks = r.tasks.data;
	c->task_count = r.tasks.count;
	snprintf(c->missing, sizeof(c->missing),
		 "our network namespace alone, and not the files of %zu processes", r.unreadable);
	census_index_done(&r.index);
	census_sort(c);
	return r.failed || r.index.failed ? -ENOMEM : 0;
}

/* ---- functions ---- */

/* `ffffffffc0a81000 t wg_receive\t[wireguard]`: as `wg_receive [wireguard]`. */
static void name_socks(struct census *c, const char *line)
{
	uint64_t address = strtoull(line, NULL, 16);

	for (size_t i = 0; address && i < c->sock_count; i++) {
		struct census_sock *s = &c->socks[i];

		if (s->handler != address || s->handled[0])
			continue;
		snprintf(s->handled, sizeof(s->handled), "%s", line + strcspn(line, " ") + 3);
		s->handled[strcspn(s->handled, "\n")] = '\0';
		for (char *tab = s->handled; (tab = strchr(tab, '\t'));)
			*tab = ' ';
	}
}

static bool has_handlers(const struct census *c)
{
	for (size_t i = 0; i < c->sock_count; i++)
		if (c->socks[i].handler)
			return true;
	return false;
}

void census_name_handlers(struct census *c)
{
	FILE *f = has_handlers(c) ? fopen("/proc/kallsyms", "re") : NULL;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		name_socks(c, line);
	if (f)
		fclose(f);
}
