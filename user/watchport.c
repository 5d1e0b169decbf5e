/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "watchport.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "capture/census.h"
#include "capture/host.h"
#include "capture/kcaps.h"
#include "capture/live.h"
#include "model/model.h"
#include "opts.h"
#include "run.h"
#include "util/buf.h"
#include "who.h"
#include "who/bind.h"
#include "who/target.h"
#include "who/watch.h"

enum {
	PENDING = 256,          /* calls of bind() whose end is not known yet */
	DELAY_NS = 200000000,   /* between looks */
	SETTLED_NS = 150000000, /* by then a bind that succeeded was told */
};

struct pending {
	struct census_attempt attempt;
	bool bound; /* it succeeded */
};

struct watcher {
	struct sink sink; /* of run_loop, which has the signals */
	struct watch *watch;
	struct census_tool *tool;
	struct census_ask ask;
	struct pending pending[PENDING];
	size_t pending_count;
	uint64_t lost; /* attempts beyond that */
	struct buf out;
};

/* ---- binds that fail: called, and no bind of that socket is told ---- */

static void on_attempt(const struct census_attempt *a, void *arg)
{
	struct watcher *w = arg;

	if (w->pending_count == PENDING)
		w->lost++;
	else
		w->pending[w->pending_count++] = (struct pending){.attempt = *a};
}

/* The last call before it is the one; the kernel told of the call first. */
static void on_bound(struct watcher *w, const struct event *ev)
{
	uint64_t cookie = ev->flow.so_cookie ? ev->flow.so_cookie : ev->flow.cookie;

	if (!census_asks_port(&w->ask, ev->flow.local.port))
		return;
	census_attempts(w->tool, on_attempt, w);
	for (size_t i = w->pending_count; i-- > 0;)
		if (w->pending[i].attempt.cookie == cookie &&
		    w->pending[i].attempt.time_ns <= ev->time_ns) {
			w->pending[i].bound = true;
			return;
		}
}

/* Should its record have been lost. */
static bool is_bound(const struct census *c, const struct census_attempt *a)
{
	for (size_t i = 0; i < c->sock_count; i++)
		if (c->socks[i].cookie == a->cookie && c->socks[i].local.port == a->local.port)
			return true;
	return false;
}

/* It failed: in use if it is, else for a reason that is not known here. */
static int error_of(const struct census *c, const struct census_attempt *a)
{
	const struct bind_ask ask = {.addr = a->local,
				     .transport = a->transport,
				     .v6 = !addr_is_v4(&a->local),
				     .netns = a->netns,
				     .privileged = true};
	const struct bind_place place = {0};
	struct bind_verdict verdict;
	int error;

	if (bind_judge(&verdict, &ask, &place, c))
		return 0;
	error = verdict.error;
	bind_done(&verdict);
	return error;
}

static void settle(struct watcher *w, const struct census *c, uint64_t now_ns, bool last)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->pending_count; i++) {
		const struct census_attempt *a = &w->pending[i].attempt;
		struct watch_failure f = {.time_ns = a->time_ns,
					  .local = a->local,
					  .pid = a->pid,
					  .netns = a->netns,
					  .transport = a->transport};

		if (w->pending[i].bound || is_bound(c, a))
			continue;
		if (!last && a->time_ns + SETTLED_NS > now_ns) {
			w->pending[kept++] = w->pending[i];
			continue;
		}
		memcpy(f.name, a->name, sizeof(f.name));
		f.error = error_of(c, a);
		watch_failed(w->watch, &f);
	}
	w->pending_count = kept;
}

/* ---- the loop ---- */

static int on_tick(struct watcher *w, const struct event *ev)
{
	uint64_t now_ns = host_boottime_ns();
	char why[CENSUS_WHY];
	struct census c;
	int err = census_again(w->tool, &c, &w->ask, why);

	if (err)
		return err;
	watch_census(w->watch, &c, now_ns);
	settle(w, &c, now_ns, ev->tick.last);
	census_done(&c);
	watch_flush(w->watch, &w->out, host_wall_ns() - now_ns);
	census_attempts(w->tool, on_attempt, w); /* for the next time: its binds are told by then */
	return w->out.len ? buf_write(&w->out, STDOUT_FILENO) : 0;
}

static int on_event(struct sink *sink, const struct event *ev, const struct model *m)
{
	struct watcher *w = (struct watcher *)sink;

	(void)m;
	if (ev->kind == EVENT_TICK)
		return on_tick(w, ev);
	if (ev->kind == EVENT_SEEN)
		on_bound(w, ev);
	watch_event(w->watch, ev);
	return 0;
}

static const struct sink_ops watcher_ops = {.name = "watch", .event = on_event};

static int follow(struct watcher *w, struct run *run)
{
	int err = -ENOMEM;

	run->model = model_new(NULL);
	run->sink = &w->sink;
	run->output = STDOUT_FILENO;
	run->delay_ns = DELAY_NS;
	if (run->model && w->watch)
		err = run_loop(run);
	model_free(run->model);
	if (w->lost)
		who_complain(0, "%llu calls of bind() were too many at once",
			     (unsigned long long)w->lost);
	return err ? who_complain(EXIT_RUN, "%s", strerror(-err)) : EXIT_OK;
}

static int open_tool(struct watcher *w)
{
	char why[CENSUS_WHY];
	struct kcaps caps;

	kcaps_probe(&caps);
	w->tool = census_open(&w->ask, caps.cgroup_fd, why);
	kcaps_done(&caps);
	if (!w->tool)
		return who_complain(EXIT_PERMISSION, "%s", why);
	if (!census_sees_binds(w->tool))
		who_complain(0, "binds that fail are not seen: that takes cgroup2");
	return EXIT_OK;
}

int watchport_run(const struct opts *opts, const struct target *targets, size_t count)
{
	struct live_options options = {.ring_bytes = opts->ring_bytes, .way = opts->hooks};
	struct watcher w = {.sink.ops = &watcher_ops};
	struct run run = {0};
	char why[LIVE_WHY];
	int status, err;

	for (size_t i = 0; i < count; i++) {
		if (targets[i].kind != TARGET_PORT)
			return who_complain(EXIT_USAGE, "--watch takes ports, not processes");
		census_ask_port(&w.ask, targets[i].addr.port);
	}
	run_block_signals(false);
	err = live_open(&run.source, &options, why);
	if (err)
		return who_complain(live_is_shortage(err) ? EXIT_RUN : EXIT_PERMISSION, "%s", why);
	status = open_tool(&w);
	w.watch = watch_new(targets, count, opts->format != NULL);
	if (status == EXIT_OK)
		status = follow(&w, &run);
	run.source->ops->close(run.source);
	census_close(w.tool);
	watch_free(w.watch);
	buf_done(&w.out);
	return status;
}
