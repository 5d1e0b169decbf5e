/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/looks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "capture/progs.h"
#include "sockwatch_abi.h"

enum look looks_which(const char *program, char first[LOOK_NAME])
{
	static const char *const ends[LOOKS] = {"", "_again", "_last"};
	size_t len = strlen(program);

	for (int look = LOOK_LAST; look > LOOK_FIRST; look--) {
		size_t end = strlen(ends[look]);

		if (len > end && !strcmp(program + len - end, ends[look])) {
			snprintf(first, LOOK_NAME, "%.*s", (int)(len - end), program);
			return look;
		}
	}
	snprintf(first, LOOK_NAME, "%s", program);
	return LOOK_FIRST;
}

static bool has_program(const struct hook_alternative *a, const char *program)
{
	for (int k = 0; k < HOOK_PROGRAMS; k++)
		if (a->programs[k] && !strcmp(a->programs[k], program))
			return true;
	return false;
}

bool looks_wanted(const struct kcaps *caps, const int chosen[HOOK_PURPOSES], const char *program)
{
	char first[LOOK_NAME];

	if (looks_which(program, first) == LOOK_FIRST)
		return false;
	for (int i = 0; i < HOOK_PURPOSES; i++) {
		const struct hook_alternative *a = hooks[i].alternatives;

		if (chosen[i] < 0 || !has_program(&a[chosen[i]], first))
			continue;
		if (a[chosen[i]].needs & 1U << KCAP_TRAMPOLINES)
			return caps->fn_preempted;
		return caps->tp_preempted;
	}
	return false;
}

/* The program of this look at the place of @prog, if loaded; else NULL. */
static struct bpf_program *look_at(struct bpf_object *obj, const struct bpf_program *prog,
				   enum look look)
{
	struct bpf_program *other;
	char first[LOOK_NAME];

	bpf_object__for_each_program(other, obj)
		if (bpf_program__fd(other) >= 0 &&
		    looks_which(bpf_program__name(other), first) == look &&
		    !strcmp(first, bpf_program__name(prog)))
			return other;
	return NULL;
}

/* Tracepoints run their programs in the order of attaching (func_add), trampolines in the reverse
 * (hlist_add_head in __bpf_trampoline_link_prog). */
int looks_attach(struct looks *l, struct bpf_object *obj, struct bpf_program *prog, bool before,
		 struct progs *progs)
{
	bool forward = bpf_program__expected_attach_type(prog) == BPF_TRACE_RAW_TP;

	if (forward == before)
		return 0;
	for (int i = LOOK_SECOND; i < LOOKS; i++) {
		struct bpf_program *other = look_at(obj, prog, forward ? i : LOOKS - i);

		if (!other)
			continue;
		l->links[l->count] = bpf_program__attach(other);
		if (!l->links[l->count])
			return -errno;
		l->count++;
		progs_add(progs, bpf_program__fd(other), PROG_AGAIN);
	}
	return 0;
}

void looks_detach(struct looks *l)
{
	while (l->count)
		bpf_link__destroy(l->links[--l->count]);
}

/* What was found is read last: a call that is between its programs is not told as lost. */
uint64_t looks_missed(struct bpf_object *obj, const volatile struct sw_stats *stats)
{
	uint64_t alone = 0, skipped = stats->left, found;
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, obj) {
		struct bpf_prog_info info = {0};
		__u32 len = sizeof(info);
		char first[LOOK_NAME];

		if (bpf_program__fd(prog) < 0 ||
		    looks_which(bpf_program__name(prog), first) != LOOK_FIRST ||
		    bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			continue;
		if (look_at(obj, prog, LOOK_LAST))
			skipped += info.recursion_misses;
		else
			alone += info.recursion_misses;
	}
	found = stats->found;
	return alone + (skipped > found ? skipped - found : 0);
}
