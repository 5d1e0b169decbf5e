/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The details of one row, over the table. */
#ifndef TUI_PANE_H
#define TUI_PANE_H

#include <stdbool.h>

#include "event/detail.h"
#include "model/model.h"
#include "util/buf.h"

struct screen;
struct ui;

struct pane {
	bool is_open;
	bool gone;                    /* the row is: what is shown is what it was */
	int offset;                   /* first line on the screen */
	struct row row;               /* copy, as last seen */
	struct proc users[ROW_USERS]; /* what it borrows */
	struct detail_wish wish;      /* what is to be told; all zero = nothing */
	struct buf sentence;          /* owned */
	struct detail detail;         /* what was told; wish all zero: nothing yet */
};

/** Show @row from now on. */
void pane_open(struct pane *p, const struct row *row);
void pane_close(struct pane *p);
void pane_done(struct pane *p);
/** Take over @row, where the selection of the table is now, if it is the one that is shown (NULL:
 *  the table is empty), and what the model was told. */
void pane_refresh(struct pane *p, const struct row *row, const struct model *m);

/** Number of lines there are. */
int pane_height(const struct ui *ui, const struct model *m);
void pane_draw(struct screen *s, const struct ui *ui, const struct model *m);

#endif
