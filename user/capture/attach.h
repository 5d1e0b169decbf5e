/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Loaded programs to their places, in an order in which no end of a socket is missed. */
#ifndef CAPTURE_ATTACH_H
#define CAPTURE_ATTACH_H

#include <stddef.h>

#include "capture/looks.h"

struct bpf_link;
struct bpf_object;
struct bpf_program;
struct progs;

enum { ATTACH_MAX = 128 };

struct attached {
	struct bpf_link *links[ATTACH_MAX]; /* owned, of all programs but the iterators */
	size_t count;
	struct looks looks;
	/* owned, iterators; NULL = not loaded */
	struct bpf_link *sweep, *snapshot, *detail, *holders;
};

/**
 * Attach each program of @obj that is loaded, ends before beginnings (the object's order
 * backwards): no socket is seen to open whose close would be missed. A kprobe goes to all functions
 * in its section's name, `kprobe/a,b`, but those that this kernel does not have. @cgroup_fd: of the
 * root of cgroup2.
 * @progs gets to know them. 0, or -errno with the program's place in @place (borrowed): what is
 * attached by then stays so until attach_undo and attach_done.
 */
int attach_all(struct attached *a, struct bpf_object *obj, int cgroup_fd, struct progs *progs,
	       const char **place);
/** Detach all but the iterators. */
void attach_undo(struct attached *a);
/** Let the iterators go. */
void attach_done(struct attached *a);

#endif
