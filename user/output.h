/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Opening of files that are written as root: never through a link, never into what is not ours. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stddef.h>

/** Open @path for appending, made with mode 0640; `-` is stdout. Returns a descriptor, or -errno
 *  with one line in @why: what, on what, why, what to do. */
int output_open(const char *path, char *why, size_t size);

#endif
