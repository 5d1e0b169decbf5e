/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Numbers as people read them, in fixed widths, whatever the locale. */
#ifndef UTIL_FMT_H
#define UTIL_FMT_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that hold any of the texts below. */
enum { FMT_TEXT = 32 };

/** Bytes, base 1024, rounded to nearest, at most 6 columns: `0`, `999`, `1023`, `1.00K`, `12.3K`,
 *  `1023K`, `1.50M`. Never `1024K`. */
char *fmt_bytes(char *dst, size_t size, uint64_t bytes);
/** Bytes per second as fmt_bytes; 0 prints as `0`. */
char *fmt_rate(char *dst, size_t size, uint64_t bytes_per_s);
/** Count, base 1000, rounded to nearest, at most 6 columns: `999`, `99999`, `100k`, `1.2M`. */
char *fmt_count(char *dst, size_t size, uint64_t n);
/** Age, rounded down, at most 6 columns: `0.4s`, `59s`, `1m02s`, `59m59s`, `1h02m`, `3d04h`,
 * `100d`, `100y`. */
char *fmt_age(char *dst, size_t size, uint64_t ns);
/** Whole number with commas as thousands: `1,234,567`. */
char *fmt_exact(char *dst, size_t size, uint64_t n);
/** RFC 3339 UTC with six digits: `2026-11-23T10:40:00.123456Z`. @size at least FMT_TEXT. */
char *fmt_time_utc(char *dst, size_t size, uint64_t wall_ns);

#endif
