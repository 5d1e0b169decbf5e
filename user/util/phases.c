/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "util/phases.h"

#include <inttypes.h>
#include <stdio.h>

enum { NS_PER_TENTH = 100000 }; /* of a millisecond */

void phases_begin(struct phases *p, uint64_t now_ns)
{
	*p = (struct phases){.begun_ns = now_ns, .last_ns = now_ns};
}

void phases_end(struct phases *p, const char *name, uint64_t now_ns)
{
	size_t at;

	if (!p)
		return;
	at = p->count < PHASES_MAX ? p->count++ : PHASES_MAX - 1;
	p->list[at].name = name;
	p->list[at].ns += now_ns - p->last_ns;
	p->last_ns = now_ns;
}

static size_t put_ms(char *dst, size_t size, uint64_t ns, const char *before, const char *after)
{
	uint64_t tenths = (ns + NS_PER_TENTH / 2) / NS_PER_TENTH;
	int len = snprintf(dst, size, "%s%" PRIu64 ".%" PRIu64 "%s", before, tenths / 10,
			   tenths % 10, after);

	return (size_t)len < size ? (size_t)len : size - 1;
}

char *phases_text(char *dst, size_t size, const struct phases *p)
{
	size_t len = put_ms(dst, size, p->last_ns - p->begun_ns, "", " ms");
	char before[64];

	for (size_t i = 0; i < p->count; i++) {
		snprintf(before, sizeof(before), "%s %s ", i ? "," : ":", p->list[i].name);
		len += put_ms(dst + len, size - len, p->list[i].ns, before, "");
	}
	return dst;
}
