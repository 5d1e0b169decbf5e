/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The pause: the model goes on, so the picture keeps rows of its own. */
#ifndef TUI_HOLD_H
#define TUI_HOLD_H

#include <stddef.h>

struct model;
struct ui;
struct ui_tab;

/** Keep copies of all rows as they are now. 0 or -ENOMEM: nothing is held, and @ui says so. */
int hold(struct ui *ui, const struct model *m);
/** Show the model again. Harmless when nothing is held. */
void hold_release(struct ui *ui);
/** The first @want rows of @tab in order: those of the model, or those that are held. */
int hold_update(struct ui_tab *tab, const struct model *m, size_t want);

#endif
