/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "who.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "capture/census.h"
#include "capture/kcaps.h"
#include "capture/needs.h"
#include "identity/service.h"
#include "opts.h"
#include "util/buf.h"
#include "util/text.h"
#include "who/answer.h"
#include "who/json.h"
#include "who/scene.h"
#include "who/target.h"
#include "who/text.h"
#include "watchport.h"
#include "whybind.h"

enum { NARROWEST = 40, WIDTH = 80, WIDEST = 160 };

struct question {
	const struct opts *opts;
	struct target *targets; /* owned */
	size_t count;
	struct census_ask ask;
};

int who_complain(int status, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	text_vformat(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "sockwatch: who: %s\n", text);
	return status;
}

int who_width(void)
{
	struct winsize size = {0};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return WIDTH;
	return size.ws_col < NARROWEST ? NARROWEST : size.ws_col > WIDEST ? WIDEST : size.ws_col;
}

static int parse(struct question *q)
{
	const struct who_opts *who = &q->opts->who;
	char why[TARGET_WHY];

	q->targets = calloc(who->word_count + 1, sizeof(*q->targets));
	if (!q->targets)
		return who_complain(EXIT_RUN, "out of memory");
	for (; q->count < who->word_count; q->count++) {
		struct target *t = &q->targets[q->count];

		if (target_parse(t, who->words[q->count], service_port, why))
			return who_complain(EXIT_USAGE, "%s", why);
		if (target_ask(t, &q->ask))
			return who_complain(EXIT_USAGE, "at most %d processes at once",
					    CENSUS_ASKED);
	}
	q->ask.listeners = !q->count;
	q->ask.all = q->opts->verbose;
	return EXIT_OK;
}

/* What the kernel refuses may be for want of a capability: then /proc has a part of the answer. */
int who_take(const struct opts *opts, const struct census_ask *ask, struct census *c)
{
	char why[CENSUS_WHY], reason[NEED_TEXT * 2];
	struct kcaps caps;
	int err = census_take(c, ask, why);

	if (!err) {
		census_name_handlers(c);
		return EXIT_OK;
	}
	kcaps_probe(&caps);
	if (!needs_refusal(&caps, reason, sizeof(reason)))
		snprintf(reason, sizeof(reason), "%s", why);
	kcaps_done(&caps);
	if (census_take_proc(c, ask))
		return who_complain(EXIT_PERMISSION, "%s", reason);
	if (!opts->who.quiet)
		who_complain(0, "%s; shown is what /proc has: %s", reason, c->missing);
	return EXIT_OK;
}

/* ---- what is said ---- */

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void put_pids(struct buf *out, const struct answer *a)
{
	size_t total = 0, count, room = a->census->hold_count + 1;
	uint32_t *pids = calloc(room, sizeof(*pids));

	for (size_t i = 0; pids && i < a->count; i++) {
		const struct census_hold *holds = census_holds(a->census, a->socks[i], &count);

		for (size_t k = 0; k < count && total < room; k++)
			pids[total++] = holds[k].pid;
	}
	if (total)
		qsort(pids, total, sizeof(*pids), by_number);
	for (size_t i = 0; i < total; i++)
		if (!i || pids[i] != pids[i - 1])
			buf_printf(out, "%u\n", (unsigned int)pids[i]);
	free(pids);
}

static void put_answer(struct buf *out, const struct question *q, struct scene *scene,
		       const struct answer *a)
{
	struct who_text_options text = {
		.width = who_width(),
		.verbose = q->opts->verbose,
		.table = !q->count && !q->opts->verbose,
	};

	if (q->opts->who.quiet)
		put_pids(out, a);
	else if (q->opts->format)
		who_json(out, scene, a);
	else if (a->count)
		who_text(out, scene, a, &text);
}

static bool is_any_held(const struct answer *a)
{
	size_t count;

	for (size_t i = 0; i < a->count; i++) {
		census_holds(a->census, a->socks[i], &count);
		if (count || sock_has_no_process(&a->census->socks[a->socks[i]]))
			return true;
	}
	return false;
}

static int status_of(const struct question *q, const struct answer *a, bool said)
{
	const struct census *c = a->census;

	if (c->lost)
		who_complain(0, "more than there is room for: %llu counts are missing",
			     (unsigned long long)c->lost);
	if (!a->count || (q->opts->who.quiet && !said && !c->own_only))
		return EXIT_RUN;
	return c->own_only && !is_any_held(a) ? EXIT_PERMISSION : EXIT_OK;
}

static int say(const struct question *q, struct census *c)
{
	struct scene scene = {0};
	struct answer a = {0};
	struct buf out = {0};
	int err, status;
	bool said;

	err = scene_init(&scene, c, "/proc");
	if (!err)
		err = answer_init(&a, c, q->targets, q->count, q->opts->verbose);
	if (!err)
		put_answer(&out, q, &scene, &a);
	said = out.len > 0;
	if (!err)
		err = buf_write(&out, STDOUT_FILENO);
	status = err ? who_complain(EXIT_RUN, "cannot write to stdout: %s", strerror(-err))
		     : status_of(q, &a, said);
	if (!err && !a.count && !q->opts->who.quiet && !q->opts->format)
		who_complain(0, "nothing there");
	buf_done(&out);
	answer_done(&a);
	scene_done(&scene);
	return status;
}

int who_run(const struct opts *opts)
{
	struct question q = {.opts = opts};
	struct census census = {0};
	int status;

	if (opts->who.bind)
		return whybind_run(opts);
	status = parse(&q);
	if (status == EXIT_OK && opts->who.watch) {
		status = watchport_run(opts, q.targets, q.count);
		free(q.targets);
		return status;
	}
	if (status == EXIT_OK)
		status = who_take(opts, &q.ask, &census);
	if (status == EXIT_OK)
		status = say(&q, &census);
	census_done(&census);
	free(q.targets);
	return status;
}
