/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The whole picture: what is known and chosen -> cells. Reads no clock and knows no terminal. */
#ifndef TUI_DRAW_H
#define TUI_DRAW_H

struct model;
struct screen;
struct ui;

/** Draw on a screen of the size of @ui, after ui_refresh(ui, m). @m NULL: nothing is known yet. */
void draw(struct screen *s, const struct ui *ui, const struct model *m);

#endif
