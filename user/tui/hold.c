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

static int hold_tab(struct ui_tab *tab, const struct model *m)
{
	struct view *v = &tab->view;
	bool has_users = v->table != TABLE_PROCESSES && v->table < GROUP_KINDS;
	int err = view_update(v, m, SIZE_MAX);

	if (err)
		return err;
	tab->held = calloc(v->count + 1, sizeof(*tab->held));
	if (has_users)
		tab->held_users = calloc(v->count + 1, sizeof(*tab->held_users));
	if (!tab->held || (has_users && !tab->held_users))
		return -ENOMEM;
	for (size_t i = 0; i < v->count; i++) {
		tab->held[i] = *v->rows[i];
		v->rows[i] = &tab->held[i];
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

int hold_update(struct ui_tab *tab, const struct model *m, size_t want)
{
	if (!tab->held)
		return view_update(&tab->view, m, want);
	view_reorder(&tab->view, m);
	return 0;
}
