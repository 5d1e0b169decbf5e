/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/prompt.h"

#include "tui/keys.h"

void prompt_done(struct prompt *p)
{
	edit_done(&p->filter);
	edit_done(&p->search);
}

struct edit *prompt_edit(struct prompt *p)
{
	return p->kind == PROMPT_SEARCH ? &p->search : &p->filter;
}

void prompt_open(struct prompt *p, enum prompt_kind kind, const char *text)
{
	p->kind = kind;
	p->wrong = false;
	p->message = NULL;
	edit_begin(prompt_edit(p), text);
	edit_remember(prompt_edit(p)); /* so that it comes back when it was cleared by mistake */
}

static enum prompt_news close(struct prompt *p, enum prompt_news news)
{
	edit_remember(prompt_edit(p));
	p->kind = PROMPT_NONE;
	return news;
}

enum prompt_news prompt_key(struct prompt *p, int key)
{
	struct edit *e = prompt_edit(p);

	switch (key) {
	case TUI_KEY_ENTER:
		/* What is wrong stays to be mended. */
		return p->wrong ? PROMPT_SAME : close(p, *e->text ? PROMPT_DONE : PROMPT_CLEARED);
	case TUI_KEY_ESC:
		return close(p, PROMPT_CLEARED);
	case TUI_KEY_BACKSPACE:
		if (!*e->text)
			return close(p, PROMPT_CLEARED);
		break;
	}
	p->message = NULL;
	return edit_key(e, key) ? PROMPT_CHANGED : PROMPT_SAME;
}
