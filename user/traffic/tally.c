/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "traffic/tally.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/event.h"

enum { FIRST_ROOM = 64, MAX_COUNTED = 1 << 20 };

/** What was counted for one process on one socket. */
struct counted {
	uint64_t cookie;
	uint32_t pid;
	uint8_t unattributed;
	bool expected;
	uint64_t tx, rx;
};

struct tally {
	struct tally_options options;
	struct tally_run *runs;
	struct tally_flow *flows;
	struct counted *counted;
	size_t run_count, run_room;
	size_t flow_count, flow_room;
	size_t counted_count, counted_room;
	uint64_t dropped;
};

/** Room for one more; the new array, or NULL. */
static void *grow(void *array, size_t count, size_t *room, size_t size)
{
	size_t more = *room ? 2 * *room : FIRST_ROOM;

	if (count < *room)
		return array;
	array = reallocarray(array, more, size);
	if (array)
		*room = more;
	return array;
}

struct tally *tally_new(const struct tally_options *options)
{
	struct tally *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->options = *options;
	if (!t->options.max_counted)
		t->options.max_counted = MAX_COUNTED;
	return t;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	free(t->runs);
	free(t->flows);
	free(t->counted);
	free(t);
}

/* ---- what was moved ---- */

/** The entry of a run, made when it is new; NULL when out of memory. */
static struct tally_run *run_of(struct tally *t, uint32_t run)
{
	struct tally_run *runs;

	for (size_t i = t->run_count; i-- > 0;)
		if (t->runs[i].run == run)
			return &t->runs[i];
	runs = grow(t->runs, t->run_count, &t->run_room, sizeof(*runs));
	if (!runs)
		return NULL;
	t->runs = runs;
	runs[t->run_count] = (struct tally_run){.run = run};
	return &runs[t->run_count++];
}

static int add_flow(struct tally *t, const struct tally_flow *flow)
{
	struct tally_flow *flows = grow(t->flows, t->flow_count, &t->flow_room, sizeof(*flows));

	if (!flows)
		return -ENOMEM;
	t->flows = flows;
	flows[t->flow_count++] = *flow;
	return 0;
}

int tally_expect(struct tally *t, const struct tally_flow *flow)
{
	struct tally_flow own = *flow;

	if (t->options.any_pid)
		own.pid = 0;
	if (!run_of(t, own.run))
		return -ENOMEM;
	return add_flow(t, &own);
}

static struct tally_run *say(struct tally *t, uint32_t run, const char *reason)
{
	struct tally_run *entry = run_of(t, run);

	if (entry)
		snprintf(entry->reason, sizeof(entry->reason), "%s", reason);
	return entry;
}

int tally_skip(struct tally *t, uint32_t run, const char *reason)
{
	struct tally_run *entry = say(t, run, reason);

	if (entry)
		entry->skipped = true;
	return entry ? 0 : -ENOMEM;
}

int tally_fail(struct tally *t, uint32_t run, const char *reason)
{
	struct tally_run *entry = say(t, run, reason);

	if (entry)
		entry->failed = true;
	return entry ? 0 : -ENOMEM;
}

int tally_end(struct tally *t, uint32_t run)
{
	struct tally_run *entry = run_of(t, run);

	if (entry)
		entry->ended = true;
	return entry ? 0 : -ENOMEM;
}

/* ---- what was counted ---- */

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_counted(const void *a, const void *b)
{
	const struct counted *x = a, *y = b;
	int order = compare_u64(x->cookie, y->cookie);

	return order ? order : compare_u64(x->pid, y->pid);
}

/** One entry for each process on each socket, in order. */
static void merge_counted(struct tally *t)
{
	struct counted *c = t->counted;
	size_t kept = 0;

	if (!t->counted_count)
		return;
	qsort(c, t->counted_count, sizeof(*c), compare_counted);
	for (size_t i = 1; i < t->counted_count; i++) {
		if (compare_counted(&c[kept], &c[i])) {
			c[++kept] = c[i];
			continue;
		}
		c[kept].tx += c[i].tx;
		c[kept].rx += c[i].rx;
	}
	t->counted_count = kept + 1;
}

int tally_count(struct tally *t, const struct event *ev)
{
	struct counted *array;

	if (ev->kind != EVENT_XFER)
		return 0;
	if (t->options.netns && ev->flow.netns != t->options.netns)
		return 0;
	if (t->counted_count == t->options.max_counted)
		merge_counted(t);
	if (t->counted_count == t->options.max_counted) {
		t->dropped++;
		return 0;
	}
	array = grow(t->counted, t->counted_count, &t->counted_room, sizeof(*array));
	if (!array)
		return -ENOMEM;
	t->counted = array;
	array[t->counted_count++] = (struct counted){
		.cookie = ev->flow.so_cookie,
		.pid = t->options.any_pid ? 0 : ev->proc.pid,
		.unattributed = ev->proc.unattributed,
		.tx = ev->xfer.tx_bytes,
		.rx = ev->xfer.rx_bytes,
	};
	return 0;
}

/* ---- comparing ---- */

static int compare_flows(const void *a, const void *b)
{
	const struct tally_flow *x = a, *y = b;
	int order = compare_u64(x->run, y->run);

	if (!order)
		order = compare_u64(x->cookie, y->cookie);
	return order ? order : compare_u64(x->pid, y->pid);
}

static void sort_flows(struct tally *t)
{
	if (t->flow_count)
		qsort(t->flows, t->flow_count, sizeof(*t->flows), compare_flows);
}

