/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/edit.h"

#include "tui/keys.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CTRL_A = 1, CTRL_E = 5, CTRL_U = 21, CTRL_W = 23 };

void edit_done(struct edit *e)
{
	while (e->history_count)
		free(e->history[--e->history_count]);
}

static bool is_middle(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* At most EDIT_TEXT - 1 bytes, and no part of a character. */
static void copy_line(char dst[EDIT_TEXT], const char *text)
{
	size_t len = strnlen(text, EDIT_TEXT);

	if (len == EDIT_TEXT)
		len--;
	while (len && is_middle(text[len]))
		len--;
	memcpy(dst, text, len);
	dst[len] = '\0';
}

static void set(struct edit *e, const char *text)
{
	copy_line(e->text, text);
	e->cursor = strlen(e->text);
}

void edit_begin(struct edit *e, const char *text)
{
	set(e, text);
	e->recalled = 0;
}

void edit_remember(struct edit *e)
{
	size_t at = 0;
	char *line;

	while (at < e->history_count && strcmp(e->history[at], e->text) != 0)
		at++;
	if (!*e->text)
		return;
	if (at < e->history_count) {
		line = e->history[at];
	} else {
		line = strdup(e->text);
		if (!line)
			return;
		if (e->history_count < EDIT_HISTORY) {
			e->history_count++;
		} else {
			at = 0;
			free(e->history[at]);
		}
	}
	/* It comes last, what stood behind it moves up. */
	memmove(&e->history[at], &e->history[at + 1],
		(e->history_count - at - 1) * sizeof(*e->history));
	e->history[e->history_count - 1] = line;
}

static size_t before(const struct edit *e, size_t at)
{
	while (at && is_middle(e->text[--at]))
		;
	return at;
}

static size_t behind(const struct edit *e, size_t at)
{
	if (!e->text[at])
		return at;
	for (at++; is_middle(e->text[at]); at++)
		;
	return at;
}

static bool erase(struct edit *e, size_t from, size_t to)
{
	memmove(e->text + from, e->text + to, strlen(e->text + to) + 1);
	e->cursor = from;
	return from != to;
}

static size_t word_start(const struct edit *e)
{
	size_t at = e->cursor;

	while (at && e->text[at - 1] == ' ')
		at--;
	while (at && e->text[at - 1] != ' ')
		at--;
	return at;
}

static size_t encode(char dst[4], uint32_t c)
{
	if (c < 0x80) {
		dst[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		dst[0] = (char)(0xc0 | c >> 6);
		dst[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		dst[0] = (char)(0xe0 | c >> 12);
		dst[1] = (char)(0x80 | (c >> 6 & 0x3f));
		dst[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	dst[0] = (char)(0xf0 | c >> 18);
	dst[1] = (char)(0x80 | (c >> 12 & 0x3f));
	dst[2] = (char)(0x80 | (c >> 6 & 0x3f));
	dst[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static bool insert(struct edit *e, int key)
{
	char c[4];
	size_t n, len = strlen(e->text);

	if (key < ' ' || key >= 0x110000 || (key >= 0x7f && key < 0xa0) ||
	    (key >= 0xd800 && key < 0xe000))
		return false;
	n = encode(c, (uint32_t)key);
	if (len + n >= EDIT_TEXT)
		return false;
	memmove(e->text + e->cursor + n, e->text + e->cursor, len - e->cursor + 1);
	memcpy(e->text + e->cursor, c, n);
	e->cursor += n;
	return true;
}

/* What is being typed is the line after the newest. */
static bool recall(struct edit *e, size_t back)
{
	if (back > e->history_count || back == e->recalled)
		return false;
	if (!e->recalled)
		memcpy(e->typed, e->text, sizeof(e->typed));
	e->recalled = back;
	set(e, back ? e->history[e->history_count - back] : e->typed);
	return true;
}

bool edit_key(struct edit *e, int key)
{
	switch (key) {
	case TUI_KEY_LEFT:
		e->cursor = before(e, e->cursor);
		return false;
	case TUI_KEY_RIGHT:
		e->cursor = behind(e, e->cursor);
		return false;
	case TUI_KEY_HOME:
	case CTRL_A:
		e->cursor = 0;
		return false;
	case TUI_KEY_END:
	case CTRL_E:
		e->cursor = strlen(e->text);
		return false;
	case TUI_KEY_BACKSPACE:
		return erase(e, before(e, e->cursor), e->cursor);
	case TUI_KEY_DELETE:
		return erase(e, e->cursor, behind(e, e->cursor));
	case CTRL_U:
		return erase(e, 0, e->cursor);
	case CTRL_W:
		return erase(e, word_start(e), e->cursor);
	case TUI_KEY_UP:
		return recall(e, e->recalled + 1);
	case TUI_KEY_DOWN:
		return e->recalled && recall(e, e->recalled - 1);
	default:
		return insert(e, key);
	}
}
