/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** First, second and third programs of one place, for kernels that skip programs (bpf/look.bpf.h).
 */
#ifndef CAPTURE_LOOKS_H
#define CAPTURE_LOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/hooks.h"

struct bpf_link;
struct bpf_object;
struct bpf_program;
struct progs;
struct sw_stats;

/** Which one a program is says its name: NAME, NAME_again, NAME_last. */
enum look { LOOK_FIRST, LOOK_SECOND, LOOK_LAST, LOOKS };
enum { LOOK_NAME = 64, LOOKS_MAX = 64 };

/** The look that @program is, and the name of the first of its place into @first. */
enum look looks_which(const char *program, char first[LOOK_NAME]);

/** Whether @program is a further look of one that was chosen, and such can be skipped. Pure. */
bool looks_wanted(const struct kcaps *caps, const int chosen[HOOK_PURPOSES], const char *program);

struct looks {
	struct bpf_link *links[LOOKS_MAX]; /* owned, of second and third programs */
	size_t count;
};

/** Attach the further programs of @prog that are to be attached before it, or behind it: they run
 *  in their order, whatever the kernel's is. What they cost goes to @progs. 0 or -errno. */
int looks_attach(struct looks *l, struct bpf_object *obj, struct bpf_program *prog, bool before,
		 struct progs *progs);

/** Detach them all. To be done before the first programs are: they would take what those no longer
 *  mark for skipped. */
void looks_detach(struct looks *l);

/** Calls that no program has seen, since the load. @stats: of the programs, mapped. */
uint64_t looks_missed(struct bpf_object *obj, const volatile struct sw_stats *stats);

#endif
