/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What the user has chosen: view, order, selection, pause. Knows keys, but neither cells nor
 * curses. */
#ifndef TUI_UI_H
#define TUI_UI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/history.h"
#include "model/tree.h"
#include "model/view.h"
#include "tui/into.h"
#include "tui/layout.h"
#include "tui/pane.h"
#include "tui/prompt.h"

enum {
	UI_SCREEN = 1,
	UI_ROWS = 2,
	UI_DELAY = 4,
	UI_REPAINT = 8,
	UI_QUIT = 16,
	UI_CHOICE = 32
}; /* what a key changed */

enum ui_seek { SEEK_NONE, SEEK_HERE, SEEK_NEXT, SEEK_PREVIOUS };

struct ui_tab {
	struct view view;
	struct tree tree; /* in place of the rows of the view */
	bool is_tree;
	const struct row **rows; /* what is shown: borrowed from view or tree, as ui_refresh */
	size_t count, sorted;    /* found them; see struct view */
	const struct column *first_sort; /* order at the start */
	bool first_descending;
	size_t selected; /* index in rows */
	size_t offset;   /* of the first row on the screen */
	bool picked;     /* selected was moved and anchor is not yet set to it */
	bool follow; /* the selection stays on the row like anchor; false: on the top of the table
		      */
	struct row anchor;           /* copy of the selected row as last seen */
	const struct row *anchor_at; /* where that was, only to compare with; NULL = not known */
	struct row *held;            /* owned copies that rows points to while paused, else NULL */
	struct proc (*held_users)[ROW_USERS]; /* owned; what rows of groups borrow while paused */
};

struct ui {
	struct ui_tab tabs[TABLE_COUNT];
	size_t row_count[TABLE_COUNT];
	enum table_kind tab;
	struct layout layout;
	int rows, cols;
	bool ascii; /* no characters beyond ASCII in what we draw ourselves */
	bool paused, help;
	bool keep;                   /* connections that have ended */
	bool own_cost;               /* shown in detail: a line or two more above the tabs */
	struct pane pane;            /* details of a row, over the table */
	struct history all;          /* of all sockets */
	struct histories *histories; /* owned; of rows that were on the screen */
	int help_offset;             /* first line of the help on the screen */
	const char *message;         /* borrowed; in the footer until the next key, or NULL */
	uint64_t delay_ns;           /* wanted length of an interval */
	bool started;                /* totals hold */
	struct model_totals totals;  /* of the picture: those of the pause while paused */
	uint64_t paused_ns;          /* age of the picture while paused */
	uint64_t records_rate;       /* per second, over the last interval */
	const char *filter;          /* text of the model's, borrowed from it; NULL = none */
	/* What is chosen: for the model, which is not ours to change. */
	struct into into;
	filter_service_fn *service;  /* NULL: no names of ports */
	const struct filter *wanted; /* the model's, or own */
	struct filter *own, *spent;  /* owned; spent goes when the model has own */
	bool choice, began;          /* not yet the model's; wanted has been the model's */
	struct prompt prompt;
	enum ui_seek seek; /* to be done by ui_refresh, which knows the texts */
	size_t seek_from;
	struct row seek_back; /* where Esc goes back to */
};

struct ui_choice { /* for model_choose */
	const struct filter *filter;
	const struct row *rows;
	size_t count;
};

/** 0 or -ENOMEM. The size is 24x80 until ui_resize. */
int ui_init(struct ui *ui, uint64_t delay_ns);
void ui_done(struct ui *ui);
/** Show the details of the selected row. Returns what it changed, as ui_key. */
unsigned int ui_detail(struct ui *ui);
void ui_resize(struct ui *ui, int rows, int cols);
/** Sort one table; @column is one of its columns. */
void ui_sort(struct ui *ui, enum table_kind table, const struct column *column);
/** Apply a key; returns what it changed. UI_ROWS asks for ui_refresh before the next key or
 * drawing. */
unsigned int ui_key(struct ui *ui, int key);
/** After UI_CHOICE: what the model shall be of, borrowed until the next key. Once it is, tell by
 *  ui_chosen, and refresh. */
struct ui_choice ui_choice(const struct ui *ui);
void ui_chosen(struct ui *ui);
/** Bring rows, selection and totals up to date. After any model_apply this comes first, then ui_key
 * and drawing. @m NULL: nothing is known yet. 0 or -ENOMEM: fewer rows in order, all else holds. */
int ui_refresh(struct ui *ui, const struct model *m);

#endif
