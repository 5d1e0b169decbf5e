/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "util/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util/buf.h"
#include "util/unicode.h"

enum {
	MARKS_MAX = 2,  /* on one character; more only serve to smear over the lines around */
	PIECE_MAX = 16, /* bytes of `\u{10ffff}` with its NUL, rounded up */
	MESSAGE_MAX = 1024,
	CUT = '~',
};

/* What one step over hostile text gives: a character that may pass, or an escape for it. */
struct piece {
	size_t used; /* bytes of the source */
	size_t len;  /* bytes of text */
	bool escaped;
	char text[PIECE_MAX];
};

/* The smallest code point that needs so many bytes: less is an overlong form. */
static const unsigned int utf8_min[5] = {0, 0, 0x80, 0x800, 0x10000};

static size_t utf8_length(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead < 0xe0)
		return 2;
	if (lead >= 0xe0 && lead < 0xf0)
		return 3;
	if (lead >= 0xf0 && lead < 0xf5)
		return 4;
	return 0;
}

size_t text_decode(const char *s, size_t len, unsigned int *cp)
{
	size_t need = len ? utf8_length((unsigned char)s[0]) : 0;
	unsigned int c;

	if (!need || need > len)
		return 0;
	c = (unsigned char)s[0];
	if (need > 1)
		c &= 0x7fU >> need;
	for (size_t i = 1; i < need; i++) {
		unsigned char byte = (unsigned char)s[i];

		if ((byte & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (byte & 0x3f);
	}
	if (c < utf8_min[need] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*cp = c;
	return need;
}

/** May a character of this class pass here? @marks counts those on the character before. */
static bool passes(enum unicode_class class, unsigned int cp, int *marks)
{
	switch (class) {
	case UNICODE_NARROW:
	case UNICODE_WIDE:
		/* on a blank a mark would look like a character of its own */
		*marks = cp == ' ' ? MARKS_MAX : 0;
		return true;
	case UNICODE_MARK:
		return (*marks)++ < MARKS_MAX;
	case UNICODE_ESCAPE:
		break;
	}
	return false;
}

/** Take the next character of @src (@len > 0 bytes). @marks starts at MARKS_MAX: none may lead. */
static struct piece next_piece(const char *src, size_t len, int *marks)
{
	struct piece p = {.escaped = true};
	unsigned int cp = 0;
	int n;

	p.used = text_decode(src, len, &cp);
	if (p.used && passes(unicode_class(cp), cp, marks)) {
		memcpy(p.text, src, p.used);
		p.len = p.used;
		p.escaped = false;
		return p;
	}

	*marks = MARKS_MAX;
	if (p.used > 1) {
		n = snprintf(p.text, sizeof(p.text), "\\u{%04x}", cp);
	} else {
		p.used = 1;
		n = snprintf(p.text, sizeof(p.text), "\\x%02x", (unsigned char)src[0]);
	}
	p.len = (size_t)n;
	return p;
}

size_t text_sanitize(char *dst, size_t size, const char *src, size_t len)
{
	size_t out = 0;
	int marks = MARKS_MAX;

	if (!size)
		return 0;
	while (len) {
		struct piece p = next_piece(src, len, &marks);

		if (p.len > size - 1 - out)
			break;
		memcpy(dst + out, p.text, p.len);
		out += p.len;
		src += p.used;
		len -= p.used;
	}
	dst[out] = '\0';
	return out;
}

size_t text_vformat(char *dst, size_t size, const char *fmt, va_list args)
{
	char raw[MESSAGE_MAX];

	if (vsnprintf(raw, sizeof(raw), fmt, args) < 0)
		raw[0] = '\0';
	return text_sanitize(dst, size, raw, strlen(raw));
}

/** Bytes of the character at @s (@len > 0), and its cells; a broken byte counts as one cell. */
static size_t char_cells(const char *s, size_t len, int *cells)
{
	unsigned int cp = 0;
	size_t used = text_decode(s, len, &cp);
	enum unicode_class class = used ? unicode_class(cp) : UNICODE_NARROW;

	*cells = class == UNICODE_WIDE ? 2 : class == UNICODE_MARK ? 0 : 1;
	return used ? used : 1;
}

static int cells_of(const char *s, size_t len)
{
	int width = 0;

	while (len) {
		int cells;
		size_t used = char_cells(s, len, &cells);

		width += cells;
		s += used;
		len -= used;
	}
	return width;
}

int text_width(const char *s)
{
	return cells_of(s, strlen(s));
}

void text_fold(struct buf *b, const char *src, int at, int indent, int width)
{
	for (const char *word = src; *(word += strspn(word, " "));) {
		size_t len = strcspn(word, " ");
		int cells = cells_of(word, len);

		if (word != src && at + 1 + cells > width) {
			buf_printf(b, "\n%*s", indent, "");
			at = indent;
		} else if (word != src) {
			buf_putc(b, ' ');
			at++;
		}
		buf_put(b, word, len);
		at += cells;
		word += len;
	}
}

/** Bytes at the front of @s that take at most @cells cells, and how many these are. */
static size_t prefix_of(const char *s, int cells, int *taken)
{
	size_t len = strlen(s), at = 0;

	*taken = 0;
	while (at < len) {
		int width;
		size_t used = char_cells(s + at, len - at, &width);

		if (*taken + width > cells)
			break;
		*taken += width;
		at += used;
	}
	return at;
}

/* Where text_fit writes: what does not fit is dropped, and all that would follow it. */
struct target {
	char *dst;
	size_t room, len;
};

static void target_put(struct target *t, const char *s, size_t len)
{
	if (len > t->room) {
		t->room = 0;
		return;
	}
	memcpy(t->dst + t->len, s, len);
	t->len += len;
	t->room -= len;
}

static void target_pad(struct target *t, int cells)
{
	while (cells-- > 0)
		target_put(t, " ", 1);
}

static void target_put_chars(struct target *t, const char *s, size_t len)
{
	while (len) {
		int cells;
		size_t used = char_cells(s, len, &cells);

		target_put(t, s, used);
		s += used;
		len -= used;
	}
}

size_t text_fit(char *dst, size_t size, const char *src, int cells, int right)
{
	struct target t = {.dst = dst, .room = size ? size - 1 : 0};
	char cut = CUT;
	int taken = 0;
	size_t keep;

	if (!size)
		return 0;
	keep = prefix_of(src, cells, &taken);
	if (src[keep] && cells > 0) {
		keep = prefix_of(src, cells - 1, &taken);
		target_put_chars(&t, src, keep);
		target_put(&t, &cut, 1);
		target_pad(&t, cells - 1 - taken);
	} else if (cells > 0) {
		target_pad(&t, right ? cells - taken : 0);
		target_put_chars(&t, src, keep);
		target_pad(&t, right ? 0 : cells - taken);
	}
	dst[t.len] = '\0';
	return t.len;
}

/** Bytes at the front of @s that need neither a look at Unicode nor an escape. */
static size_t plain_prefix(const char *s, size_t len)
{
	size_t at = 0;

	while (at < len && s[at] >= ' ' && s[at] < 0x7f && s[at] != '"' && s[at] != '\\')
		at++;
	return at;
}

void text_json(struct buf *b, const char *src, size_t len)
{
	int marks = MARKS_MAX;

	while (len) {
		size_t plain = plain_prefix(src, len);
		struct piece p;

		if (plain) {
			buf_put(b, src, plain);
			marks = src[plain - 1] == ' ' ? MARKS_MAX : 0;
			src += plain;
			len -= plain;
			continue;
		}
		p = next_piece(src, len, &marks);
		/* a backslash of the source is doubled before JSON doubles it: it cannot forge an
		 * escape */
		if (!p.escaped && p.text[0] == '\\')
			buf_puts(b, "\\\\\\");
		else if (p.escaped || p.text[0] == '"')
			buf_putc(b, '\\');
		buf_put(b, p.text, p.len);
		src += p.used;
		len -= p.used;
	}
}
