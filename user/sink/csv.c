/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * CSV as in RFC 4180, but lines end with LF alone: a header, then a line for each row. Lines of the
 * kinds note, dropped and end stand between and behind them, with their own columns filled. Text
 * that a spreadsheet would take for a formula gets a ' in front.
 */
#include <string.h>

#include "sink/format.h"
#include "util/buf.h"
#include "util/text.h"

static const char FORMULA[] = "=+-@\t\r";
static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "_.:/-@";

enum { PIECE = 4096 * 4 + 1 }; /* bytes of the longest path, all escaped */

/* The inside of quotes. */
static void put_inside(struct buf *b, const char *text)
{
	for (; *text; text++) {
		if (*text == '"')
			buf_putc(b, '"');
		buf_putc(b, *text);
	}
}

/* Sanitised, with each backslash of the source doubled, so that different sources stay different.
 */
static void put_clean(struct buf *b, const char *src, size_t len)
{
	char piece[PIECE];

	while (len) {
		const char *slash = memchr(src, '\\', len);
		size_t part = slash ? (size_t)(slash - src) : len;

		text_sanitize(piece, sizeof(piece), src, part);
		put_inside(b, piece);
		if (slash) {
			buf_puts(b, "\\\\");
			part++;
		}
		src += part;
		len -= part;
	}
}

/* As it is, if nobody can take it for anything else. */
static void put_hostile(struct buf *b, const struct value *v)
{
	size_t len = strnlen(v->text, v->size), plain;

	for (plain = 0; plain < len; plain++)
		if (!strchr(PLAIN, v->text[plain]))
			break;
	if (plain == len && !(len && strchr(FORMULA, *v->text))) {
		buf_put(b, v->text, len);
		return;
	}
	buf_putc(b, '"');
	if (strchr(FORMULA, *v->text))
		buf_putc(b, '\'');
	put_clean(b, v->text, len);
	buf_putc(b, '"');
}

static void put_value(struct buf *b, const struct value *v)
{
	switch (v->kind) {
	case VALUE_NUMBER:
		buf_put_u64(b, v->number);
		break;
	case VALUE_WORD:
	case VALUE_LIST:
		buf_puts(b, v->text);
		break;
	case VALUE_TEXT:
		put_hostile(b, v);
		break;
	case VALUE_NONE:
		break;
	}
}

static void csv_head(struct buf *b, const struct sheet *l)
{
	for (size_t i = 0; l->columns[i]; i++) {
		if (i)
			buf_putc(b, ',');
		buf_puts(b, field_name(l->columns[i], l->schema));
	}
	buf_putc(b, '\n');
}

static void csv_record(struct buf *b, const struct sheet *l, const struct record *r,
		       const struct event *ev)
{
	struct value v;

	(void)ev;
	if (r->kind == RECORD_META || r->kind == RECORD_INTERVAL || r->kind == RECORD_COST)
		return;
	for (size_t i = 0; l->columns[i]; i++) {
		if (i)
			buf_putc(b, ',');
		if (field_in(l->columns[i], r->kind, l->schema))
			put_value(b, field_value(l->columns[i], r, &v));
	}
	buf_putc(b, '\n');
}

const struct format format_csv = {
	.name = "csv",
	.head = csv_head,
	.record = csv_record,
};
