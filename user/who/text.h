/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The answer for a person: the first line of each says who it is and how to stop it. */
#ifndef WHO_TEXT_H
#define WHO_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct answer;
struct buf;
struct scene;

struct who_text_options {
	int width;    /* columns */
	bool verbose; /* every process, also what goes without saying */
	bool table;   /* one line for each: for a long list */
	size_t most;  /* blocks that are shown, then only how many more; 0 = all */
};

/** Append all of it, sanitised. */
void who_text(struct buf *out, struct scene *scene, const struct answer *a,
	      const struct who_text_options *options);

#endif
