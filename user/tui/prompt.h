/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The line at the foot of the screen in which a filter or a text to look for is typed. */
#ifndef TUI_PROMPT_H
#define TUI_PROMPT_H

#include <stdbool.h>

#include "model/filter.h"
#include "tui/edit.h"

enum prompt_kind { PROMPT_NONE, PROMPT_FILTER, PROMPT_SEARCH };

enum prompt_news {
	PROMPT_SAME,    /* nothing but the cursor */
	PROMPT_CHANGED, /* the text is another */
	PROMPT_DONE,    /* Enter: as it is */
	PROMPT_CLEARED, /* Esc */
};

struct prompt {
	enum prompt_kind kind;
	struct edit filter, search;
	bool wrong; /* the filter as typed is none; error says why */
	struct filter_error error;
	const char *message; /* borrowed; or NULL */
};

void prompt_done(struct prompt *p);
/** Begin to type; @text stands there already. */
void prompt_open(struct prompt *p, enum prompt_kind kind, const char *text);
/** What a key does to the open prompt; DONE and CLEARED close it. An empty line that is erased
 *  closes it, too: CLEARED. */
enum prompt_news prompt_key(struct prompt *p, int key);
/** The line of the open prompt. */
struct edit *prompt_edit(struct prompt *p);

#endif
