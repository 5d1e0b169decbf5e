/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** A verdict on bind() in words, and as JSON. */
#ifndef WHO_BIND_TEXT_H
#define WHO_BIND_TEXT_H

#include "who/bind.h"

struct buf;
struct scene;

/** Append the verdict, what is the reason and what would help; and an empty line if more follows.
 */
void bind_text(struct buf *out, struct scene *scene, const struct bind_ask *ask,
	       const struct bind_place *place, const struct bind_verdict *v, int width);
/** Append one object. */
void bind_json(struct buf *out, const struct bind_ask *ask, const struct bind_place *place,
	       const struct bind_verdict *v);

#endif
