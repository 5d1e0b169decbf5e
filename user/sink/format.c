/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sink/format.h"

#include <string.h>

const struct format *format_find(const char *name)
{
	static const struct format *const formats[] = {&format_json, &format_csv, &format_text};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!strcmp(name, formats[i]->name))
			return formats[i];
	return NULL;
}

/* Whether a table of rows of @by has the field: for these, or for the lines between and behind
 * them. `other` has what they have. */
static bool is_column(const struct field *f, enum record_kind by, enum schema schema)
{
	const enum record_kind kinds[] = {by, RECORD_NOTE, RECORD_DROPPED, RECORD_END};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (field_in(f, kinds[i], schema))
			return true;
	return f->records == 1U << RECORD_OTHER;
}

void sheet_init(struct sheet *l)
{
	size_t counts[RECORD_COUNT] = {0}, columns = 0;

	for (size_t i = 0; i < field_count && i < FIELD_MAX - 1; i++) {
		const struct field *f = &fields[i];

		if (!f->get)
			continue;
		for (int kind = 0; kind < RECORD_COUNT; kind++)
			if (field_in(f, (enum record_kind)kind, l->schema))
				l->lists[kind][counts[kind]++] = f;
		if (is_column(f, l->by, l->schema))
			l->columns[columns++] = f;
	}
}
