/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sink/pick.h"

#include <errno.h>
#include <stdlib.h>

#include "model/column.h"
#include "model/counters.h"
#include "model/order.h"

static bool happened(const struct row *row)
{
	return row->changed || row->count.tx_tick || row->count.rx_tick;
}

static void fold(struct pick *p, const struct row *row)
{
	counters_add(&p->other.count, &row->count);
	p->folded++;
}

static bool make_room(struct pick *p)
{
	size_t cap = p->cap ? p->cap * 2 : 256;
	const struct row **more;

	if (p->count < p->cap)
		return true;
	more = realloc(p->rows, cap * sizeof(*more));
	if (!more)
		return false;
	p->rows = more;
	p->cap = cap;
	return true;
}

/* True if @a stands before @b. */
static bool before(const struct pick *p, const struct row *a, const struct row *b)
{
	int c = p->sort->compare(a, b, p->model);

	if (!c)
		return order_key(a, b) < 0;
	return p->sort->descending ? c > 0 : c < 0;
}

static void swap(const struct row **a, const struct row **b)
{
	const struct row *t = *a;

	*a = *b;
	*b = t;
}

/* Rows are a heap of the best so far, the worst of these on top. */
static void sift(struct pick *p, size_t i, size_t n)
{
	for (;;) {
		size_t last = i, child = 2 * i + 1, end = child + 2;

		for (; child < end && child < n; child++)
			if (before(p, p->rows[last], p->rows[child]))
				last = child;
		if (last == i)
			return;
		swap(&p->rows[i], &p->rows[last]);
		i = last;
	}
}

static void rise(struct pick *p, size_t i)
{
	while (i && before(p, p->rows[(i - 1) / 2], p->rows[i])) {
		swap(&p->rows[i], &p->rows[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}

/* It takes the place of the worst, or is none of the best. */
static void compete(struct pick *p, const struct row *row)
{
	if (p->count < p->top) {
		if (!make_room(p)) {
			p->err = -ENOMEM;
			return;
		}
		p->rows[p->count++] = row;
		rise(p, p->count - 1);
		return;
	}
	if (before(p, row, p->rows[0])) {
		fold(p, p->rows[0]);
		p->rows[0] = row;
		sift(p, 0, p->count);
	} else {
		fold(p, row);
	}
}

static void look(const struct row *row, void *arg)
{
	struct pick *p = arg;

	if (row->is_other || (!p->all && !happened(row)))
		return;
	if (p->top)
		compete(p, row);
	else
		p->fn(row, p->arg);
}

static void tell_best(struct pick *p)
{
	size_t i;

	for (i = p->count; i-- > 1;) {
		swap(&p->rows[0], &p->rows[i]);
		sift(p, 0, i);
	}
	for (i = 0; i < p->count; i++)
		p->fn(p->rows[i], p->arg);
}

int pick_rows(struct pick *p, const struct model *m, void (*fn)(const struct row *row, void *arg),
	      void *arg)
{
	p->model = m;
	p->fn = fn;
	p->arg = arg;
	p->err = 0;
	p->count = 0;
	p->folded = 0;
	p->other = (struct row){.table = p->table, .is_other = true};
	if (model_other(m, p->table))
		counters_add(&p->other.count, &model_other(m, p->table)->count);
	if (p->table == TABLE_CONNECTIONS && !p->all) /* linear in what changed */
		model_each_changed(m, look, p);
	else
		model_each(m, p->table, look, p);
	tell_best(p);
	return p->err;
}

void pick_done(struct pick *p)
{
	free(p->rows);
	*p = (struct pick){0};
}
