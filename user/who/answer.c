/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE /* qsort_r() */
#include "who/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "who/target.h"

enum { ANCESTORS = 64 }; /* that are looked at */

bool sock_is_listener(const struct census_sock *s)
{
	if (s->transport == TRANSPORT_UDP || s->transport == TRANSPORT_UDPLITE)
		return s->local.port && !s->peer.port;
	return s->state == STATE_LISTEN;
}

bool sock_is_remains(const struct census_sock *s)
{
	return s->state == STATE_TIME_WAIT || s->state == STATE_NEW_SYN_RECV || s->dead ||
	       s->not_accepted;
}

bool sock_has_no_process(const struct census_sock *s)
{
	return s->kernel || sock_is_remains(s);
}

bool holder_accepts(const struct holder *h)
{
	return h->waits || h->connections;
}

/* ---- which ---- */

static bool is_counted(const struct census *c, const struct census_sock *s)
{
	size_t count;

	census_counts(c, s->netns, s->local.port, &count);
	return count;
}

static bool is_wanted(const struct census *c, size_t sock, const struct target *targets,
		      size_t count, bool all)
{
	const struct census_sock *s = &c->socks[sock];
	bool by_port = false, by_process = false;

	if (s->subflow && s->state != STATE_TIME_WAIT)
		return false;
	if (!count)
		return sock_is_listener(s);
	for (size_t i = 0; i < count; i++) {
		if (!target_holds(&targets[i], c, sock))
			continue;
		by_port |= targets[i].kind == TARGET_PORT;
		by_process |= targets[i].kind != TARGET_PORT;
	}
	if (by_process || all || sock_is_listener(s) || s->transport != TRANSPORT_TCP)
		return by_port || by_process;
	return by_port && (s->state == STATE_BOUND || !is_counted(c, s));
}

/* ---- in which order ---- */

#define ORDER(a, b)                                \
	do {                                       \
		if ((a) != (b))                    \
			return (a) < (b) ? -1 : 1; \
	} while (0)

/* What makes sockets one block: bound alike, and with a peer or in a state only alone. */
static int compare_binding(const struct census_sock *a, const struct census_sock *b)
{
	int order;

	ORDER(!sock_is_listener(a), !sock_is_listener(b));
	ORDER(a->transport, b->transport);
	ORDER(a->local.port, b->local.port);
	ORDER(a->netns, b->netns);
	order = addr_cmp(&a->local, &b->local);
	if (order)
		return order;
	ORDER(a->v6only, b->v6only);
	ORDER(a->ifindex, b->ifindex);
	ORDER(a->kernel, b->kernel);
	ORDER(sock_is_remains(a), sock_is_remains(b));
	return sock_is_remains(a) ? 0 : addr_cmp(&a->peer, &b->peer);
}

static int by_binding(const void *a, const void *b, void *arg)
{
	const struct census *c = arg;
	const size_t *x = a, *y = b;
	int order = compare_binding(&c->socks[*x], &c->socks[*y]);

	if (order)
		return order;
	ORDER(c->socks[*x].inode, c->socks[*y].inode);
	ORDER(*x, *y);
	return 0;
}

int answer_init(struct answer *a, const struct census *c, const struct target *targets,
		size_t target_count, bool all)
{
	size_t *socks = calloc(c->sock_count + 1, sizeof(*socks)), count = 0;

	if (!socks)
		return -ENOMEM;
	for (size_t i = 0; i < c->sock_count; i++)
		if (is_wanted(c, i, targets, target_count, all))
			socks[count++] = i;
	answer_of(a, c, socks, count);
	return 0;
}

void answer_of(struct answer *a, const struct census *c, size_t *socks, size_t count)
{
	*a = (struct answer){.census = c, .socks = socks, .count = count};
	if (count)
		qsort_r(socks, count, sizeof(*socks), by_binding, (void *)c);
}

void answer_done(struct answer *a)
{
	free(a->socks);
	memset(a, 0, sizeof(*a));
}

/* ---- a block ---- */

