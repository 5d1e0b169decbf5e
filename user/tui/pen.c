/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/pen.h"

#include "util/text.h"

#include <string.h>

enum { LINE_TEXT = 1024 };

void pen_put(struct pen *p, int col, enum attr attr, const char *text)
{
	int row = p->line - p->skip;

	if (p->screen && row >= 0 && row < p->at.rows)
		screen_put(p->screen, p->at.row + row, p->at.col + col, p->at.cols - col, attr,
			   text);
}

/* Bytes of @text that fit into @cells cells, cut at a blank where there is one. */
static size_t line_bytes(const char *text, int cells)
{
	char part[LINE_TEXT];
	size_t len = strlen(text), cut;

	if (len >= sizeof(part))
		len = sizeof(part) - 1;
	memcpy(part, text, len);
	part[len] = '\0';
	while (len > 1 && text_width(part) > cells) {
		for (cut = len - 1; cut > 0 && text[cut] != ' '; cut--)
			;
		if (!cut)
			for (cut = len - 1; cut > 1 && ((unsigned char)text[cut] & 0xc0) == 0x80;
			     cut--)
				;
		len = cut;
		part[len] = '\0';
	}
	return len;
}

void pen_wrap(struct pen *p, int indent, enum attr attr, const char *text)
{
	int cells = p->at.cols - indent > 8 ? p->at.cols - indent : 8;
	char part[LINE_TEXT];

	do {
		size_t len = line_bytes(text, cells);

		memcpy(part, text, len);
		part[len] = '\0';
		pen_put(p, indent, attr, part);
		p->line++;
		text += len;
		text += strspn(text, " ");
	} while (*text);
}
