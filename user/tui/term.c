/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE
#include "tui/term.h"

#include "tui/keys.h"
#include "tui/screen.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

/* ncurses 6.4 gives these macros of term.h names that we would rather use ourselves. */
#undef columns
#undef lines

enum { RESTORE_TEXT = 256, CRASH_STACK = 16384 };

static struct {
	SCREEN *screen;
	bool ascii;
	attr_t attrs[ATTR_COUNT];
	short pairs[ATTR_COUNT];
	struct termios saved;
} term;

/* --- a crash must not leave the terminal raw --- */

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

enum { CRASH_COUNT = sizeof(crash_signals) / sizeof(crash_signals[0]) };

static struct {
	struct sigaction old[CRASH_COUNT];
	char restore[RESTORE_TEXT]; /* made at the start: a handler may not ask terminfo */
	size_t len;
	char stack[CRASH_STACK];
	bool own_stack;
	volatile sig_atomic_t armed;
} crash;

static int restore_putc(int c)
{
	if (crash.len < sizeof(crash.restore))
		crash.restore[crash.len++] = (char)c;
	return c;
}

static void on_crash(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)context;
	if (crash.armed) {
		crash.armed = 0;
		if (write(STDOUT_FILENO, crash.restore, crash.len) < 0)
			errno = saved; /* nothing is left to try */
		tcsetattr(STDIN_FILENO, TCSANOW, &term.saved);
	}
	for (int i = 0; i < CRASH_COUNT; i++)
		sigaction(crash_signals[i], &crash.old[i], NULL);
	/* A fault happens again on return and meets the old action; what was sent is sent again. */
	if (info->si_code <= 0 || sig == SIGABRT)
		raise(sig);
	errno = saved;
}

static void crash_arm(void)
{
	const char *const strings[] = {exit_attribute_mode, orig_pair, keypad_local, exit_ca_mode,
				       cursor_normal};
	stack_t stack = {.ss_sp = crash.stack, .ss_size = sizeof(crash.stack)};
	stack_t have = {.ss_flags = SS_DISABLE};
	struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	crash.len = 0;
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		if (strings[i])
			tputs(strings[i], 1, restore_putc);
	}
	sigaltstack(NULL, &have); /* sanitizers bring a stack of their own */
	crash.own_stack = have.ss_flags & SS_DISABLE;
	if (crash.own_stack)
		sigaltstack(&stack, NULL);
	sigemptyset(&action.sa_mask);
	for (int i = 0; i < CRASH_COUNT; i++)
		sigaction(crash_signals[i], &action, &crash.old[i]);
	crash.armed = 1;
}

static void crash_disarm(void)
{
	stack_t none = {.ss_flags = SS_DISABLE};

	if (!crash.armed)
		return;
	crash.armed = 0;
	for (int i = 0; i < CRASH_COUNT; i++)
		sigaction(crash_signals[i], &crash.old[i], NULL);
	if (crash.own_stack)
		sigaltstack(&none, NULL);
}

/* --- looks --- */

struct look {
	attr_t attrs;
	short color; /* of the text on the terminal's own background; -1 = the terminal's own */
};

/* Colours only add to what bold, dim and reverse say already: without any, all can be read. Blue
 * and yellow are left out: one is unreadable on black, the other on white. */
static const struct look looks[ATTR_COUNT] = {
	[ATTR_NORMAL] = {A_NORMAL, -1},
	[ATTR_BOLD] = {A_BOLD, -1},
	[ATTR_DIM] = {A_DIM, -1},
	[ATTR_TITLE] = {A_UNDERLINE, -1},
	[ATTR_SORTED] = {A_UNDERLINE | A_BOLD, -1},
	[ATTR_SELECTED] = {A_REVERSE, -1},
	[ATTR_TAB] = {A_NORMAL, -1},
	[ATTR_ACTIVE_TAB] = {A_REVERSE | A_BOLD, -1},
	[ATTR_KEY] = {A_BOLD, -1},
	[ATTR_HINT] = {A_NORMAL, -1},
	[ATTR_SENT] = {A_BOLD, COLOR_GREEN},
	[ATTR_RECEIVED] = {A_BOLD, COLOR_CYAN},
	[ATTR_CLIENT] = {A_NORMAL, COLOR_CYAN},
	[ATTR_SERVER] = {A_NORMAL, COLOR_GREEN},
	[ATTR_LISTENER] = {A_NORMAL, COLOR_MAGENTA},
	[ATTR_FAILED] = {A_BOLD, COLOR_RED},
	[ATTR_NOTE] = {A_NORMAL, COLOR_RED},
	[ATTR_WARNING] = {A_REVERSE | A_BOLD, COLOR_RED},
};

