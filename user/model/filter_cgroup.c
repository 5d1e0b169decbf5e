/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the path of a control group says: the units of systemd and the container in it. */
#include "model/filter_parts.h"

#include "util/num.h"

#include <string.h>

enum { CONTAINER_ID = 64 }; /* hex digits: Docker, containerd, CRI-O and Podman all have so many */

/* One directory of a path. */
struct part {
	const char *text;
	size_t len;
};

/* The next directory of the path at *@at; false at its end. */
static bool next_part(const char **at, struct part *p)
{
	*at += strspn(*at, "/");
	*p = (struct part){*at, strcspn(*at, "/")};
	*at += p->len;
	return p->len;
}

static const char *path_of(const struct row *row, const struct model *m)
{
	return row->flow.cgroup_id ? model_cgroup(m, row->flow.cgroup_id) : NULL;
}

/* ---- cgroup ---- */

const char *filter_read_cgroup(struct filter_test *t, const struct filter_value *v)
{
	uint64_t id;
	size_t len = strlen(v->text);

	if (!num_u64(v->text, 1, UINT64_MAX, &id)) {
		t->name.range = (struct filter_range){id, id};
		return NULL;
	}
	if (v->text[0] != '/' && v->text[0] != '*')
		return "no path from the root of the control groups, nor a number of one";
	while (len && v->text[len - 1] == '/')
		v->text[--len] = '\0';
	if (!len) { /* the root, which all are below */
		t->name.pattern = v->text;
		return NULL;
	}
	return filter_read_name(t, v);
}

/* Below a directory is in it. */
bool filter_holds_cgroup(const struct filter_test *t, const struct row *row, const struct model *m)
{
	const char *pattern = t->name.pattern, *path;
	size_t len;

	if (!pattern)
		return row->flow.cgroup_id >= t->name.range.min &&
		       row->flow.cgroup_id <= t->name.range.max;
	path = path_of(row, m);
	if (!path)
		return false;
	if (t->name.glob)
		return filter_glob(pattern, path, strlen(path));
	len = strlen(pattern);
	return !strncmp(path, pattern, len) && (!path[len] || path[len] == '/');
}

/* ---- unit ---- */

static bool is_unit(struct part p)
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

/* A service may do without its suffix, as with systemctl. */
static bool unit_holds(const struct filter_test *t, struct part p)
{
	static const char service[] = ".service";
	size_t n = sizeof(service) - 1;

	if (filter_name_holds(t, p.text, p.len))
		return true;
	return p.len > n && !memcmp(p.text + p.len - n, service, n) &&
	       filter_name_holds(t, p.text, p.len - n);
}

bool filter_holds_unit(const struct filter_test *t, const struct row *row, const struct model *m)
{
	const char *path = path_of(row, m);
	struct part p;

	while (path && next_part(&path, &p)) {
		if (is_unit(p) && unit_holds(t, p))
			return true;
	}
	return false;
}

/* ---- container ---- */

/* The id in `docker-ID.scope`, `cri-containerd-ID.scope`, `libpod-ID.scope/container`, `ID`. */
static struct part container_id(struct part p)
{
	for (size_t i = 0; i + CONTAINER_ID <= p.len; i++) {
		size_t n = strspn(p.text + i, "0123456789abcdef");

		if (n == CONTAINER_ID)
			return (struct part){p.text + i, n};
		i += n;
	}
	return (struct part){NULL, 0};
}

/* The name in `lxc.payload.NAME` of LXC and `machine-NAME.scope` of systemd-machined. */
static struct part machine_name(struct part p)
{
	static const char lxc[] = "lxc.payload.", machine[] = "machine-", scope[] = ".scope";
	const size_t around = sizeof(machine) + sizeof(scope) - 2;

	if (!strncmp(p.text, lxc, sizeof(lxc) - 1) && p.len > sizeof(lxc) - 1)
		return (struct part){p.text + sizeof(lxc) - 1, p.len - (sizeof(lxc) - 1)};
	if (!strncmp(p.text, machine, sizeof(machine) - 1) && p.len > around &&
	    !memcmp(p.text + p.len - (sizeof(scope) - 1), scope, sizeof(scope) - 1))
		return (struct part){p.text + sizeof(machine) - 1, p.len - around};
	return (struct part){NULL, 0};
}

/* As docker has it, the first digits of an id will do. */
bool filter_holds_container(const struct filter_test *t, const struct row *row,
			    const struct model *m)
{
	const char *path = path_of(row, m);
	size_t len = strlen(t->name.pattern);
	struct part p;

	while (path && next_part(&path, &p)) {
		struct part id = container_id(p), name = machine_name(p);

		if (id.text && !t->name.glob && len <= id.len &&
		    !memcmp(id.text, t->name.pattern, len))
			return true;
		if (id.text && t->name.glob && filter_glob(t->name.pattern, id.text, id.len))
			return true;
		if (name.text && filter_name_holds(t, name.text, name.len))
			return true;
	}
	return false;
}
