/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The lines at the top: totals, loss, own cost, what is not seen; and the line of tabs. */
#ifndef TUI_HEADER_H
#define TUI_HEADER_H

struct screen;
struct ui;

/** What fits of the facts, the most important ones first, in the lines of the layout. */
void header_draw(struct screen *s, const struct ui *ui);
/** Own cost in detail, when it is asked for. */
void header_cost(struct screen *s, const struct ui *ui);
/** `1 Processes 12  2 Ports 8 ...` and what the table is sorted by. */
void header_tabs(struct screen *s, const struct ui *ui);

#endif
