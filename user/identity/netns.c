/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "identity/netns.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const places[] = {"/run/netns", "/run/docker/netns"};

static void add(struct netns_names *n, uint32_t inode, const char *name)
{
	struct netns_name *entries = realloc(n->entries, (n->count + 1) * sizeof(*entries));

	if (!entries)
		return;
	n->entries = entries;
	n->entries[n->count].inode = inode;
	n->entries[n->count].name = strdup(name);
	n->count += n->entries[n->count].name != NULL;
}

/* A file there is a bind mount of a namespace, which lies on the same device as ours. */
static void load_from(struct netns_names *n, const char *place, dev_t device)
{
	DIR *dir = opendir(place);
	const struct dirent *entry;
	struct stat st;

	while (dir && (entry = readdir(dir)))
		if (!fstatat(dirfd(dir), entry->d_name, &st, 0) && st.st_dev == device)
			add(n, (uint32_t)st.st_ino, entry->d_name);
	if (dir)
		closedir(dir);
}

void netns_names_load(struct netns_names *n)
{
	struct stat own;

	memset(n, 0, sizeof(*n));
	if (stat("/proc/self/ns/net", &own))
		return;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		load_from(n, places[i], own.st_dev);
}

void netns_names_done(struct netns_names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->entries[i].name);
	free(n->entries);
	memset(n, 0, sizeof(*n));
}

const char *netns_name(const struct netns_names *n, uint32_t inode)
{
	for (size_t i = 0; i < n->count; i++)
		if (n->entries[i].inode == inode)
			return n->entries[i].name;
	return NULL;
}

uint32_t netns_own(void)
{
	struct stat own;

	return stat("/proc/self/ns/net", &own) ? 0 : (uint32_t)own.st_ino;
}
