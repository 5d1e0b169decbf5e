/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/top.h"

#include "tui/draw.h"
#include "tui/keys.h"
#include "tui/screen.h"
#include "tui/ui.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINGER_NS 5000000000ULL /* what has ended stays in sight for so long */

enum { KEYS_PER_TURN = 64 }; /* a pasted file must not keep the ring buffer waiting */

struct top {
	struct sink sink;
	struct ui ui;
	struct screen screen;
	const struct model *model; /* borrowed; NULL before the first event */
	bool stale;                /* events have come since the rows were refreshed */
};

static struct top *top_of(struct sink *sink)
{
	return (struct top *)sink;
}

/* Out of memory leaves what could be drawn on the screen: a view need not end the run. */
static void refresh(struct top *top)
{
	if (top->stale)
		ui_refresh(&top->ui, top->model);
	top->stale = false;
}

static void redraw(struct top *top)
{
	int rows, cols;

	term_size(&rows, &cols);
	if (rows != top->screen.rows || cols != top->screen.cols) {
		screen_resize(&top->screen, rows, cols);
		ui_resize(&top->ui, top->screen.rows, top->screen.cols);
		top->stale = true;
	}
	refresh(top);
	draw(&top->screen, &top->ui, top->model);
	term_put(&top->screen);
}

/* The first time it is told; after that it comes with each tick. */
static bool has_detail(const struct pane *p)
{
	return !memcmp(&p->detail.wish, &p->wish, sizeof(p->wish));
}

static int top_event(struct sink *sink, const struct event *ev, const struct model *m)
{
	struct top *top = top_of(sink);

	top->model = m;
	top->stale = true;
	if (ev->kind == EVENT_TICK || (ev->kind == EVENT_DETAIL && !has_detail(&top->ui.pane)))
		redraw(top);
	return 0;
}

static int top_close(struct sink *sink)
{
	struct top *top = top_of(sink);

	if (!top)
		return 0;
	term_close();
	ui_done(&top->ui);
	screen_done(&top->screen);
	free(top);
	return 0;
}

static const struct sink_ops top_ops = {
	.name = "top",
	.event = top_event,
	.close = top_close,
};

/* The column may be missing from some tables, not from all. */
static int sort_tables(struct ui *ui, const char *key)
{
	bool found = false;

	for (int t = 0; key && t < TABLE_COUNT; t++) {
		const struct column *column = column_find((enum table_kind)t, key);

		if (column)
			ui_sort(ui, (enum table_kind)t, column);
		found = found || column;
	}
	return found || !key ? 0 : -EINVAL;
}

struct sink *top_new(const struct top_options *options)
{
	struct top *top = calloc(1, sizeof(*top));
	int err;

	if (!top)
		return NULL;
	top->sink.ops = &top_ops;
	screen_init(&top->screen);
	err = ui_init(&top->ui, options->delay_ns);
	top->ui.tab = options->table;
	top->ui.own_cost = options->own_cost;
	top->ui.service = options->service;
	if (!err)
		err = sort_tables(&top->ui, options->sort);
	if (!err)
		err = screen_resize(&top->screen, 1, 1); /* redraw asks for more */
	if (!err)
		err = term_open(&options->term);
	if (err) {
		top_close(&top->sink);
		errno = -err;
		return NULL;
	}
	top->ui.ascii = term_is_ascii();
	redraw(top);
	return &top->sink;
}

int top_fd(const struct sink *sink)
{
	(void)sink;
	return term_fd();
}

int top_input(struct sink *sink)
{
	struct top *top = top_of(sink);
	unsigned int changed = 0;

	refresh(top);
	for (int i = 0; i < KEYS_PER_TURN; i++) {
		int key = term_key();
		unsigned int now;

		if (key == TUI_KEY_GONE)
			return -EIO;
		if (key == TUI_KEY_NONE)
			break;
		now = ui_key(&top->ui, key);
		if (now & UI_QUIT)
			return 1;
		if (now & UI_REPAINT)
			term_repaint();
		top->stale = now & UI_ROWS;
		if (!top->ui.choice)
			refresh(top);
		if (key == TUI_KEY_RESIZE)
			now |= UI_SCREEN;
		changed |= now;
		if (top->ui.choice) /* the next key is about what comes of it */
			break;
	}
	if (changed && !top->ui.choice)
		redraw(top);
	return 0;
}

bool top_choose(struct sink *sink, struct model *m)
{
	struct top *top = top_of(sink);
	struct ui_choice choice = ui_choice(&top->ui);

	model_keep_ended(m, top->ui.keep ? UINT64_MAX : LINGER_NS);
	if (!top->ui.choice)
		return false;
	model_choose(m, choice.filter, choice.rows, choice.count);
	ui_chosen(&top->ui);
	top->stale = true;
	redraw(top);
	return true;
}

uint64_t top_delay_ns(const struct sink *sink)
{
	return ((const struct top *)sink)->ui.delay_ns;
}

bool top_own_cost(const struct sink *sink)
{
	return ((const struct top *)sink)->ui.own_cost;
}

struct detail_wish top_wish(const struct sink *sink)
{
	return ((const struct top *)sink)->ui.pane.wish;
}

void top_draw(struct sink *sink)
{
	redraw(top_of(sink));
}

void top_resize(struct sink *sink)
{
	redraw(top_of(sink));
}

void top_suspend(struct sink *sink)
{
	term_suspend();
	redraw(top_of(sink));
}

void top_resume(struct sink *sink)
{
	term_resume();
	redraw(top_of(sink));
}
