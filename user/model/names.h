/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Names of numbers (users by uid, services by port): a bounded dictionary of short texts. */
#ifndef MODEL_NAMES_H
#define MODEL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash_key;
struct name;

struct names {
	struct name *slots; /* owned; open addressing, at most half full */
	uint32_t mask, count;
	const struct hash_key *key; /* borrowed for life */
};

/** Empty, without memory of its own. */
void names_init(struct names *n, const struct hash_key *key);
void names_done(struct names *n);
/** Name @id with at most @len bytes of @text. At the bound (16,384 names) and out of memory what is
 *  known stays known and the rest stays without a name. True if a name has changed. */
bool names_set(struct names *n, uint64_t id, const char *text, size_t len);
/** True at the bound. */
bool names_full(const struct names *n);
/** NULL if there is none; borrowed until the next names_set. */
const char *names_get(const struct names *n, uint64_t id);

#endif
