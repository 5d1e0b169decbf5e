/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The answer for a program: one JSON object a line for each process that holds a socket, and one
 *  for each socket that none holds. */
#ifndef WHO_JSON_H
#define WHO_JSON_H

struct answer;
struct buf;
struct scene;

void who_json(struct buf *out, struct scene *scene, const struct answer *a);

#endif
