/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "budget.h"
#include "capture/host.h"
#include "identity/ident.h"
#include "tui/top.h"
#include "util/lines.h"
#include "util/phases.h"
#include "util/text.h"

enum { POLL_SOURCE, POLL_TIMER, POLL_OUTPUT, POLL_SIGNAL, POLL_KEYS, POLL_COUNT };

struct loop {
	struct run *run;
	struct ident *ident;
	struct pollfd fds[POLL_COUNT];
	struct budget budget; /* its interval is what the timer is set to */
	uint64_t cpu_ns;      /* own CPU time when the interval began */
	uint64_t ticks;
	int trouble;             /* errno of the log's file, as it was told */
	bool has_terminal;       /* ours when it began */
	struct detail_wish wish; /* what the source was asked to tell of */
	bool stop;
	bool measuring; /* what our programs cost */
	bool draining;  /* the source had a full batch: there is more */
};

/* @has_file: of a log, which SIGHUP asks to reopen. */
static void signals(sigset_t *set, bool has_file)
{
	static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT};

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(watched) / sizeof(*watched); i++) {
		struct sigaction now;

		/* nohup means it. SIGINT is another matter: shells ignore it for what a script
		 * starts with `&`, and who sends it by pid wants the end of the log. */
		if (watched[i] == SIGHUP && !has_file && !sigaction(SIGHUP, NULL, &now) &&
		    now.sa_handler == SIG_IGN)
			continue;
		sigaddset(set, watched[i]);
	}
}

