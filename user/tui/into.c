/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/into.h"

#include <stdio.h>
#include <string.h>

#include "model/column.h"

const char *into_enter(struct into *into, const struct row *row)
{
	if (row->is_other)
		return "`other` is a sum: of what is gone, and of what there was no room for";
	if (row->table == TABLE_CONNECTIONS)
		return "there is nothing below a connection";
	if (into->count == MODEL_SCOPES)
		return "deeper it does not go: Esc goes back";
	into->rows[into->count] = *row;
	into->rows[into->count].users = NULL;
	into->names[into->count++][0] = '\0';
	return NULL;
}

enum table_kind into_leave(struct into *into)
{
	return into->rows[--into->count].table;
}

static void name(char dst[INTO_TEXT], const struct row *row, const struct model *m)
{
	const struct table_info *info = &table_info[row->table];
	char cell[4 * EVENT_TEXT], pid[16] = "";

	columns[info->name].text(cell, sizeof(cell), row, m);
	if (row->table == TABLE_PROCESSES && row->proc.pid)
		snprintf(pid, sizeof(pid), "[%u]", (unsigned int)row->proc.pid);
	if (row->table == TABLE_PORTS)
		snprintf(pid, sizeof(pid), " %s", role_name(row->role));
	snprintf(dst, INTO_TEXT, "%s %.60s%s", info->one, cell, pid);
}

void into_name(struct into *into, const struct model *m)
{
	for (size_t i = 0; i < into->count; i++)
		if (!into->names[i][0])
			name(into->names[i], &into->rows[i], m);
}

char *into_text(char *dst, size_t size, const struct into *into, bool ascii)
{
	size_t len = 0;

	*dst = '\0';
	for (size_t i = 0; i < into->count && len < size; i++)
		len += (size_t)snprintf(dst + len, size - len, "%s%s",
					!i      ? ""
					: ascii ? " > "
						: " › ",
					into->names[i]);
	return dst;
}
