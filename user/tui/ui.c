/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/ui.h"

#include "model/filter.h"
#include "model/order.h"
#include "tui/find.h"
#include "tui/help.h"
#include "tui/hold.h"
#include "tui/keys.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define DELAY_MIN_NS 100000000ULL
#define DELAY_MAX_NS 3600000000000ULL

int ui_init(struct ui *ui, uint64_t delay_ns)
{
	*ui = (struct ui){.delay_ns = delay_ns};
	for (int t = 0; t < TABLE_COUNT; t++) {
		struct ui_tab *tab = &ui->tabs[t];

		view_init(&tab->view, (enum table_kind)t);
		tab->first_sort = tab->view.sort;
		tab->first_descending = tab->view.descending;
	}
	ui_resize(ui, 24, 80);
	ui->histories = histories_new();
	return ui->histories ? 0 : -ENOMEM;
}

void ui_done(struct ui *ui)
{
	for (int t = 0; t < TABLE_COUNT; t++) {
		view_done(&ui->tabs[t].view);
		tree_done(&ui->tabs[t].tree);
		free(ui->tabs[t].held);
		free(ui->tabs[t].held_users);
	}
	prompt_done(&ui->prompt);
	filter_free(ui->own);
	filter_free(ui->spent);
	pane_done(&ui->pane);
	histories_free(ui->histories);
	*ui = (struct ui){0};
}

void ui_resize(struct ui *ui, int rows, int cols)
{
	ui->rows = rows;
	ui->cols = cols;
	ui->layout = layout_compute(rows, cols, ui->totals.note_count > 0, ui->own_cost);
}

void ui_sort(struct ui *ui, enum table_kind table, const struct column *column)
{
	view_sort(&ui->tabs[table].view, column);
}

/* --- selection --- */

static size_t page_rows(const struct ui *ui)
{
	return ui->layout.table.rows > 0 ? (size_t)ui->layout.table.rows : 1;
}

static bool same_row(const struct row *a, const struct row *b)
{
	if (a->table != b->table)
		return false;
	if (a->is_other || b->is_other)
		return a->is_other && b->is_other;
	return !order_key(a, b);
}

/* By its address, as rows do not move; its memory is looked at only if it is a row still. */
static size_t find_row(const struct ui_tab *tab)
{
	for (size_t i = 0; i < tab->sorted; i++) {
		const struct row *row = tab->rows[i];

		if ((!tab->anchor_at || row == tab->anchor_at) && same_row(&tab->anchor, row))
			return i;
	}
	return SIZE_MAX;
}

/* Put selection and offset where they belong. False if not enough rows are in order to tell. */
static bool place(struct ui_tab *tab, size_t page_size)
{
	size_t last = tab->count ? tab->count - 1 : 0;
	bool whole = tab->sorted == tab->count;
	size_t found = SIZE_MAX, offset = tab->offset;

	if (!tab->picked && !tab->follow)
		tab->selected = 0;
	else if (!tab->picked)
		found = find_row(tab);
	if (!tab->picked && tab->follow && found == SIZE_MAX && !whole)
		return false;
	if (found != SIZE_MAX)
		tab->selected = found;
	if (tab->selected > last)
		tab->selected = last;
	if (tab->count <= page_size)
		tab->offset = 0;
	else if (tab->offset > tab->count - page_size)
		tab->offset = tab->count - page_size;
	if (tab->offset > tab->selected)
		tab->offset = tab->selected;
	if (tab->selected - tab->offset >= page_size)
		tab->offset = tab->selected - page_size + 1;
	if (!whole && tab->offset + page_size > tab->sorted) {
		tab->offset = offset;
		return false;
	}
	tab->picked = false;
	if (!tab->count)
		return true;
	tab->anchor_at = tab->rows[tab->selected];
	tab->anchor = *tab->anchor_at;
	return true;
}

/* --- keys --- */

static unsigned int select_row(struct ui *ui, size_t index)
{
	struct ui_tab *tab = &ui->tabs[ui->tab];
	size_t last = tab->count ? tab->count - 1 : 0;

	tab->selected = index < last ? index : last;
	tab->picked = true;
	tab->follow = tab->selected > 0;
	return place(tab, page_rows(ui)) ? UI_SCREEN : UI_SCREEN | UI_ROWS;
}

