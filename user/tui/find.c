/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/find.h"

#include "tui/hold.h"
#include "tui/keys.h"
#include "tui/search.h"
#include "tui/ui.h"

#include <stdint.h>
#include <string.h>

/* Rows have other addresses then, and the one that is selected may have gone. */
static unsigned int choose(struct ui *ui)
{
	for (int t = 0; t < TABLE_COUNT; t++)
		ui->tabs[t].anchor_at = NULL;
	ui->choice = true;
	return UI_SCREEN | UI_ROWS | UI_CHOICE;
}

struct ui_choice ui_choice(const struct ui *ui)
{
	return (struct ui_choice){ui->wanted, ui->into.rows, ui->into.count};
}

void ui_chosen(struct ui *ui)
{
	filter_free(ui->spent);
	ui->spent = NULL;
	ui->choice = false;
	ui->filter = ui->wanted ? filter_text(ui->wanted) : NULL;
}

static unsigned int set_filter(struct ui *ui, struct filter *f)
{
	if (ui->choice && ui->wanted == ui->own)
		filter_free(ui->own); /* the model has never had it */
	else if (ui->own)
		ui->spent = ui->own;
	ui->own = f;
	ui->wanted = f;
	return choose(ui);
}

/* What is no filter as yet leaves the last one as it is. */
static unsigned int filter_typed(struct ui *ui)
{
	struct prompt *p = &ui->prompt;
	const char *text = p->filter.text;
	struct filter *f = NULL;

	p->wrong = false;
	if (text[strspn(text, " ")]) {
		f = filter_new(text, ui->service, &p->error);
		p->wrong = !f;
	}
	return p->wrong ? UI_SCREEN : set_filter(ui, f);
}

static unsigned int look_for(struct ui *ui, enum ui_seek seek)
{
	ui->seek = seek;
	if (seek != SEEK_HERE)
		ui->seek_from = ui->tabs[ui->tab].selected;
	return UI_SCREEN | UI_ROWS;
}

static unsigned int search_over(struct ui *ui, bool found)
{
	struct ui_tab *tab = &ui->tabs[ui->tab];

	if (found)
		return UI_SCREEN;
	tab->anchor = ui->seek_back;
	tab->anchor_at = NULL;
	tab->follow = ui->seek_from > 0;
	return UI_SCREEN | UI_ROWS;
}

unsigned int find_typed(struct ui *ui, int key)
{
	bool filters = ui->prompt.kind == PROMPT_FILTER;

	switch (prompt_key(&ui->prompt, key)) {
	case PROMPT_CHANGED:
		return filters ? filter_typed(ui) : look_for(ui, SEEK_HERE);
	case PROMPT_DONE:
		return filters ? UI_SCREEN : search_over(ui, true);
	case PROMPT_CLEARED:
		return filters ? set_filter(ui, NULL) : search_over(ui, false);
	default:
		return UI_SCREEN;
	}
}

static unsigned int open_filter(struct ui *ui)
{
	const char *text = ui->filter ? ui->filter : "";

	if (strlen(text) < EDIT_TEXT)
		prompt_open(&ui->prompt, PROMPT_FILTER, text);
	else
		ui->message = "the filter is too long for a line of the screen";
	return UI_SCREEN;
}

static unsigned int open_search(struct ui *ui)
{
	const struct ui_tab *tab = &ui->tabs[ui->tab];

	prompt_open(&ui->prompt, PROMPT_SEARCH, "");
	ui->seek_from = tab->selected;
	ui->seek_back = tab->anchor;
	return UI_SCREEN;
}

static unsigned int into_row(struct ui *ui)
{
	struct ui_tab *tab = &ui->tabs[ui->tab], *to = &ui->tabs[TABLE_CONNECTIONS];

	if (!tab->count)
		return 0;
	if (tab->rows[tab->selected]->table == TABLE_CONNECTIONS) /* nothing is below it: all of it
								   */
		return ui_detail(ui);
	ui->message = into_enter(&ui->into, tab->rows[tab->selected]);
	if (ui->message)
		return UI_SCREEN;
	tab->follow = true; /* to come back to it */
	ui->tab = TABLE_CONNECTIONS;
	to->selected = to->offset = 0;
	to->follow = to->picked = false;
	return choose(ui);
}

static unsigned int out_of_row(struct ui *ui)
{
	if (!ui->into.count)
		return 0;
	ui->tab = into_leave(&ui->into);
	return choose(ui);
}

unsigned int find_action(struct ui *ui, int action)
{
	bool changes = action == ACTION_INTO || action == ACTION_FILTER ||
		       (action == ACTION_BACK && ui->into.count);

	if (changes && ui->paused) {
		ui->message = "the picture is held: Space lets it go";
		return UI_SCREEN;
	}
	switch (action) {
	case ACTION_INTO:
		return into_row(ui);
	case ACTION_BACK:
		return out_of_row(ui);
	case ACTION_FILTER:
		return open_filter(ui);
	case ACTION_SEARCH:
		return open_search(ui);
	case ACTION_SEARCH_NEXT:
	case ACTION_SEARCH_PREVIOUS:
		if (!*ui->prompt.search.text)
			return open_search(ui);
		return look_for(ui, action == ACTION_SEARCH_NEXT ? SEEK_NEXT : SEEK_PREVIOUS);
	default:
		return 0;
	}
}

/* The front first: as a rule the match is there, and the rest need not be put in order. */
int find_row_of_text(struct ui *ui, struct ui_tab *tab, const struct model *m)
{
	const struct ui_tab *v = tab;
	const char *text = ui->prompt.search.text;
	bool back = ui->seek == SEEK_PREVIOUS;
	size_t from = ui->seek_from + (ui->seek == SEEK_NEXT), found = SIZE_MAX;
	int err = 0;

	if (back)
		from = from ? from - 1 : SIZE_MAX;
	if (!back && from < v->sorted && *text)
		found = search_rows(v->rows + from, v->sorted - from, m, text, 0, false);
	if (found != SIZE_MAX)
		found += from;
	if (found == SIZE_MAX && *text) {
		err = hold_update(tab, m, SIZE_MAX);
		if (!err && v->sorted)
			found = search_rows(v->rows, v->sorted, m, text,
					    from < v->sorted ? from
					    : back           ? v->sorted - 1
							     : 0,
					    back);
	}
	ui->seek = SEEK_NONE;
	if (found == SIZE_MAX) {
		ui->prompt.message = ui->message = *text ? "not found" : NULL;
		return err;
	}
	tab->selected = found;
	tab->picked = tab->follow = true;
	return err;
}