static bool holds(const struct block *b, uint32_t pid)
{
	for (size_t i = 0; i < b->holder_count; i++)
		if (b->holders[i].pid == pid)
			return true;
	return false;
}

static bool is_top(const struct block *b, const struct holder *h)
{
	const struct census_task *task = h->task;

	for (int i = 0; task && task->parent && i < ANCESTORS; i++) {
		if (task->parent != 1 && holds(b, task->parent))
			return false;
		task = census_task(b->census, task->parent);
	}
	return true;
}

static bool waits_on(const struct block *b, uint32_t pid)
{
	for (size_t i = 0; i < b->count; i++)
		if (census_waits(b->census, b->socks[i], pid))
			return true;
	return false;
}

static int by_pid(const void *a, const void *b)
{
	const struct census_hold *x = a, *y = b;

	ORDER(x->pid, y->pid);
	ORDER(x->fd, y->fd);
	return 0;
}

static int by_top(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	ORDER(!x->top, !y->top);
	ORDER(x->pid, y->pid);
	return 0;
}

static struct census_hold *all_holds(const struct block *b, size_t *total)
{
	struct census_hold *all;
	size_t n, count = 0;

	for (size_t i = 0; i < b->count; i++) {
		census_holds(b->census, b->socks[i], &n);
		count += n;
	}
	all = calloc(count + 1, sizeof(*all));
	*total = 0;
	for (size_t i = 0; all && i < b->count; i++) {
		const struct census_hold *from = census_holds(b->census, b->socks[i], &n);

		if (n)
			memcpy(all + *total, from, n * sizeof(*all));
		*total += n;
	}
	if (*total)
		qsort(all, *total, sizeof(*all), by_pid);
	return all;
}

static void find_holders(struct block *b)
{
	size_t total;
	struct census_hold *all = all_holds(b, &total);
	struct holder *h = NULL;

	b->holders = calloc(total + 1, sizeof(*b->holders));
	for (size_t i = 0; b->holders && i < total; i++) {
		if (!h || h->pid != all[i].pid) {
			h = &b->holders[b->holder_count++];
			h->pid = all[i].pid;
			h->start_ns = all[i].start_ns;
			h->task = census_task(b->census, h->pid);
		}
		if (h->fd_count < HOLDER_FDS)
			h->fds[h->fd_count] = all[i].fd;
		h->fd_count++;
	}
	free(all);
	for (size_t i = 0; i < b->holder_count; i++) {
		h = &b->holders[i];
		h->top = is_top(b, h);
		h->waits = waits_on(b, h->pid);
		if (b->first->state == STATE_LISTEN)
			h->connections = census_uses(b->census, b->first->netns,
						     b->first->local.port, h->pid);
	}
	if (b->holder_count)
		qsort(b->holders, b->holder_count, sizeof(*b->holders), by_top);
}

static void add_counts(struct block *b)
{
	const struct census_count *n;
	size_t count;

	if (b->first->state != STATE_LISTEN)
		return;
	n = census_counts(b->census, b->first->netns, b->first->local.port, &count);
	for (size_t i = 0; i < count; i++, n++) {
		if (!target_covers(b->first, &n->local))
			continue;
		b->n.established += n->established;
		b->n.closing += n->closing;
		b->n.time_wait += n->time_wait;
		b->n.orphan += n->orphan;
		b->n.not_accepted += n->not_accepted;
		b->n.handshake += n->handshake;
	}
}

bool answer_block(const struct answer *a, size_t *at, struct block *b)
{
	const struct census_sock *socks = a->census->socks;
	size_t end = *at + 1;

	if (*at >= a->count)
		return false;
	while (end < a->count && !compare_binding(&socks[a->socks[*at]], &socks[a->socks[end]]))
		end++;
	*b = (struct block){
		.census = a->census,
		.socks = a->socks + *at,
		.count = end - *at,
		.first = &socks[a->socks[*at]],
	};
	*at = end;
	find_holders(b);
	add_counts(b);
	return true;
}

void block_done(struct block *b)
{
	free(b->holders);
	b->holders = NULL;
	b->holder_count = 0;
}