static unsigned int page(struct ui *ui, bool down)
{
	struct ui_tab *tab = &ui->tabs[ui->tab];
	size_t step = page_rows(ui);

	if (down) {
		tab->offset += step; /* ui_refresh cuts it to what there is */
		return select_row(ui, tab->selected + step);
	}
	tab->offset -= tab->offset < step ? tab->offset : step;
	return select_row(ui, tab->selected < step ? 0 : tab->selected - step);
}

static unsigned int move(struct ui *ui, enum action action)
{
	struct ui_tab *tab = &ui->tabs[ui->tab];

	switch (action) {
	case ACTION_UP:
		return select_row(ui, tab->selected ? tab->selected - 1 : 0);
	case ACTION_DOWN:
		return select_row(ui, tab->selected + 1);
	case ACTION_PAGE_UP:
	case ACTION_PAGE_DOWN:
		return page(ui, action == ACTION_PAGE_DOWN);
	case ACTION_FIRST:
		return select_row(ui, 0);
	case ACTION_LAST:
		return select_row(ui, SIZE_MAX);
	default:
		return 0;
	}
}

static unsigned int sort_by(struct ui *ui, const struct column *column)
{
	if (column)
		view_sort(&ui->tabs[ui->tab].view, column);
	return UI_SCREEN | UI_ROWS;
}

static unsigned int sort_step(struct ui *ui, int step)
{
	const struct column *const *list = column_list(ui->tab);
	const struct column *now = ui->tabs[ui->tab].view.sort;
	int count = 0, at = -1;

	for (; list[count]; count++) {
		if (list[count] == now)
			at = count;
	}
	if (at < 0 && step < 0)
		at = 0;
	return count ? sort_by(ui, list[(at + step + count) % count]) : 0;
}

static unsigned int sort(struct ui *ui, enum action action)
{
	struct ui_tab *tab = &ui->tabs[ui->tab];

	switch (action) {
	case ACTION_SORT_PREVIOUS:
		return sort_step(ui, -1);
	case ACTION_SORT_NEXT:
		return sort_step(ui, 1);
	case ACTION_SORT_SENT:
		return sort_by(ui, &columns[COLUMN_TX_RATE]);
	case ACTION_SORT_RECEIVED:
		return sort_by(ui, &columns[COLUMN_RX_RATE]);
	case ACTION_SORT_ACTIVITY:
		tab->view.sort = tab->first_sort;
		tab->view.descending = tab->first_descending;
		return UI_SCREEN | UI_ROWS;
	case ACTION_REVERSE:
		tab->view.descending = !tab->view.descending;
		return UI_SCREEN | UI_ROWS;
	default:
		return 0;
	}
}

static int tab_place(const struct ui *ui)
{
	int at = 0;

	while (table_order[at] != ui->tab)
		at++;
	return at;
}

static unsigned int show(struct ui *ui, int at)
{
	ui->tab = table_order[(at + TABLE_COUNT) % TABLE_COUNT];
	return UI_SCREEN | UI_ROWS;
}

static unsigned int show_tree(struct ui *ui)
{
	struct ui_tab *tab = &ui->tabs[TABLE_PROCESSES];

	if (ui->paused) {
		ui->message = "the picture is held: Space lets it go";
		return UI_SCREEN;
	}
	tab->is_tree = !tab->is_tree || ui->tab != TABLE_PROCESSES;
	ui->tab = TABLE_PROCESSES;
	return UI_SCREEN | UI_ROWS;
}

static unsigned int set_delay(struct ui *ui, uint64_t delay_ns)
{
	if (delay_ns < DELAY_MIN_NS)
		delay_ns = DELAY_MIN_NS;
	if (delay_ns > DELAY_MAX_NS)
		delay_ns = DELAY_MAX_NS;
	ui->delay_ns = delay_ns;
	return UI_SCREEN | UI_DELAY;
}

