/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The one table of keys: key -> action -> line of the help. Help and footer are made from it. */
#ifndef TUI_KEYS_H
#define TUI_KEYS_H

#include <stddef.h>

enum {                    /* keys that are no character; characters are their code points */
       TUI_KEY_NONE = -1, /* no key is waiting */
       TUI_KEY_GONE = -2, /* the terminal is gone (end of file, EIO) */
       TUI_KEY_CTRL_C = 3,
       TUI_KEY_CTRL_L = 12,
       TUI_KEY_TAB = 9,
       TUI_KEY_ENTER = 13,
       TUI_KEY_ESC = 27,
       TUI_KEY_BACKSPACE = 127,
       TUI_KEY_UP = 0x110000,
       TUI_KEY_DOWN,
       TUI_KEY_LEFT,
       TUI_KEY_RIGHT,
       TUI_KEY_DELETE,
       TUI_KEY_PAGE_UP,
       TUI_KEY_PAGE_DOWN,
       TUI_KEY_HOME,
       TUI_KEY_END,
       TUI_KEY_BACK_TAB,
       TUI_KEY_RESIZE, /* the terminal has another size now */
       TUI_KEY_OTHER,  /* a key without a meaning here */
       TUI_KEY_F0,     /* F1 is TUI_KEY_F0 + 1, and so on */
};

enum action {
	ACTION_NONE, /* the key is not bound */
	ACTION_HELP,
	ACTION_QUIT,
	ACTION_NEXT_VIEW,
	ACTION_PREVIOUS_VIEW,
	ACTION_VIEW_1, /* in the order of table_order */
	ACTION_VIEW_2,
	ACTION_VIEW_3,
	ACTION_VIEW_4,
	ACTION_VIEW_5,
	ACTION_VIEW_6,
	ACTION_VIEW_7,
	ACTION_VIEW_8,
	ACTION_VIEW_9,
	ACTION_SORT_PREVIOUS,
	ACTION_SORT_NEXT,
	ACTION_SORT_SENT,
	ACTION_SORT_RECEIVED,
	ACTION_SORT_ACTIVITY,
	ACTION_REVERSE,
	ACTION_PAUSE,
	ACTION_TREE,
	ACTION_KEEP,
	ACTION_FASTER,
	ACTION_SLOWER,
	ACTION_OWN_COST,
	ACTION_UP,
	ACTION_DOWN,
	ACTION_PAGE_UP,
	ACTION_PAGE_DOWN,
	ACTION_FIRST,
	ACTION_LAST,
	ACTION_REDRAW,
	ACTION_INTO,
	ACTION_BACK, /* closes help, too */
	ACTION_FILTER,
	ACTION_SEARCH,
	ACTION_SEARCH_NEXT,
	ACTION_SEARCH_PREVIOUS,
	ACTION_DETAIL,
	ACTION_READ_ONLY,
	ACTION_COUNT
};

enum { KEYS_MAX = 4, KEYS_TEXT = 64 };

struct key_row {
	enum action action;
	int keys[KEYS_MAX]; /* 0 ends */
	const char *help;   /* one line, no full stop; NULL: the keys join the row before */
	const char *label;  /* how the footer names the keys */
	const char *hint;   /* what the footer says; NULL = not in the footer */
};

/** In the order of the help; what the footer shows first stands first. */
extern const struct key_row key_rows[];
extern const size_t key_row_count;

/** What a key does. */
enum action keys_action(int key);
/** Write the keys of a row and of those that joined it: `q F10 Ctrl-C`, `1-9`. Returns @dst. */
char *keys_text(char *dst, size_t size, const struct key_row *row);

#endif
