/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Opening of files that are written as root: never through a link, never into what is not ours. */
#ifndef UTIL_OUTPUT_H
#define UTIL_OUTPUT_H

#include <stddef.h>

/** Open @path for appending, made with mode 0640; `-` is stdout. Refused: links on the whole way,
 *  what is no regular file with one name of this user, folders that everybody may write to.
 *  Returns a descriptor, or -errno with one line in @why: what, on what, why, what to do. */
int output_open(const char *path, char *why, size_t size);

/** Make room for a new @path: it becomes @path.1, that @path.2, and so on; what was @path.@keep is
 *  gone. Only if @path is still the file that @fd is open to. 0 or -errno. */
int output_shift(const char *path, int fd, unsigned int keep);

#endif
