/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/history.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/order.h"

struct trace {
	struct row row; /* only to know it again; count 0 in history: free */
	struct history history;
};

struct histories {
	struct trace traces[HISTORY_ROWS]; /* pages of what is not used are not there */
	size_t used;
};

struct histories *histories_new(void)
{
	return calloc(1, sizeof(struct histories));
}

void histories_free(struct histories *h)
{
	free(h);
}

static void add_sample(struct history *h, uint64_t tx, uint64_t rx)
{
	if (h->count == HISTORY_SAMPLES) {
		memmove(h->tx, h->tx + 1, sizeof(h->tx) - sizeof(h->tx[0]));
		memmove(h->rx, h->rx + 1, sizeof(h->rx) - sizeof(h->rx[0]));
		h->count--;
	}
	h->tx[h->count] = tx;
	h->rx[h->count++] = rx;
}

static uint64_t per_second(uint64_t bytes, uint64_t ns)
{
	return ns ? (uint64_t)((unsigned __int128)bytes * 1000000000 / ns) : 0;
}

void history_note(struct history *h, const struct counters *count, const struct model_totals *t)
{
	uint64_t missed = h->count ? t->ticks - h->tick : 1, tx, rx, ns;

	if (h->count && t->ticks == h->tick)
		return;
	if (missed > HISTORY_SAMPLES)
		missed = HISTORY_SAMPLES;
	tx = count->tx_rate;
	rx = count->rx_rate;
	ns = t->interval_ns;
	if (missed > 1 && count->tx_total >= h->tx_total && count->rx_total >= h->rx_total) {
		ns *= t->ticks - h->tick;
		tx = per_second(count->tx_total - h->tx_total, ns);
		rx = per_second(count->rx_total - h->rx_total, ns);
	}
	for (uint64_t i = 0; i < missed; i++)
		add_sample(h, tx, rx);
	h->span_ns = h->count * t->interval_ns;
	h->tick = t->ticks;
	h->tx_total = count->tx_total;
	h->rx_total = count->rx_total;
}

static bool is_same(const struct row *a, const struct row *b)
{
	return a->table == b->table && a->is_other == b->is_other &&
	       (a->is_other || !order_key(a, b));
}

const struct history *histories_find(const struct histories *h, const struct row *row)
{
	for (size_t i = 0; i < h->used; i++)
		if (is_same(&h->traces[i].row, row))
			return &h->traces[i].history;
	return NULL;
}

/* The one that was not looked at for longest goes. */
static struct trace *make(struct histories *h, const struct row *row)
{
	struct trace *trace = &h->traces[0];

	if (h->used < HISTORY_ROWS) {
		trace = &h->traces[h->used++];
	} else {
		for (size_t i = 1; i < h->used; i++)
			if (h->traces[i].history.tick < trace->history.tick)
				trace = &h->traces[i];
	}
	memset(&trace->history, 0, sizeof(trace->history));
	trace->row = *row;
	trace->row.users = NULL;
	return trace;
}

void histories_note(struct histories *h, const struct row *row, const struct model_totals *t)
{
	struct history *found = (struct history *)histories_find(h, row);

	history_note(found ? found : &make(h, row)->history, &row->count, t);
}
