/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The table in the middle: titles, and the rows that are on the screen. */
#ifndef TUI_ROWS_H
#define TUI_ROWS_H

struct model;
struct screen;
struct ui;

/** The arrow that tells the order; `v` or `^` where only ASCII will do. */
const char *rows_sort_mark(const struct ui *ui);
void rows_titles(struct screen *s, const struct ui *ui);
/** Formats no row but those shown; a sentence when there are none. */
void rows_draw(struct screen *s, const struct ui *ui, const struct model *m);

#endif