static bool wants_color(enum term_color color)
{
	const char *no_color = getenv("NO_COLOR");

	if (color == TERM_COLOR_NEVER || (color == TERM_COLOR_AUTO && no_color && *no_color))
		return false;
	return has_colors();
}

static void choose_looks(enum term_color color)
{
	bool colored = wants_color(color) && start_color() == OK && use_default_colors() == OK;

	for (int i = 0; i < ATTR_COUNT; i++) {
		term.attrs[i] = looks[i].attrs;
		term.pairs[i] = 0;
		if (colored && looks[i].color >= 0) {
			term.pairs[i] = (short)(looks[i].color + 1);
			init_pair(term.pairs[i], looks[i].color, -1);
		}
	}
}

/* --- open and close --- */

static int check_terminal(void)
{
	const char *name = getenv("TERM");
	bool can_move;
	int known = 0;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return -ENOTTY;
	if (!name || !*name || !strcmp(name, "dumb"))
		return -ENODEV;
	if (setupterm(NULL, STDOUT_FILENO, &known) != OK)
		return known == 1 ? -ENODEV : -ENOENT;
	can_move = cursor_address != NULL;
	del_curterm(set_curterm(NULL)); /* newterm asks again */
	return can_move ? 0 : -ENODEV;
}

/* Ctrl-S would stop our output, and with it the program in the middle of a write. */
static void no_flow_control(void)
{
	struct termios now;

	if (tcgetattr(STDIN_FILENO, &now) == 0) {
		now.c_iflag &= ~(tcflag_t)(IXON | IXOFF);
		tcsetattr(STDIN_FILENO, TCSANOW, &now);
	}
}

static void set_modes(void)
{
	cbreak();
	noecho();
	nonl();
	no_flow_control();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	leaveok(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	def_prog_mode(); /* what term_resume goes back to */
}

int term_open(const struct term_options *options)
{
	int err = check_terminal();

	if (err)
		return err;
	if (tcgetattr(STDIN_FILENO, &term.saved) < 0)
		return -errno;
	term.ascii = options->ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	/* The size comes from the terminal: LINES and COLUMNS of a shell are out of date after a
	 * resize. */
	use_tioctl(TRUE);
	term.screen = newterm(NULL, stdout, stdin);
	if (!term.screen)
		return -ENOMEM;
	set_modes();
	choose_looks(options->color);
	crash_arm();
	return 0;
}

void term_close(void)
{
	if (!term.screen)
		return;
	crash_disarm();
	endwin();
	tcsetattr(STDIN_FILENO, TCSANOW, &term.saved);
	delscreen(term.screen);
	term.screen = NULL;
}

bool term_is_ascii(void)
{
	return term.ascii;
}

int term_fd(void)
{
	return STDIN_FILENO;
}

void term_size(int *rows, int *cols)
{
	struct winsize size = {0};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col &&
	    (size.ws_row != LINES || size.ws_col != COLS)) {
		resize_term(size.ws_row, size.ws_col);
		clearok(stdscr, TRUE); /* what a terminal leaves on its screen then is its own
					  choice */
	}
	*rows = LINES;
	*cols = COLS;
}

/* --- output --- */

/* The widths of libc's table and ours can differ for new characters. Each cell is put at its own
 * place, so that such a one never moves its neighbours. */
static void put_cell(int row, int col, const struct cell *c)
{
	wchar_t text[CELL_TEXT];
	cchar_t cc;
	size_t len = 0;

	if (!term.ascii)
		len = mbstowcs(text, c->text, CELL_TEXT);
	if (term.ascii || len == (size_t)-1 || len == 0 || wcwidth(text[0]) < 1) {
		text[0] = (unsigned char)c->text[0] < 0x80 && c->text[0] ? (wchar_t)c->text[0]
									 : L'?';
		text[1] = L'\0';
	}
	if (setcchar(&cc, text, term.attrs[c->attr], term.pairs[c->attr], NULL) == OK)
		mvadd_wch(row, col, &cc);
}

