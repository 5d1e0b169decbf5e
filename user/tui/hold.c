/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/hold.h"

#include "tui/ui.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void hold_release(struct ui *ui)
{
	for (int t = 0; t < TABLE_COUNT; t++) {
		struct ui_tab *tab = &ui->tabs[t];

		if (!tab->held && !tab->held_users)
			continue;
		free(tab->held);
		free(tab->held_users);
		tab->held = NULL;
		tab->held_users = NULL;
		tab->anchor_at = NULL;
		view_forget(&tab->view);
	}
}

/* A row of a group borrows its users from the model. */
static void hold_users(struct row *row, struct proc users[ROW_USERS])
{
	uint32_t n = row->user_count < ROW_USERS ? row->user_count : ROW_USERS;

	if (!row->users)
		return;
	memcpy(users, row->users, n * sizeof(*users));
	row->users = users;
}

static void take_rows(struct ui_tab *tab)
{
	tab->rows = tab->is_tree ? tab->tree.rows : tab->view.rows;
	tab->count = tab->is_tree ? tab->tree.count : tab->view.count;
	tab->sorted = tab->is_tree ? tab->tree.sorted : tab->view.sorted;
}

static int update(struct ui_tab *tab, const struct model *m, size_t want)
{
	int err = view_update(&tab->view, m, want);

	if (!err && tab->is_tree)
		err = tree_update(&tab->tree, &tab->view, m, want);
	take_rows(tab);
	return err;
}

static int hold_tab(struct ui_tab *tab, const struct model *m)
{
	enum table_kind table = tab->view.table;
	bool has_users = table != TABLE_PROCESSES && table < GROUP_KINDS;
	int err = update(tab, m, SIZE_MAX);

	if (err)
		return err;
	tab->held = calloc(tab->count + 1, sizeof(*tab->held));
	if (has_users)
		tab->held_users = calloc(tab->count + 1, sizeof(*tab->held_users));
	if (!tab->held || (has_users && !tab->held_users))
		return -ENOMEM;
	for (size_t i = 0; i < tab->count; i++) {
		tab->held[i] = *tab->rows[i];
		tab->rows[i] = &tab->held[i];
		if (tab->held_users)
			hold_users(&tab->held[i], tab->held_users[i]);
	}
	tab->anchor_at = NULL;
	return 0;
}

int hold(struct ui *ui, const struct model *m)
{
	for (int t = 0; t < TABLE_COUNT; t++) {
		int err = hold_tab(&ui->tabs[t], m);

		if (err) {
			hold_release(ui);
			ui->paused = false;
			ui->message = "not enough memory to hold the picture";
			return err;
		}
	}
	return 0;
}

/* A tree that is held stays in its order: who belongs to whom is not held. */
int hold_update(struct ui_tab *tab, const struct model *m, size_t want)
{
	if (!tab->held)
		return update(tab, m, want);
	if (!tab->is_tree)
		view_reorder(&tab->view, m);
	take_rows(tab);
	return 0;
}