static unsigned int other(struct ui *ui, enum action action)
{
	switch (action) {
	case ACTION_QUIT:
		return UI_QUIT;
	case ACTION_HELP:
		ui->help = true;
		ui->help_offset = 0;
		return UI_SCREEN | UI_ROWS;
	case ACTION_NEXT_VIEW:
		return show(ui, tab_place(ui) + 1);
	case ACTION_PREVIOUS_VIEW:
		return show(ui, tab_place(ui) - 1);
	case ACTION_VIEW_1:
	case ACTION_VIEW_2:
	case ACTION_VIEW_3:
	case ACTION_VIEW_4:
	case ACTION_VIEW_5:
	case ACTION_VIEW_6:
	case ACTION_VIEW_7:
	case ACTION_VIEW_8:
	case ACTION_VIEW_9:
		return show(ui, (int)(action - ACTION_VIEW_1));
	case ACTION_PAUSE:
		ui->paused = !ui->paused;
		return UI_SCREEN | UI_ROWS;
	case ACTION_TREE:
		return show_tree(ui);
	case ACTION_KEEP:
		ui->keep = !ui->keep;
		ui->message = ui->keep ? "ended connections are kept from now on"
				       : "ended connections go after some seconds";
		return UI_SCREEN | UI_CHOICE;
	case ACTION_FASTER:
		return set_delay(ui, ui->delay_ns / 2);
	case ACTION_SLOWER:
		return set_delay(ui, ui->delay_ns * 2);
	case ACTION_REDRAW:
		return UI_SCREEN | UI_REPAINT;
	case ACTION_OWN_COST:
		ui->own_cost = !ui->own_cost;
		if (ui->own_cost && ui->rows < LAYOUT_COST_ROWS)
			ui->message = "no room for the own cost: make the window higher";
		return UI_SCREEN | UI_ROWS;
	case ACTION_DETAIL:
		return ui_detail(ui);
	case ACTION_READ_ONLY:
		ui->message = "sockwatch is read-only: it kills and changes nothing";
		return UI_SCREEN;
	default:
		return 0;
	}
}

/* Of a text over the table. False: it is no key of it. */
static bool scroll(const struct ui *ui, int *offset, enum action action)
{
	int step = ui->layout.overlay.rows > 1 ? ui->layout.overlay.rows - 1 : 1;

	switch (action) {
	case ACTION_UP:
		(*offset)--;
		return true;
	case ACTION_DOWN:
		(*offset)++;
		return true;
	case ACTION_PAGE_UP:
		*offset -= step;
		return true;
	case ACTION_PAGE_DOWN:
		*offset += step;
		return true;
	case ACTION_FIRST:
		*offset = 0;
		return true;
	case ACTION_LAST:
		*offset = INT_MAX;
		return true;
	default:
		return false;
	}
}

static unsigned int help_key(struct ui *ui, enum action action)
{
	if (action == ACTION_REDRAW)
		return UI_SCREEN | UI_REPAINT;
	if (!scroll(ui, &ui->help_offset, action))
		ui->help = false;
	return UI_SCREEN | UI_ROWS;
}

unsigned int ui_detail(struct ui *ui)
{
	struct ui_tab *tab = &ui->tabs[ui->tab];

	if (!tab->count)
		return 0;
	tab->follow = true; /* the selection stays on the row that is shown */
	pane_open(&ui->pane, tab->rows[tab->selected]);
	return UI_SCREEN | UI_ROWS;
}

static unsigned int pane_key(struct ui *ui, enum action action)
{
	if (scroll(ui, &ui->pane.offset, action))
		return UI_SCREEN | UI_ROWS;
	switch (action) {
	case ACTION_QUIT:
	case ACTION_BACK:
	case ACTION_INTO:
	case ACTION_DETAIL:
		pane_close(&ui->pane);
		return UI_SCREEN | UI_ROWS;
	case ACTION_HELP:
	case ACTION_PAUSE:
	case ACTION_FASTER:
	case ACTION_SLOWER:
	case ACTION_REDRAW:
	case ACTION_OWN_COST:
	case ACTION_READ_ONLY:
		return other(ui, action);
	default:
		ui->message = "Esc or q closes the details";
		return UI_SCREEN;
	}
}

