/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "event/census.h"

#include <stdlib.h>
#include <string.h>

void census_done(struct census *c)
{
	free(c->socks);
	free(c->holds);
	free(c->waits);
	free(c->tasks);
	free(c->counts);
	free(c->uses);
	memset(c, 0, sizeof(*c));
}

#define ORDER(a, b)                                \
	do {                                       \
		if ((a) != (b))                    \
			return (a) < (b) ? -1 : 1; \
	} while (0)

static int by_pid(const void *a, const void *b)
{
	const struct census_task *x = a, *y = b;

	ORDER(x->pid, y->pid);
	return 0;
}

static int by_sock(const void *a, const void *b)
{
	const struct census_hold *x = a, *y = b;

	ORDER(x->sock, y->sock);
	ORDER(x->pid, y->pid);
	ORDER(x->fd, y->fd);
	return 0;
}

static int by_waited(const void *a, const void *b)
{
	const struct census_wait *x = a, *y = b;

	ORDER(x->sock, y->sock);
	ORDER(x->pid, y->pid);
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct census_count *x = a, *y = b;

	ORDER(x->netns, y->netns);
	ORDER(x->local.port, y->local.port);
	return 0;
}

static int by_use(const void *a, const void *b)
{
	const struct census_use *x = a, *y = b;

	ORDER(x->netns, y->netns);
	ORDER(x->port, y->port);
	ORDER(x->pid, y->pid);
	return 0;
}

static void sort(void *data, size_t count, size_t size, int (*order)(const void *, const void *))
{
	if (count)
		qsort(data, count, size, order);
}

void census_sort(struct census *c)
{
	sort(c->tasks, c->task_count, sizeof(*c->tasks), by_pid);
	sort(c->holds, c->hold_count, sizeof(*c->holds), by_sock);
	sort(c->waits, c->wait_count, sizeof(*c->waits), by_waited);
	sort(c->counts, c->count_count, sizeof(*c->counts), by_place);
	sort(c->uses, c->use_count, sizeof(*c->uses), by_use);
}

const struct census_task *census_task(const struct census *c, uint32_t pid)
{
	const struct census_task key = {.pid = pid};

	if (!c->task_count)
		return NULL;
	return bsearch(&key, c->tasks, c->task_count, sizeof(key), by_pid);
}

/* First of the elements that are not before @key; *@count of those that are as it is. */
static size_t range(const void *data, size_t total, size_t size, const void *key,
		    int (*order)(const void *, const void *), size_t *count)
{
	size_t low = 0, high = total;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (order((const char *)data + middle * size, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*count = 0;
	while (low + *count < total && !order((const char *)data + (low + *count) * size, key))
		(*count)++;
	return low;
}

static int by_sock_alone(const void *a, const void *b)
{
	const struct census_hold *x = a, *y = b;

	ORDER(x->sock, y->sock);
	return 0;
}

const struct census_hold *census_holds(const struct census *c, size_t sock, size_t *count)
{
	const struct census_hold key = {.sock = sock};

	return c->holds + range(c->holds, c->hold_count, sizeof(key), &key, by_sock_alone, count);
}

bool census_waits(const struct census *c, size_t sock, uint32_t pid)
{
	const struct census_wait key = {.sock = sock, .pid = pid};
	size_t count;

	range(c->waits, c->wait_count, sizeof(key), &key, by_waited, &count);
	return count;
}

const struct census_count *census_counts(const struct census *c, uint32_t netns, uint16_t port,
					 size_t *count)
{
	const struct census_count key = {.netns = netns, .local.port = port};

	return c->counts + range(c->counts, c->count_count, sizeof(key), &key, by_place, count);
}

uint32_t census_uses(const struct census *c, uint32_t netns, uint16_t port, uint32_t pid)
{
	const struct census_use key = {.netns = netns, .port = port, .pid = pid};
	size_t count, at = range(c->uses, c->use_count, sizeof(key), &key, by_use, &count);

	return count ? c->uses[at].count : 0;
}
