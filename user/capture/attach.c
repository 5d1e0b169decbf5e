/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/attach.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "capture/progs.h"

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

static int attach_one(struct attached *a, struct bpf_object *obj, struct bpf_program *prog,
		      int cgroup_fd, struct progs *progs)
{
	const char *name = bpf_program__name(prog);
	struct bpf_link *link;

	if (!strcmp(name, "snapshot")) {
		link = a->snapshot = attach_iter(prog, -1);
	} else if (!strcmp(name, "sweep")) {
		link = a->sweep = attach_iter(prog, bpf_object__find_map_fd_by_name(obj, "socks"));
	} else if (a->count == ATTACH_MAX) {
		return -ENOSPC;
	} else {
		if (bpf_program__type(prog) == BPF_PROG_TYPE_TRACING)
			link = bpf_program__attach(prog);
		else
			link = bpf_program__attach_cgroup(prog, cgroup_fd);
		if (link)
			a->links[a->count++] = link;
	}
	if (!link)
		return -errno;
	progs_add(progs, bpf_program__fd(prog), link != a->snapshot && link != a->sweep);
	return 0;
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
		err = looks_attach(&a->looks, obj, prog, true);
		if (!err)
			err = attach_one(a, obj, prog, cgroup_fd, progs);
		if (!err)
			err = looks_attach(&a->looks, obj, prog, false);
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
	a->sweep = a->snapshot = NULL;
}
