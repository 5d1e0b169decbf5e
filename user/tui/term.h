/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * The terminal: puts a screen on it and reads keys. The only file that knows curses; one per
 * program. After term_open the terminal is restored by term_close, and by a handler when the
 * program crashes.
 */
#ifndef TUI_TERM_H
#define TUI_TERM_H

#include <stdbool.h>

struct screen;

enum term_color { TERM_COLOR_AUTO, TERM_COLOR_ALWAYS, TERM_COLOR_NEVER };

struct term_options {
	enum term_color color; /* AUTO: unless NO_COLOR is set, if the terminal has colours */
	bool ascii;            /* nothing beyond ASCII; implied when the locale is not UTF-8 */
};

/** Take over the terminal of stdin and stdout; setlocale comes before. 0 or -ENOTTY (no terminal),
 *  -ENODEV (TERM is unset, `dumb`, or cannot move the cursor), -ENOENT (TERM is not known here),
 *  -ENOMEM. On errors the terminal is as it was. */
int term_open(const struct term_options *options);
/** Restore the terminal. A no-op when it is not open. */
void term_close(void);
bool term_is_ascii(void);
/** Descriptor to poll for keys. */
int term_fd(void);
/** Ask the terminal for its size, after SIGWINCH or TUI_KEY_RESIZE too. */
void term_size(int *rows, int *cols);
/** Show @s; only cells that changed are written. A terminal that takes no output (Ctrl-S, a dead
 *  line) is left out until the next call, so that this does not wait for it. */
void term_put(const struct screen *s);
/** Write every cell anew with the next term_put. */
void term_repaint(void);
/** Next key that is waiting: a code point, TUI_KEY_..., TUI_KEY_NONE or TUI_KEY_GONE. Never waits
 *  but for the rest of an escape sequence (25 ms). */
int term_key(void);
/** Restore the terminal and stop the process like SIGTSTP does by default; returns after SIGCONT
 * with the terminal taken over again. For a program that blocks SIGTSTP and reads it from a
 * signalfd. */
void term_suspend(void);
/** Take over the terminal again after a SIGCONT that term_suspend did not wait for (SIGSTOP). */
void term_resume(void);

#endif
