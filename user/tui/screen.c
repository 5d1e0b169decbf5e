/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/screen.h"

#include "util/buf.h"
#include "util/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct cell blank = {.text = " ", .width = 1, .attr = ATTR_NORMAL};

static struct cell *cell_at(const struct screen *s, int row, int col)
{
	return &s->cells[row * s->cols + col];
}

static int clamp(int v, int min, int max)
{
	return v < min ? min : v > max ? max : v;
}

void screen_init(struct screen *s)
{
	*s = (struct screen){0};
}

void screen_done(struct screen *s)
{
	free(s->cells);
	screen_init(s);
}

void screen_clear(struct screen *s)
{
	for (int i = 0; i < s->rows * s->cols; i++)
		s->cells[i] = blank;
}

int screen_resize(struct screen *s, int rows, int cols)
{
	int err = 0;

	rows = clamp(rows, 1, SCREEN_MAX);
	cols = clamp(cols, 1, SCREEN_MAX);
	if (rows * cols > s->cap) {
		struct cell *cells = realloc(s->cells, (size_t)(rows * cols) * sizeof(*cells));

		if (cells) {
			s->cells = cells;
			s->cap = rows * cols;
		} else {
			err = -ENOMEM;
		}
	}
	if (!err) {
		s->rows = rows;
		s->cols = cols;
	}
	screen_clear(s);
	return err;
}

const struct cell *screen_cell(const struct screen *s, int row, int col)
{
	return cell_at(s, row, col);
}

/* Half of a wide character means nothing: the other half goes with it. */
static void blank_cell(struct screen *s, int row, int col, enum attr attr)
{
	struct cell *c = cell_at(s, row, col);

	if (c->width == 0 && col > 0) {
		uint8_t left = c[-1].attr;

		c[-1] = blank;
		c[-1].attr = left;
	} else if (c->width == 2 && col + 1 < s->cols) {
		uint8_t right = c[1].attr;

		c[1] = blank;
		c[1].attr = right;
	}
	*c = blank;
	c->attr = attr;
}

static void set_cell(struct screen *s, int row, int col, int width, enum attr attr,
		     const char *text)
{
	struct cell *c = cell_at(s, row, col);

	blank_cell(s, row, col, attr);
	strcpy(c->text, text);
	c->width = width;
	if (width == 2) {
		blank_cell(s, row, col + 1, attr);
		c[1].text[0] = '\0';
		c[1].width = 0;
	}
}

/* A third combining character is dropped: it would cost all cells memory for no readable text. */
static void combine(struct cell *c, const char *text)
{
	size_t len = strlen(text);
	size_t have;

	if (c->width == 0)
		c--;
	have = strlen(c->text);

	if (have + len < CELL_TEXT)
		memcpy(c->text + have, text, len + 1);
}

/* Cut one character off @src: its text, its width, its length. The column code has sanitised what
 * others chose; a control character here would be our bug, and must not reach a terminal either. */
static size_t next_char(const char *src, char text[5], int *width)
{
	unsigned int cp;
	size_t len;

	if (src[0] >= 0x20 && src[0] < 0x7f) {
		text[0] = src[0];
		text[1] = '\0';
		*width = 1;
		return 1;
	}
	len = text_decode(src, strnlen(src, 4), &cp);
	if (!len || len > 4 || cp < 0x20 || (cp >= 0x7f && cp < 0xa0)) {
		strcpy(text, "?");
		*width = 1;
		return len ? len : 1;
	}
	memcpy(text, src, len);
	text[len] = '\0';
	*width = clamp(text_width(text), 0, 2);
	return len;
}

int screen_put(struct screen *s, int row, int col, int cells, enum attr attr, const char *text)
{
	bool outside = row < 0 || row >= s->rows;
	int start = col > 0 ? col : 0;
	int end = cells < s->cols - col ? col + cells : s->cols;
	char one[5];
	int width;

	while (*text && !outside) {
		text += next_char(text, one, &width);
		if (width == 0) {
			if (col > start)
				combine(cell_at(s, row, col - 1), one);
			continue;
		}
		if (col + width > end)
			break;
		if (col >= 0)
			set_cell(s, row, col, width, attr, one);
		else if (col + width > 0)
			blank_cell(s, row, 0, attr);
		col += width;
	}
	return col;
}

void screen_mark(struct screen *s, int row, int col, int cells, enum attr attr)
{
	int end = cells < s->cols - col ? col + cells : s->cols;

	if (row < 0 || row >= s->rows)
		return;
	for (col = clamp(col, 0, s->cols); col < end; col++)
		cell_at(s, row, col)->attr = attr;
}

void screen_fill(struct screen *s, int row, int col, int cells, enum attr attr)
{
	int end = cells < s->cols - col ? col + cells : s->cols;

	if (row < 0 || row >= s->rows)
		return;
	for (col = clamp(col, 0, s->cols); col < end; col++)
		blank_cell(s, row, col, attr);
}

static char attr_letter(const struct cell *c)
{
	static const char letters[] = ".BdTO#tAKhsrCSLFN!";

	_Static_assert(sizeof(letters) == ATTR_COUNT + 1, "one letter for each meaning");
	return letters[c->attr];
}

static bool is_blank(const struct cell *c)
{
	return c->text[0] == ' ' && c->text[1] == '\0';
}

static void print_text(const struct screen *s, struct buf *b, int row)
{
	int end = s->cols;

	while (end > 0 && is_blank(cell_at(s, row, end - 1)))
		end--;
	for (int col = 0; col < end; col++)
		buf_puts(b, cell_at(s, row, col)->text);
	buf_putc(b, '\n');
}

void screen_print(const struct screen *s, struct buf *b, bool attrs)
{
	for (int row = 0; row < s->rows; row++)
		print_text(s, b, row);
	for (int row = 0; attrs && row < s->rows; row++) {
		for (int col = 0; col < s->cols; col++)
			buf_putc(b, attr_letter(cell_at(s, row, col)));
		buf_putc(b, '\n');
	}
}
