/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Help over the table: keys, columns of the view, what is counted, what is not seen. */
#ifndef TUI_HELP_H
#define TUI_HELP_H

struct screen;
struct ui;

/** Lines of the whole help at the present width; more than the screen has can be scrolled. */
int help_height(const struct ui *ui);
/** Draw from line ui->help_offset. */
void help_draw(struct screen *s, const struct ui *ui);

#endif
