/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Names of network namespaces: what `ip netns` and Docker keep open under a name. */
#ifndef IDENTITY_NETNS_H
#define IDENTITY_NETNS_H

#include <stddef.h>
#include <stdint.h>

struct netns_name {
	uint32_t inode;
	char *name; /* owned */
};

struct netns_names {
	struct netns_name *entries; /* owned */
	size_t count;
};

void netns_names_load(struct netns_names *n);
void netns_names_done(struct netns_names *n);
/** Borrowed; NULL when it has none. Hostile. */
const char *netns_name(const struct netns_names *n, uint32_t inode);
/** Inode of our own one; 0 when /proc is not there. */
uint32_t netns_own(void);

#endif