void run_block_signals(bool has_file)
{
	sigset_t set;

	signals(&set, has_file);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* One line on stderr; a path is anybody's text. */
static void say(const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	text_vformat(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "sockwatch: %s\n", text);
}

/* The log cannot be written, or can again: each is told once. */
static void tell_trouble(struct loop *l)
{
	const struct run *run = l->run;
	int trouble = run->lines ? lines_trouble(run->lines) : 0;

	if (trouble && !l->trouble)
		say("cannot write to %s: %s: records wait in memory, then are dropped and counted "
		    "(make room)",
		    run->name, strerror(trouble));
	if (!trouble && l->trouble)
		say("%s can be written again; records dropped so far: %llu", run->name,
		    (unsigned long long)lines_dropped(run->lines));
	l->trouble = trouble;
}

/* Behind the stage of names: the model first, then who reads it. */
static void pump(const struct event *ev, void *arg)
{
	struct run *run = arg;
	int err;

	model_apply(run->model, ev);
	err = run->sink->ops->event(run->sink, ev, run->model);
	if (err && !run->error)
		run->error = err;
}

static int arm(struct loop *l)
{
	uint64_t ns = l->budget.interval_ns;
	struct timespec t = {.tv_sec = (time_t)(ns / 1000000000),
			     .tv_nsec = (long)(ns % 1000000000)};
	struct itimerspec spec = {.it_interval = t, .it_value = t};

	return timerfd_settime(l->fds[POLL_TIMER].fd, 0, &spec, NULL) ? -errno : 0;
}

static int drain(struct loop *l)
{
	const struct source *src = l->run->source;
	int n = src->ops->drain(l->run->source, ident_event, l->ident);

	l->draining = n > 0;
	if (n == SOURCE_END) {
		l->stop = true;
		return 0;
	}
	return n < 0 ? n : 0;
}

static int tick(struct loop *l, bool last)
{
	struct source *src = l->run->source;

	if (last)
		l->stop = true;
	return src->ops->tick(src, host_boottime_ns(), last, ident_event, l->ident);
}

/* What the interval that has just ended took, with all that was drawn or written at its end. */
static uint64_t used_ns(struct loop *l)
{
	uint64_t before_ns = l->cpu_ns;

	l->cpu_ns = host_cpu_ns();
	return l->cpu_ns - before_ns;
}

static void tell_pace(struct loop *l)
{
	const struct budget *b = &l->budget;
	struct event ev = {.kind = EVENT_PACE, .time_ns = host_boottime_ns()};

	ev.pace.interval_ns = b->interval_ns;
	ev.pace.budget = b->share;
	ev.pace.stretched = b->interval_ns > b->asked_ns;
	ev.pace.over = b->over;
	ident_event(&ev, l->ident);
}

/* The length of intervals may have changed from what it @was. */
static int set_pace(struct loop *l, const struct budget *was)
{
	const struct budget *b = &l->budget;
	bool longer = b->interval_ns > b->asked_ns, was_longer = was->interval_ns > was->asked_ns;

	if ((longer || was_longer) &&
	    (b->interval_ns != was->interval_ns || b->over != was->over || longer != was_longer))
		tell_pace(l);
	return b->interval_ns != was->interval_ns ? arm(l) : 0;
}

static int on_timer(struct loop *l)
{
	struct budget was = l->budget;
	uint64_t expired;
	int err;

	if (read(l->fds[POLL_TIMER].fd, &expired, sizeof(expired)) != sizeof(expired))
		return 0;
	l->ticks++;
	err = tick(l, l->run->iterations && l->ticks >= l->run->iterations);
	tell_trouble(l);
	if (err || l->stop)
		return err;
	budget_next(&l->budget, used_ns(l));
	return set_pace(l, &was);
}

/* The live view has nothing left to say when it is closed; a log has its last interval. */
static int end(struct loop *l)
{
	if (!l->run->top)
		return tick(l, true);
	l->stop = true;
	return 0;
}

static bool is_on_terminal(void)
{
	int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Somebody wants the log to go on in a new file, or the terminal that we were started on is gone.
 */
static int on_hangup(struct loop *l)
{
	char why[1024];

	if (!l->run->lines || !lines_is_file(l->run->lines) ||
	    (l->has_terminal && !is_on_terminal()))
		return end(l);
	if (lines_reopen(l->run->lines, why, sizeof(why)))
		say("%s: going on in the file as it was", why);
	return 0;
}

static int on_signal(struct loop *l)
{
	struct sink *top = l->run->top;
	struct signalfd_siginfo info;

	if (read(l->fds[POLL_SIGNAL].fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	switch (info.ssi_signo) {
	case SIGWINCH:
		if (top)
			top_resize(top);
		return 0;
	case SIGTSTP:
		if (top)
			top_suspend(top);
		else
			raise(SIGSTOP);
		return 0;
	case SIGCONT:
		if (top)
			top_resume(top);
		return 0;
	case SIGHUP:
		return on_hangup(l);
	default:
		return end(l);
	}
}

/* Nobody reads any more (`| head -1`): as quiet as SIGPIPE would be, without waiting to write. Or
 * there is room for what waits. */
static int on_output(struct loop *l)
{
	if (l->fds[POLL_OUTPUT].revents & POLLOUT)
		return lines_flush(l->run->lines);
	l->stop = true;
	return 0;
}

static void measure(struct loop *l, bool on)
{
	const struct source *src = l->run->source;

	if (on != l->measuring && src->ops->measure)
		src->ops->measure(l->run->source, on);
	l->measuring = on;
}

/* Somebody looks at another row, or at none any more. */
static int look(struct loop *l)
{
	const struct source *src = l->run->source;
	struct detail_wish wish = top_wish(l->run->top);

	if (!src->ops->detail || !memcmp(&wish, &l->wish, sizeof(wish)))
		return 0;
	l->wish = wish;
	return src->ops->detail(l->run->source, &wish, ident_event, l->ident);
}

static int on_keys(struct loop *l)
{
	struct budget was = l->budget;
	int what, err;

	do {
		what = top_input(l->run->top);
	} while (!what && top_choose(l->run->top, l->run->model));
	err = look(l);
	if (err)
		return err;
	measure(l, top_own_cost(l->run->top));

	if (what)
		l->stop = true; /* the user quits, or the terminal is gone: a clean end both */
	budget_ask(&l->budget, top_delay_ns(l->run->top));
	return set_pace(l, &was);
}

static int step(struct loop *l)
{
	static int (*const handlers[POLL_COUNT])(struct loop *) = {
		drain, on_timer, on_output, on_signal, on_keys,
	};
	bool waiting = l->run->lines && lines_fd(l->run->lines) >= 0;
	int n;

	l->fds[POLL_OUTPUT].events = waiting ? POLLOUT : 0; /* errors come unasked */
	n = poll(l->fds, POLL_COUNT, l->draining ? 0 : -1);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (l->draining)
		l->fds[POLL_SOURCE].revents |= POLLIN;
	for (int i = POLL_COUNT - 1; i >= 0 && !l->stop; i--) { /* keys and signals first */
		int err = l->fds[i].revents ? handlers[i](l) : 0;

		if (!err)
			err = l->run->error;
		if (err)
			return err;
	}
	return 0;
}

static int open_fds(struct loop *l)
{
	sigset_t set;

	signals(&set, l->run->lines && lines_is_file(l->run->lines));
	for (int i = 0; i < POLL_COUNT; i++)
		l->fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	l->fds[POLL_SOURCE].fd = l->run->source->ops->fd(l->run->source);
	l->fds[POLL_TIMER].fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	l->fds[POLL_SIGNAL].fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->run->top)
		l->fds[POLL_KEYS].fd = top_fd(l->run->top);
	l->fds[POLL_OUTPUT] = (struct pollfd){.fd = l->run->output};
	if (l->fds[POLL_TIMER].fd < 0 || l->fds[POLL_SIGNAL].fd < 0)
		return -errno;
	return 0;
}

void run_tell_start(const struct run *run)
{
	char text[PHASES_TEXT];

	if (run->phases)
		fprintf(stderr, "sockwatch: start %s\n",
			phases_text(text, sizeof(text), run->phases));
}

/* What was open is known: show it. */
static void show_first(struct run *run)
{
	if (run->top) {
		top_draw(run->top);
		phases_end(run->phases, "first screen", host_boottime_ns());
	} else {
		run_tell_start(run);
	}
}

int run_loop(struct run *run)
{
	struct loop l = {.run = run};
	int err;

	l.has_terminal = is_on_terminal();
	budget_init(&l.budget, run->cpu_budget, run->delay_ns);
	l.ident = ident_new(pump, run);
	if (!l.ident)
		return -ENOMEM;
	err = open_fds(&l);
	if (run->top)
		top_choose(run->top, run->model);
	if (!err)
		err = drain(&l); /* the snapshot; intervals begin behind it */
	if (!err)
		err = run->error;
	measure(&l, run->own_cost);
	if (!err)
		err = arm(&l);
	if (!err)
		show_first(run);
	l.cpu_ns = host_cpu_ns();
	while (!err && !l.stop)
		err = step(&l);
	if (l.fds[POLL_TIMER].fd >= 0)
		close(l.fds[POLL_TIMER].fd);
	if (l.fds[POLL_SIGNAL].fd >= 0)
		close(l.fds[POLL_SIGNAL].fd);
	ident_free(l.ident);
	return err ? err : run->error;
}
