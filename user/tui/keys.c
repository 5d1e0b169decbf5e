/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/keys.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define F(n) (TUI_KEY_F0 + (n))

const struct key_row key_rows[] = {
	{ACTION_HELP, {'?', 'h', F(1)}, "this help", "?", "Help"},
	{ACTION_QUIT, {'q', F(10), TUI_KEY_CTRL_C}, "quit", "q", "Quit"},
	{ACTION_NEXT_VIEW, {TUI_KEY_TAB}, "next, previous view", "Tab", "View"},
	{ACTION_PREVIOUS_VIEW, {TUI_KEY_BACK_TAB}, NULL, NULL, NULL},
	{ACTION_VIEW_1, {'1'}, "go to a view", NULL, NULL},
	{ACTION_VIEW_2, {'2'}, NULL, NULL, NULL},
	{ACTION_VIEW_3, {'3'}, NULL, NULL, NULL},
	{ACTION_VIEW_4, {'4'}, NULL, NULL, NULL},
	{ACTION_VIEW_5, {'5'}, NULL, NULL, NULL},
	{ACTION_VIEW_6, {'6'}, NULL, NULL, NULL},
	{ACTION_VIEW_7, {'7'}, NULL, NULL, NULL},
	{ACTION_VIEW_8, {'8'}, NULL, NULL, NULL},
	{ACTION_VIEW_9, {'9'}, NULL, NULL, NULL},
	{ACTION_INTO, {TUI_KEY_ENTER}, "into the row: what belongs to it", "Enter", "Into"},
	{ACTION_DETAIL, {'D'}, "the row in detail; Enter on a connection", NULL, NULL},
	{ACTION_BACK, {TUI_KEY_ESC, TUI_KEY_BACKSPACE}, "back, out of the row", NULL, NULL},
	{ACTION_FILTER, {'\\', F(4)}, "filter as you type", "\\", "Filter"},
	{ACTION_SEARCH, {'/'}, "search as you type", "/", "Search"},
	{ACTION_SEARCH_NEXT, {'n', F(3)}, "next, previous match", NULL, NULL},
	{ACTION_SEARCH_PREVIOUS, {'N'}, NULL, NULL, NULL},
	{ACTION_PAUSE, {' ', 'P'}, "hold the picture", "Space", "Pause"},
	{ACTION_SORT_PREVIOUS, {'<'}, "sort column left, right", "<>", "Sort"},
	{ACTION_SORT_NEXT, {'>'}, NULL, NULL, NULL},
	{ACTION_TREE, {'t', F(5)}, "connections under processes", NULL, NULL},
	{ACTION_KEEP, {'K'}, "keep ended connections", NULL, NULL},
	{ACTION_REVERSE, {'R', 'I'}, "reverse the order", "R", "Reverse"},
	{ACTION_FASTER, {'+'}, "refresh faster, slower", "+-", "Delay"},
	{ACTION_SLOWER, {'-'}, NULL, NULL, NULL},
	{ACTION_SORT_SENT, {'s'}, "sort by sent (TX/s)", "s", "Sent"},
	{ACTION_SORT_RECEIVED, {'r'}, "sort by received (RX/s)", "r", "Received"},
	{ACTION_SORT_ACTIVITY, {'a'}, "sort by both together", "a", "Activity"},
	{ACTION_OWN_COST, {'i'}, "own cost in detail", NULL, NULL},
	{ACTION_UP, {TUI_KEY_UP, 'k'}, "row above, below", NULL, NULL},
	{ACTION_DOWN, {TUI_KEY_DOWN, 'j'}, NULL, NULL, NULL},
	{ACTION_PAGE_UP, {TUI_KEY_PAGE_UP}, "page up, down", NULL, NULL},
	{ACTION_PAGE_DOWN, {TUI_KEY_PAGE_DOWN}, NULL, NULL, NULL},
	{ACTION_FIRST, {TUI_KEY_HOME, 'g'}, "first, last row", NULL, NULL},
	{ACTION_LAST, {TUI_KEY_END, 'G'}, NULL, NULL, NULL},
	{ACTION_REDRAW, {TUI_KEY_CTRL_L}, "draw the screen anew", NULL, NULL},
	{ACTION_READ_ONLY, {F(9)}, "nothing: read-only", NULL, NULL},
};

const size_t key_row_count = sizeof(key_rows) / sizeof(key_rows[0]);

enum action keys_action(int key)
{
	for (size_t i = 0; i < key_row_count; i++) {
		for (int k = 0; k < KEYS_MAX && key_rows[i].keys[k]; k++) {
			if (key_rows[i].keys[k] == key)
				return key_rows[i].action;
		}
	}
	return ACTION_NONE;
}

static void key_name(char *dst, size_t size, int key)
{
	static const struct {
		int key;
		const char *name;
	} names[] = {
		{' ', "Space"},
		{TUI_KEY_TAB, "Tab"},
		{TUI_KEY_ENTER, "Enter"},
		{TUI_KEY_ESC, "Esc"},
		{TUI_KEY_BACKSPACE, "Backspace"},
		{TUI_KEY_UP, "Up"},
		{TUI_KEY_DOWN, "Down"},
		{TUI_KEY_PAGE_UP, "PgUp"},
		{TUI_KEY_PAGE_DOWN, "PgDn"},
		{TUI_KEY_HOME, "Home"},
		{TUI_KEY_END, "End"},
		{TUI_KEY_BACK_TAB, "Shift-Tab"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].key == key) {
			snprintf(dst, size, "%s", names[i].name);
			return;
		}
	}
	if (key > TUI_KEY_F0)
		snprintf(dst, size, "F%d", key - TUI_KEY_F0);
	else if (key < ' ')
		snprintf(dst, size, "Ctrl-%c", key + '@');
	else
		snprintf(dst, size, "%c", key);
}

static bool is_digit(int key)
{
	return key >= '0' && key <= '9';
}

char *keys_text(char *dst, size_t size, const struct key_row *row)
{
	const struct key_row *end = key_rows + key_row_count;
	size_t len = 0, digit = 0; /* digit: the end of the first of a row of these */
	char name[16];

	dst[0] = '\0';
	do {
		for (int k = 0; k < KEYS_MAX && row->keys[k]; k++) {
			if (digit && is_digit(row->keys[k])) {
				len = digit + (size_t)snprintf(dst + digit, size - digit, "-%c",
							       row->keys[k]);
				continue;
			}
			key_name(name, sizeof(name), row->keys[k]);
			if (len + strlen(name) + 2 > size)
				return dst;
			len += (size_t)snprintf(dst + len, size - len, "%s%s", len ? " " : "",
						name);
			digit = is_digit(row->keys[k]) ? len : 0;
		}
		row++;
	} while (row < end && !row->help);
	return dst;
}