/** One flow for each process on each socket: it may have told of it more than once. */
static void merge_flows(struct tally *t)
{
	struct tally_flow *f = t->flows;
	size_t kept = 0;

	sort_flows(t);
	for (size_t i = 1; i < t->flow_count; i++) {
		if (compare_flows(&f[kept], &f[i])) {
			f[++kept] = f[i];
			continue;
		}
		f[kept].tx += f[i].tx;
		f[kept].rx += f[i].rx;
	}
	if (t->flow_count)
		t->flow_count = kept + 1;
}

static int compare_runs(const void *a, const void *b)
{
	const struct tally_run *x = a, *y = b;

	return compare_u64(x->run, y->run);
}

static void take_counted(struct tally *t)
{
	for (size_t i = 0; i < t->flow_count; i++) {
		struct tally_flow *f = &t->flows[i];
		struct counted key = {.cookie = f->cookie, .pid = f->pid}, *c;

		c = t->counted_count ? bsearch(&key, t->counted, t->counted_count, sizeof(key),
					       compare_counted)
				     : NULL;
		if (c) {
			c->expected = true;
			f->counted_tx = c->tx;
			f->counted_rx = c->rx;
		}
		f->wrong = f->tx != f->counted_tx || f->rx != f->counted_rx;
	}
}

static const struct tally_flow *flow_of_cookie(const struct tally *t, size_t count, uint64_t cookie)
{
	for (size_t i = 0; i < count; i++)
		if (t->flows[i].cookie == cookie)
			return &t->flows[i];
	return NULL;
}

/** Counted for a process that did not move it; on a socket of nobody it is a stray. */
static int take_unexpected(struct tally *t, struct tally_result *result)
{
	size_t known = t->flow_count;
	int err = 0;

	for (size_t i = 0; i < t->counted_count && !err; i++) {
		const struct counted *c = &t->counted[i];
		const struct tally_flow *f;
		struct tally_flow own;

		if (c->expected || !(c->tx || c->rx))
			continue;
		f = flow_of_cookie(t, known, c->cookie);
		if (!f) {
			result->stray_tx += t->options.netns ? c->tx : 0;
			result->stray_rx += t->options.netns ? c->rx : 0;
			continue;
		}
		own = (struct tally_flow){.run = f->run,
					  .pid = c->pid,
					  .cookie = c->cookie,
					  .role = "?",
					  .counted_tx = c->tx,
					  .counted_rx = c->rx,
					  .unattributed = c->unattributed,
					  .unexpected = true,
					  .wrong = true};
		err = add_flow(t, &own);
	}
	sort_flows(t);
	return err;
}

/** Whether each socket has all its bytes, and only bytes of no process are at the wrong place. */
static bool only_unowned(const struct tally_flow *f, size_t count)
{
	size_t i = 0;

	while (i < count) {
		uint64_t cookie = f[i].cookie, tx = 0, rx = 0;

		for (; i < count && f[i].cookie == cookie; i++) {
			if (f[i].unexpected && f[i].pid)
				return false;
			if (!f[i].unexpected &&
			    (f[i].counted_tx > f[i].tx || f[i].counted_rx > f[i].rx))
				return false;
			tx += f[i].tx - f[i].counted_tx;
			rx += f[i].rx - f[i].counted_rx;
		}
		if (tx || rx)
			return false;
	}
	return true;
}

static enum verdict judge_run(const struct tally *t, struct tally_run *run)
{
	const struct tally_flow *f = run->count ? &t->flows[run->first] : NULL;
	bool wrong = false;

	for (size_t i = 0; i < run->count; i++) {
		wrong |= f[i].wrong;
		run->tx += f[i].tx;
		run->rx += f[i].rx;
		run->counted_tx += f[i].counted_tx;
		run->counted_rx += f[i].counted_rx;
	}
	if (!run->failed && !run->ended)
		snprintf(run->reason, sizeof(run->reason), "it did not end");
	if (run->failed || !run->ended)
		return VERDICT_WRONG;
	if (wrong)
		return t->options.may_be_unowned && only_unowned(f, run->count) ? VERDICT_UNOWNED
										: VERDICT_WRONG;
	if (run->skipped)
		return VERDICT_SKIPPED;
	if (!run->count)
		snprintf(run->reason, sizeof(run->reason), "nothing was moved");
	return run->count ? VERDICT_EXACT : VERDICT_WRONG;
}

int tally_judge(struct tally *t, struct tally_result *result)
{
	size_t at = 0;
	int err;

	*result = (struct tally_result){.dropped = t->dropped};
	merge_counted(t);
	merge_flows(t);
	take_counted(t);
	err = take_unexpected(t, result);
	if (err)
		return err;
	if (t->run_count)
		qsort(t->runs, t->run_count, sizeof(*t->runs), compare_runs);
	for (size_t i = 0; i < t->run_count; i++) {
		struct tally_run *run = &t->runs[i];

		run->first = at;
		while (at < t->flow_count && t->flows[at].run == run->run)
			at++;
		run->count = at - run->first;
		run->verdict = judge_run(t, run);
	}
	result->runs = t->runs;
	result->run_count = t->run_count;
	result->flows = t->flows;
	return 0;
}

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[VERDICT_COUNT] = {
		[VERDICT_EXACT] = "exact",
		[VERDICT_UNOWNED] = "unowned",
		[VERDICT_SKIPPED] = "skipped",
		[VERDICT_WRONG] = "wrong",
	};

	return names[verdict];
}
