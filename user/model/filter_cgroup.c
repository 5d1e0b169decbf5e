/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Control groups, units and containers: what the words of these names ask. */
#include "model/cgroup_label.h"
#include "model/filter_parts.h"

#include "util/num.h"

#include <string.h>

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

/* A service may do without its suffix, as with systemctl. */
static bool unit_holds(const struct filter_test *t, struct cgroup_part p)
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
	struct cgroup_part p;

	while (path && cgroup_next_part(&path, &p)) {
		if (cgroup_is_unit(p) && unit_holds(t, p))
			return true;
	}
	return false;
}

/* ---- container ---- */

/* As docker has it, the first digits of an id will do. */
bool filter_holds_container(const struct filter_test *t, const struct row *row,
			    const struct model *m)
{
	const char *path = path_of(row, m);
	size_t len = strlen(t->name.pattern);
	struct cgroup_part p;

	while (path && cgroup_next_part(&path, &p)) {
		struct cgroup_part id = cgroup_container_id(p), name = cgroup_machine_name(p);

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
