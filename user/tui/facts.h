/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What the kernel tells of one socket, as lines with a label each. Pure. */
#ifndef TUI_FACTS_H
#define TUI_FACTS_H

#include <stdbool.h>

#include "event/detail.h"

enum { FACTS_LINES = 10, FACTS_TEXT = 256 };

struct facts_text {
	int count;
	const char *label[FACTS_LINES]; /* constant */
	char text[FACTS_LINES][FACTS_TEXT];
};

/** Lines for @d, none if the socket was not found. */
void facts_write(struct facts_text *f, const struct detail *d);

#endif