static bool takes_output(void)
{
	struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}

/* Where a terminal cannot switch its margin off, PutCharLR of ncurses 6.4 reaches the last cell by
 * way of the one before it: in a single column that is not there, and memory from before the line
 * is shown. */
static bool is_out_of_reach(int row, int col)
{
	return COLS == 1 && col == 0 && row == LINES - 1;
}

void term_put(const struct screen *s)
{
	if (!term.screen || isendwin() || !takes_output())
		return;
	erase();
	for (int row = 0; row < s->rows && row < LINES; row++) {
		for (int col = 0; col < s->cols && col < COLS; col++) {
			const struct cell *c = screen_cell(s, row, col);

			if (c->width && !is_out_of_reach(row, col))
				put_cell(row, col, c);
		}
	}
	refresh();
}

void term_repaint(void)
{
	if (term.screen)
		clearok(stdscr, TRUE);
}

/* --- input --- */

static int special_key(wint_t key)
{
	static const struct {
		wint_t curses;
		int key;
	} map[] = {
		{KEY_UP, TUI_KEY_UP},         {KEY_DOWN, TUI_KEY_DOWN},
		{KEY_PPAGE, TUI_KEY_PAGE_UP}, {KEY_NPAGE, TUI_KEY_PAGE_DOWN},
		{KEY_HOME, TUI_KEY_HOME},     {KEY_END, TUI_KEY_END},
		{KEY_BTAB, TUI_KEY_BACK_TAB}, {KEY_RESIZE, TUI_KEY_RESIZE},
		{KEY_LEFT, TUI_KEY_LEFT},     {KEY_RIGHT, TUI_KEY_RIGHT},
		{KEY_DC, TUI_KEY_DELETE},     {KEY_BACKSPACE, TUI_KEY_BACKSPACE},
		{KEY_ENTER, TUI_KEY_ENTER},   {KEY_FIND, TUI_KEY_HOME},
		{KEY_SELECT, TUI_KEY_END},
	};

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		if (map[i].curses == key)
			return map[i].key;
	}
	if (key > KEY_F0 && key <= KEY_F(12))
		return TUI_KEY_F0 + (int)(key - KEY_F0);
	return TUI_KEY_OTHER;
}

/* curses tells "no key" and "end of file" apart by nothing. */
static bool is_gone(void)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	int waiting = 0;

	if (poll(&p, 1, 0) <= 0)
		return false;
	if (p.revents & (POLLHUP | POLLERR | POLLNVAL))
		return true;
	return ioctl(STDIN_FILENO, FIONREAD, &waiting) < 0 || waiting == 0;
}

/* Terminals differ in what these two keys send. */
static int plain_key(wint_t key)
{
	switch (key) {
	case 0: /* Ctrl-Space */
		return TUI_KEY_OTHER;
	case '\b':
		return TUI_KEY_BACKSPACE;
	case '\n':
		return TUI_KEY_ENTER;
	default:
		return (int)key;
	}
}

int term_key(void)
{
	wint_t key;

	if (!term.screen)
		return TUI_KEY_NONE;
	switch (get_wch(&key)) {
	case OK:
		return plain_key(key);
	case KEY_CODE_YES:
		return special_key(key);
	default:
		return is_gone() ? TUI_KEY_GONE : TUI_KEY_NONE;
	}
}

/* --- stop and go on --- */

void term_resume(void)
{
	if (!term.screen)
		return;
	reset_prog_mode();
	clearok(stdscr, TRUE);
	refresh();
}

void term_suspend(void)
{
	struct sigaction old, stop = {.sa_handler = SIG_DFL};
	sigset_t mask, saved;

	if (!term.screen)
		return;
	endwin();
	sigemptyset(&mask);
	sigaddset(&mask, SIGTSTP);
	sigaction(SIGTSTP, &stop, &old);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &mask, &saved); /* stops here */
	sigprocmask(SIG_SETMASK, &saved, NULL);
	sigaction(SIGTSTP, &old, NULL);
	term_resume();
}
