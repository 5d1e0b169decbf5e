/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Reads what an attached BPF iterator writes. */
#ifndef CAPTURE_ITER_H
#define CAPTURE_ITER_H

#include <stddef.h>

enum { ITER_BYTES = 64 << 10 }; /* more than the 32 KiB that the kernel gives a read */

struct bpf_link;

/** Called with each record, borrowed until return; the last of a read may be short. */
typedef void iter_fn(const void *record, size_t len, void *arg);

/** Run the iterator of @link to its end; its records have @size bytes. @buffer has ITER_BYTES. Each
 *  record is handed over before the next read. 0 or -errno. */
int iter_read(const struct bpf_link *link, char *buffer, size_t size, iter_fn *fn, void *arg);

#endif
