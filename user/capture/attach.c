/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/attach.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "capture/probes.h"
#include "capture/progs.h"

enum { FUNCTION = 64 }; /* bytes of a function's name */

static struct bpf_link *attach_iter(struct bpf_program *prog, int map_fd)
{
	union bpf_iter_link_info info = {.map = {.map_fd = (__u32)map_fd}};
	LIBBPF_OPTS(bpf_iter_attach_opts, opts);

	if (map_fd >= 0) {
		opts.link_info = &info;
		opts.link_info_len = sizeof(info);
	}
	return bpf_program__attach_iter(prog, &opts);
}

static int keep(struct attached *a, struct bpf_link *link)
{
	if (!link)
		return -errno;
	if (a->count == ATTACH_MAX) {
		bpf_link__destroy(link);
		return -ENOSPC;
	}
	a->links[a->count++] = link;
	return 0;
}

static int attach_probe(struct attached *a, const struct bpf_program *prog, const char *function,
			bool at_return)
{
	int probe = probe_open(function, at_return), err;
	struct bpf_link *link;

	if (probe < 0)
		return probe;
	link = bpf_program__attach_perf_event(prog, probe); /* owns the probe then */
	if (link)
		return keep(a, link);
	err = -errno;
	close(probe);
	return err;
}

static int attach_probes(struct attached *a, const struct bpf_program *prog)
{
	const char *section = bpf_program__section_name(prog), *at = strchr(section, '/');
	bool at_return = strstr(section, "kretprobe/") != NULL;

	while (at) {
		char function[FUNCTION];
		int err;

		snprintf(function, sizeof(function), "%.*s", (int)strcspn(at + 1, ","), at + 1);
		at = strchr(at + 1, ',');
		err = attach_probe(a, prog, function, at_return);
		if (err && err != -ENOENT)
			return err;
	}
	return 0;
}

static int attach_hook(struct attached *a, const struct bpf_program *prog, int cgroup_fd)
{
	switch (bpf_program__type(prog)) {
	case BPF_PROG_TYPE_KPROBE:
		return attach_probes(a, prog);
	case BPF_PROG_TYPE_TRACING:
		return keep(a, bpf_program__attach(prog));
	default:
		return keep(a, bpf_program__attach_cgroup(prog, cgroup_fd));
	}
}

/* The place of the iterator @prog, and over which map it goes (NULL: none); NULL if it is none. */
static struct bpf_link **iterator(struct attached *a, const struct bpf_program *prog,
				  const char **map)
{
	const char *name = bpf_program__name(prog);

	*map = NULL;
	if (!strcmp(name, "snapshot"))
		return &a->snapshot;
	if (!strcmp(name, "holders"))
		return &a->holders;
	if (!strcmp(name, "sweep_files"))
		return &a->sweep;
	if (!strcmp(name, "detail_files"))
		return &a->detail;
	*map = strstr(name, "_pointers") ? "pointers" : "socks";
	if (!strcmp(name, "sweep") || !strcmp(name, "sweep_pointers"))
		return &a->sweep;
	if (!strcmp(name, "detail") || !strcmp(name, "detail_pointers"))
		return &a->detail;
	return NULL;
}

static int attach_one(struct attached *a, struct bpf_object *obj, struct bpf_program *prog,
		      int cgroup_fd, struct progs *progs)
{
	const char *map;
	struct bpf_link **link = iterator(a, prog, &map);
	int err;

	if (link) {
		*link = attach_iter(prog, map ? bpf_object__find_map_fd_by_name(obj, map) : -1);
		err = *link ? 0 : -errno;
	} else {
		err = attach_hook(a, prog, cgroup_fd);
	}
	if (!err)
		progs_add(progs, bpf_program__fd(prog), link ? PROG_IN_READS : PROG_IN_CALLERS);
	return err;
}

int attach_all(struct attached *a, struct bpf_object *obj, int cgroup_fd, struct progs *progs,
	       const char **place)
{
	struct bpf_program *prog = NULL;
	char first[LOOK_NAME];

	while ((prog = bpf_object__prev_program(obj, prog))) {
		int err;

		if (bpf_program__fd(prog) < 0 ||
		    looks_which(bpf_program__name(prog), first) != LOOK_FIRST)
			continue;
		*place = bpf_program__section_name(prog);
		err = looks_attach(&a->looks, obj, prog, true, progs);
		if (!err)
			err = attach_one(a, obj, prog, cgroup_fd, progs);
		if (!err)
			err = looks_attach(&a->looks, obj, prog, false, progs);
		if (err)
			return err;
	}
	return 0;
}

void attach_undo(struct attached *a)
{
	looks_detach(&a->looks);
	while (a->count)
		bpf_link__destroy(a->links[--a->count]);
}

void attach_done(struct attached *a)
{
	bpf_link__destroy(a->sweep);
	bpf_link__destroy(a->snapshot);
	bpf_link__destroy(a->detail);
	bpf_link__destroy(a->holders);
	a->sweep = a->snapshot = a->detail = a->holders = NULL;
}
