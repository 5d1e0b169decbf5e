/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/cgroup_label.h"

#include <stdio.h>
#include <string.h>

enum { CONTAINER_ID = 64 }; /* hex digits: Docker, containerd, CRI-O and Podman all have so many */

bool cgroup_next_part(const char **at, struct cgroup_part *p)
{
	*at += strspn(*at, "/");
	*p = (struct cgroup_part){*at, strcspn(*at, "/")};
	*at += p->len;
	return p->len;
}

bool cgroup_is_unit(struct cgroup_part p)
{
	static const char *const suffixes[] = {".service", ".scope", ".slice",
					       ".socket",  ".mount", ".swap"};

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t n = strlen(suffixes[i]);

		if (p.len > n && !memcmp(p.text + p.len - n, suffixes[i], n))
			return true;
	}
	return false;
}

struct cgroup_part cgroup_container_id(struct cgroup_part p)
{
	for (size_t i = 0; i + CONTAINER_ID <= p.len; i++) {
		size_t n = strspn(p.text + i, "0123456789abcdef");

		if (n == CONTAINER_ID)
			return (struct cgroup_part){p.text + i, n};
		i += n;
	}
	return (struct cgroup_part){NULL, 0};
}

struct cgroup_part cgroup_machine_name(struct cgroup_part p)
{
	static const char lxc[] = "lxc.payload.", machine[] = "machine-", scope[] = ".scope";
	const size_t around = sizeof(machine) + sizeof(scope) - 2;

	if (!strncmp(p.text, lxc, sizeof(lxc) - 1) && p.len > sizeof(lxc) - 1)
		return (struct cgroup_part){p.text + sizeof(lxc) - 1, p.len - (sizeof(lxc) - 1)};
	if (!strncmp(p.text, machine, sizeof(machine) - 1) && p.len > around &&
	    !memcmp(p.text + p.len - (sizeof(scope) - 1), scope, sizeof(scope) - 1))
		return (struct cgroup_part){p.text + sizeof(machine) - 1, p.len - around};
	return (struct cgroup_part){NULL, 0};
}

/* What runs the container: `docker`, `cri-containerd`, `libpod` ..., which stands before its id in
 * `docker-ID.scope`, or is the directory above, as in `docker/ID`. */
static struct cgroup_part runtime(struct cgroup_part p, struct cgroup_part id,
				  struct cgroup_part above)
{
	size_t len = (size_t)(id.text - p.text);

	while (len && (p.text[len - 1] == '-' || p.text[len - 1] == ':'))
		len--;
	if (len)
		return (struct cgroup_part){p.text, len};
	if (above.text && !memchr(above.text, '.', above.len))
		return above;
	return (struct cgroup_part){"container", strlen("container")};
}

/* `kubepods-burstable-pod0123_4567.slice` and `pod0123-4567` of Kubernetes: the digits behind. */
static struct cgroup_part pod_id(struct cgroup_part p, bool in_pods)
{
	static const char slice[] = "-pod";

	for (size_t i = 0; i + 4 < p.len; i++)
		if (!memcmp(p.text + i, slice, 4) && in_pods)
			return (struct cgroup_part){p.text + i + 4, p.len - i - 4};
	if (in_pods && p.len > 3 && !memcmp(p.text, "pod", 3))
		return (struct cgroup_part){p.text + 3, p.len - 3};
	return (struct cgroup_part){NULL, 0};
}

static int min(size_t a, int b)
{
	return a < (size_t)b ? (int)a : b;
}

/* The last of each kind: what is inside tells more. */
char *cgroup_label(char *dst, size_t size, const char *path)
{
	const struct cgroup_part none = {NULL, 0};
	struct cgroup_part p, pod = none, by = none, id = none, name = none, unit = none;
	struct cgroup_part above = none;
	const char *at = path;
	bool in_pods = false;

	while (cgroup_next_part(&at, &p)) {
		struct cgroup_part c = cgroup_container_id(p), n = cgroup_machine_name(p), k;

		in_pods |= p.len >= 8 && !memcmp(p.text, "kubepods", 8);
		k = pod_id(p, in_pods);
		pod = k.text && !c.text ? k : pod;
		if (c.text) {
			id = c;
			by = runtime(p, c, above);
		}
		name = n.text ? n : name;
		if (cgroup_is_unit(p) && !c.text && !k.text)
			unit = p;
		above = p;
	}
	if (pod.text)
		snprintf(dst, size, "pod %.*s %.*s", min(pod.len, 8), pod.text, min(id.len, 12),
			 id.text ? id.text : "");
	else if (id.text)
		snprintf(dst, size, "%.*s %.*s", min(by.len, 64), by.text, min(id.len, 12),
			 id.text);
	else if (name.text)
		snprintf(dst, size, "machine %.*s", min(name.len, 128), name.text);
	else if (unit.text)
		snprintf(dst, size, "%.*s", min(unit.len, 200), unit.text);
	else
		snprintf(dst, size, "%s", path);
	return dst;
}
