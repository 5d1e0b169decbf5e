/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "identity/passwd.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_USERS = 1 << 16 };

void passwd_done(struct passwd_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->entries[i].name);
	free(table->entries);
	memset(table, 0, sizeof(*table));
}

static int by_uid(const void *a, const void *b)
{
	const struct passwd_entry *x = a, *y = b;

	return (x->uid > y->uid) - (x->uid < y->uid);
}

static int by_uid_and_order(const void *a, const void *b)
{
	const struct passwd_entry *x = a, *y = b;
	int order = by_uid(x, y);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static bool add(struct passwd_table *table, const struct passwd *pw)
{
	struct passwd_entry *entries;
	size_t count = table->count;

	if (count >= MAX_USERS)
		return false;
	if (!(count & (count - 1))) { /* room for a power of two, or the first */
		entries = realloc(table->entries, (count ? count * 2 : 1) * sizeof(*entries));
		if (!entries)
			return false;
		table->entries = entries;
	}
	table->entries[count].uid = pw->pw_uid;
	table->entries[count].order = (uint32_t)count;
	table->entries[count].name = strdup(pw->pw_name);
	if (!table->entries[count].name)
		return false;
	table->count++;
	return true;
}

/* `+` and `-` are for NIS: what follows is no user of this file, and may have no uid. */
static bool is_user(const struct passwd *pw)
{
	return pw->pw_name[0] && pw->pw_name[0] != '+' && pw->pw_name[0] != '-';
}

static void sort(struct passwd_table *table)
{
	size_t kept = 0;

	if (!table->count)
		return;
	qsort(table->entries, table->count, sizeof(*table->entries), by_uid_and_order);
	for (size_t i = 1; i < table->count; i++) {
		if (table->entries[i].uid == table->entries[kept].uid)
			free(table->entries[i].name);
		else
			table->entries[++kept] = table->entries[i];
	}
	table->count = kept + 1;
}

void passwd_load(struct passwd_table *table, const char *path)
{
	FILE *f = fopen(path, "re");
	struct passwd *pw;
	struct stat st;

	if (!f)
		return;
	if (fstat(fileno(f), &st) ||
	    (table->loaded && !memcmp(&st.st_mtim, &table->changed, sizeof(st.st_mtim)))) {
		fclose(f);
		return;
	}
	passwd_done(table);
	table->changed = st.st_mtim;
	table->loaded = true;
	while ((pw = fgetpwent(f)))
		if (is_user(pw) && !add(table, pw))
			break;
	fclose(f);
	sort(table);
}

const char *passwd_name(const struct passwd_table *table, uint32_t uid)
{
	const struct passwd_entry key = {.uid = uid}, *found;

	if (!table->count)
		return NULL;
	found = bsearch(&key, table->entries, table->count, sizeof(key), by_uid);
	return found ? found->name : NULL;
}
