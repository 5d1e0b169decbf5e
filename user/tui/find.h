/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Filter, search, and the way into rows: what the keys for these do to the state. */
#ifndef TUI_FIND_H
#define TUI_FIND_H

struct model;
struct ui;
struct ui_tab;

/** What an action changed, as ui_key; 0 if it is about something else. */
unsigned int find_action(struct ui *ui, int action);
/** A key while a filter or a text to look for is typed. */
unsigned int find_typed(struct ui *ui, int key);
/** Select what ui.seek asks for. 0 or -ENOMEM. */
int find_row_of_text(struct ui *ui, struct ui_tab *tab, const struct model *m);

#endif
