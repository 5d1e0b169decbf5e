/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Names of users from a passwd file. Not by NSS: a directory server that hangs must not stop us.
 */
#ifndef IDENTITY_PASSWD_H
#define IDENTITY_PASSWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct passwd_entry {
	uint32_t uid;
	uint32_t order; /* in the file */
	char *name;     /* owned */
};

struct passwd_table {
	struct passwd_entry *entries; /* owned, sorted by uid, one each */
	size_t count;
	struct timespec changed; /* of the file that was read */
	bool loaded;             /* one was */
};

/** Read @path unless it is as it was read last; what cannot be read leaves the table as it is. Of
 *  several names of a user the first one counts. */
void passwd_load(struct passwd_table *table, const char *path);
void passwd_done(struct passwd_table *table);
/** NULL when there is none; borrowed until the next passwd_load. */
const char *passwd_name(const struct passwd_table *table, uint32_t uid);

#endif
