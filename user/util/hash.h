/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** SipHash-1-3 with a random key of the process: table keys are chosen by others. */
#ifndef UTIL_HASH_H
#define UTIL_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k0, k1;
};

/** A new random key (getrandom); falls back to address-space randomness, never fails. */
struct hash_key hash_key_random(void);
uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len);

#endif
