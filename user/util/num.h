/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Strict parsing of numbers: the whole text or an error, whatever the locale. */
#ifndef UTIL_NUM_H
#define UTIL_NUM_H

#include <stdint.h>

/** Decimal @s in [min, max] into @ret; 0, -EINVAL (no number, trailing text) or -ERANGE. */
int num_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret);
/** Seconds with at most 9 decimals after `.` (`1`, `0.5`, `.5`) into nanoseconds in [min_ns,
 * max_ns]. */
int num_seconds(const char *s, uint64_t min_ns, uint64_t max_ns, uint64_t *ret_ns);
/** Percent with at most 7 decimals (`1`, `0.5`, `2.5%`) into billionths of the whole in [min, max].
 */
int num_percent(const char *s, uint64_t min, uint64_t max, uint64_t *ret);
/** Bytes with an optional suffix K, M, G of either case (base 1024) in [min, max]. */
int num_bytes(const char *s, uint64_t min, uint64_t max, uint64_t *ret);

#endif