unsigned int ui_key(struct ui *ui, int key)
{
	enum action action = keys_action(key);
	unsigned int changed = ui->message ? UI_SCREEN : 0;

	if (key < 0 || key == TUI_KEY_RESIZE)
		return 0;
	ui->message = NULL;
	if (key == TUI_KEY_CTRL_C)
		return UI_QUIT;
	if (ui->help)
		return help_key(ui, action);
	if (ui->pane.is_open)
		return pane_key(ui, action);
	if (ui->prompt.kind != PROMPT_NONE)
		return find_typed(ui, key);
	changed |= find_action(ui, action);
	changed |= move(ui, action);
	changed |= sort(ui, action);
	changed |= other(ui, action);
	return changed;
}

/* --- refresh --- */

static int refresh_tab(struct ui_tab *tab, const struct model *m, size_t page_size)
{
	int err = hold_update(tab, m, tab->offset + 2 * page_size);

	/* A place among the unsorted means nothing: sort all, then look again. */
	if (!err && !place(tab, page_size)) {
		err = hold_update(tab, m, SIZE_MAX);
		if (!err)
			place(tab, page_size);
	}
	return err;
}

static void refresh_totals(struct ui *ui, const struct model *m)
{
	const struct model_totals *now = model_totals(m);
	uint64_t elapsed_ns = now->time_ns - (ui->started ? ui->totals.time_ns : now->start_ns);
	uint64_t records = now->records_delivered - ui->totals.records_delivered;

	if (now->ticks != ui->totals.ticks && elapsed_ns)
		ui->records_rate = (uint64_t)((double)records * 1e9 / (double)elapsed_ns);
	ui->totals = *now;
	ui->started = true;
	ui->paused_ns = 0;
	for (int t = 0; t < TABLE_COUNT; t++)
		ui->row_count[t] = model_rows(m, (enum table_kind)t);
}

/* The picture stands still, what is said of us does not. */
static void refresh_held(struct ui *ui, const struct model_totals *now)
{
	ui->paused_ns = now->time_ns - ui->totals.time_ns;
	ui->totals.stretched_ns = now->stretched_ns;
	ui->totals.budget = now->budget;
	ui->totals.over_budget = now->over_budget;
	ui->totals.programs_tick = now->programs_tick;
	ui->totals.programs_error = now->programs_error;
}

static void limit(const struct ui *ui, int *offset, int height)
{
	int last = height - ui->layout.overlay.rows;

	if (*offset > last)
		*offset = last;
	if (*offset < 0)
		*offset = 0;
}

/* What is on the screen has a history from now on. */
static void note_history(struct ui *ui)
{
	const struct ui_tab *tab = &ui->tabs[ui->tab];
	size_t end = tab->offset + page_rows(ui);

	if (tab->held || !ui->totals.ticks)
		return;
	history_note(&ui->all, &ui->totals.count, &ui->totals);
	for (size_t i = tab->offset; i < end && i < tab->sorted; i++)
		histories_note(ui->histories, tab->rows[i], &ui->totals);
}

static void refresh_pane(struct ui *ui, const struct model *m)
{
	const struct ui_tab *tab = &ui->tabs[ui->tab];

	pane_refresh(&ui->pane, tab->count ? tab->rows[tab->selected] : NULL, m);
	limit(ui, &ui->pane.offset, pane_height(ui, m));
}

int ui_refresh(struct ui *ui, const struct model *m)
{
	struct ui_tab *tab = &ui->tabs[ui->tab];
	int err = 0, refresh_err;

	if (!m)
		return 0;
	ui->filter = model_filter(m) ? filter_text(model_filter(m)) : NULL;
	if (!ui->began)
		ui->wanted = model_filter(m);
	ui->began = true;
	into_name(&ui->into, m);
	if (!ui->paused)
		hold_release(ui);
	if (!tab->held)
		refresh_totals(ui, m);
	else
		refresh_held(ui, model_totals(m));
	if (ui->paused && !tab->held)
		err = hold(ui, m);
	ui_resize(ui, ui->rows, ui->cols);
	if (ui->help)
		limit(ui, &ui->help_offset, help_height(ui));
	if (ui->seek != SEEK_NONE)
		err = find_row_of_text(ui, tab, m);
	refresh_err = refresh_tab(tab, m, page_rows(ui));
	note_history(ui);
	if (ui->pane.is_open)
		refresh_pane(ui, m);
	return err ? err : refresh_err;
}
