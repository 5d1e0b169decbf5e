/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "identity/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	COMMAND = 4096,
	TICKS = 100,       /* USER_HZ: what /proc/PID/stat counts in, on every architecture */
	START_FIELD = 22,  /* of that file */
	CONTAINER_ID = 64, /* hex digits: Docker, containerd, CRI-O and Podman all have so many */
	POD_ID = 36,       /* a UUID */
};

/* ---- /proc ---- */

static size_t read_file(int dir, const char *name, char *dst, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 1;

	while (fd >= 0 && len + 1 < size && n > 0) {
		n = read(fd, dst + len, size - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
	dst[len] = '\0';
	return len;
}

static void read_link(int dir, const char *name, char *dst, size_t size)
{
	ssize_t n = readlinkat(dir, name, dst, size - 1);

	dst[n > 0 ? n : 0] = '\0';
}

/* The name, which may hold anything, ends at the last parenthesis. */
static bool is_started(int dir, uint64_t start_ns)
{
	char stat[1024], *at;
	uint64_t ticks;

	read_file(dir, "stat", stat, sizeof(stat));
	at = strrchr(stat, ')');
	for (int field = 2; at && field < START_FIELD; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return false;
	ticks = strtoull(at, NULL, 10);
	return ticks == start_ns / (1000000000 / TICKS);
}

static void read_command(int dir, struct process *p)
{
	char text[COMMAND];
	size_t len = read_file(dir, "cmdline", text, sizeof(text));

	while (len && !text[len - 1])
		len--;
	for (size_t i = 0; i < len; i++)
		if (!text[i])
			text[i] = ' ';
	p->command = len ? strdup(text) : NULL;
}

static void read_exe(int dir, struct process *p)
{
	static const char deleted[] = " (deleted)";
	const size_t tail = sizeof(deleted) - 1;
	size_t len;

	read_link(dir, "exe", p->exe, sizeof(p->exe));
	len = strlen(p->exe);
	if (len <= tail || strcmp(p->exe + len - tail, deleted) != 0)
		return;
	p->exe_deleted = true;
	p->exe[len - tail] = '\0';
}

/* `0::/path` of cgroup2; where that is the root only, `N:name=systemd:/path`. */
static void read_cgroup(int dir, struct process *p)
{
	static const char v1[] = ":name=systemd:";
	char text[4096], *line, *rest = text, *found;

	read_file(dir, "cgroup", text, sizeof(text));
	while ((line = strsep(&rest, "\n"))) {
		found = strstr(line, v1);
		if (!strncmp(line, "0::", 3) && strcmp(line, "0::/") != 0)
			snprintf(p->cgroup, sizeof(p->cgroup), "%s", line + 3);
		else if (found && !p->cgroup[0])
			snprintf(p->cgroup, sizeof(p->cgroup), "%s", found + sizeof(v1) - 1);
	}
}

void process_read(struct process *p, const char *proc, uint32_t pid, uint64_t start_ns)
{
	char path[256];
	int dir;

	memset(p, 0, sizeof(*p));
	snprintf(path, sizeof(path), "%s/%u", proc, (unsigned int)pid);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || (start_ns && !is_started(dir, start_ns))) {
		p->gone = true;
	} else {
		read_command(dir, p);
		read_exe(dir, p);
		read_link(dir, "cwd", p->cwd, sizeof(p->cwd));
		read_link(dir, "root", p->root, sizeof(p->root));
		read_cgroup(dir, p);
	}
	if (!strcmp(p->root, "/"))
		p->root[0] = '\0';
	if (dir >= 0)
		close(dir);
}

void process_done(struct process *p)
{
	free(p->command);
	p->command = NULL;
}

/* ---- control groups ---- */

struct part { /* one directory of a path */
	const char *text;
	size_t len;
};

static bool next_part(const char **at, struct part *p)
{
	*at += strspn(*at, "/");
	*p = (struct part){*at, strcspn(*at, "/")};
	*at += p->len;
	return p->len;
}

static bool begins(struct part p, const char *text)
{
	return p.len >= strlen(text) && !memcmp(p.text, text, strlen(text));
}

static bool ends(struct part p, const char *text)
{
	size_t n = strlen(text);

	return p.len > n && !memcmp(p.text + p.len - n, text, n);
}

static void copy(char *dst, size_t size, const char *text, size_t len)
{
	snprintf(dst, size, "%.*s", (int)len, text);
}

static void take_unit(struct origin *o, struct part p)
{
	static const char *const suffixes[] = {".service", ".scope", ".socket", ".mount", ".swap"};
	static const char manager[] = "user@";

	if (begins(p, manager) && ends(p, ".service")) {
		o->user = (uint32_t)strtoul(p.text + sizeof(manager) - 1, NULL, 10);
		o->user_unit = true;
		o->unit[0] = '\0'; /* its units are further down */
		return;
	}
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++)
		if (ends(p, suffixes[i]))
			copy(o->unit, sizeof(o->unit), p.text, p.len);
}

static const char *runtime_of(struct part p, struct part above)
{
	if (begins(p, "docker-") || (above.len == 6 && begins(above, "docker")))
		return "docker";
	if (begins(p, "libpod-"))
		return "podman";
	if (begins(p, "cri-containerd-"))
		return "containerd";
	return begins(p, "crio-") ? "cri-o" : "";
}

static void take_container(struct origin *o, struct part p, struct part above)
{
	static const char lxc[] = "lxc.payload.", machine[] = "machine-", scope[] = ".scope";

	for (size_t i = 0; i + CONTAINER_ID <= p.len; i++) {
		size_t n = strspn(p.text + i, "0123456789abcdef");

		if (n == CONTAINER_ID) {
			copy(o->container, sizeof(o->container), p.text + i, n);
			snprintf(o->runtime, sizeof(o->runtime), "%s", runtime_of(p, above));
			return;
		}
		i += n;
	}
	if (begins(p, lxc)) {
		copy(o->container, sizeof(o->container), p.text + sizeof(lxc) - 1,
		     p.len - (sizeof(lxc) - 1));
		snprintf(o->runtime, sizeof(o->runtime), "lxc");
	} else if (begins(p, machine) && ends(p, scope)) {
		copy(o->container, sizeof(o->container), p.text + sizeof(machine) - 1,
		     p.len - (sizeof(machine) + sizeof(scope) - 2));
		snprintf(o->runtime, sizeof(o->runtime), "machine");
	}
}

static bool is_uuid(const char *text)
{
	for (int i = 0; i < POD_ID; i++) {
		bool separator = i == 8 || i == 13 || i == 18 || i == 23;

		if (!memchr(separator ? "-_" : "0123456789abcdef", text[i], separator ? 2 : 16))
			return false;
	}
	return true;
}

/* `kubepods-burstable-pod1234_5678.slice`, `pod1234-5678`. */
static void take_pod(struct origin *o, struct part p)
{
	const char *pod = NULL;

	for (size_t i = 0; i + 3 + POD_ID <= p.len; i++)
		if (!memcmp(p.text + i, "pod", 3) && is_uuid(p.text + i + 3))
			pod = p.text + i + 3;
	if (!pod)
		return;
	copy(o->pod, sizeof(o->pod), pod, POD_ID);
	for (char *c = o->pod; *c; c++)
		if (*c == '_')
			*c = '-';
}

void origin_parse(struct origin *o, const char *cgroup)
{
	struct part p, above = {NULL, 0};

	memset(o, 0, sizeof(*o));
	while (next_part(&cgroup, &p)) {
		take_unit(o, p);
		take_pod(o, p);
		take_container(o, p, above);
		above = p;
	}
}
