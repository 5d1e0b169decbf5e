/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** How long the steps of a start took, as one line. Reads no clock: the caller says the time. */
#ifndef UTIL_PHASES_H
#define UTIL_PHASES_H

#include <stddef.h>
#include <stdint.h>

enum { PHASES_MAX = 8, PHASES_TEXT = 256 };

struct phases {
	uint64_t begun_ns, last_ns; /* of the start; of the end of the last step */
	size_t count;
	struct {
		const char *name; /* borrowed */
		uint64_t ns;      /* that it took */
	} list[PHASES_MAX];
};

void phases_begin(struct phases *p, uint64_t now_ns);
/** The step @name has ended at @now_ns; the next one begins there. @p NULL is a no-op. Steps beyond
 *  PHASES_MAX are part of the last. */
void phases_end(struct phases *p, const char *name, uint64_t now_ns);
/** `120.4 ms: probe 31.0, open 0.5, ...` into @dst. Returns @dst. */
char *phases_text(char *dst, size_t size, const struct phases *p);

#endif
