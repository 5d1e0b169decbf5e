/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/view.h"

#include "model/order.h"

#include <errno.h>
#include <stdlib.h>

void view_init(struct view *v, enum table_kind table)
{
	*v = (struct view){.table = table};
	view_sort(v, &columns[COLUMN_RATE]);
}

void view_done(struct view *v)
{
	free(v->rows);
	v->rows = NULL;
	v->count = v->sorted = v->cap = 0;
}

void view_sort(struct view *v, const struct column *column)
{
	if (v->sort == column)
		return;
	v->sort = column;
	v->descending = column->descending;
}

/* True if @a stands before @b. */
static bool before(const struct view *v, const struct model *m, const struct row *a,
		   const struct row *b)
{
	int c = v->sort->compare(a, b, m);

	if (!c)
		return order_key(a, b) < 0;
	return v->descending ? c > 0 : c < 0;
}

static void swap(const struct row **a, const struct row **b)
{
	const struct row *t = *a;

	*a = *b;
	*b = t;
}

/* The first @n rows are a heap but for row @i: the one that stands last is at the top. */
static void sift(struct view *v, const struct model *m, size_t i, size_t n)
{
	for (;;) {
		size_t last = i, child = 2 * i + 1, end = child + 2;

		for (; child < end && child < n; child++) {
			if (before(v, m, v->rows[last], v->rows[child]))
				last = child;
		}
		if (last == i)
			return;
		swap(&v->rows[i], &v->rows[last]);
		i = last;
	}
}

/*
 * Put the first @want of @n rows in order at the front. A heap of these, the rest only compared
 * with its top: no memory, no bad case, and for a screen of many rows about one comparison a row.
 */
static void sort_front(struct view *v, const struct model *m, size_t want, size_t n)
{
	size_t i;

	if (!want)
		return;
	for (i = want / 2; i-- > 0;)
		sift(v, m, i, want);
	for (i = want; i < n; i++) {
		if (before(v, m, v->rows[i], v->rows[0])) {
			swap(&v->rows[i], &v->rows[0]);
			sift(v, m, 0, want);
		}
	}
	for (i = want; i-- > 1;) {
		swap(&v->rows[0], &v->rows[i]);
		sift(v, m, 0, i);
	}
}

static void collect(const struct row *row, void *arg)
{
	struct view *v = arg;

	if (v->count < v->cap)
		v->rows[v->count++] = row;
}

static int make_room(struct view *v, size_t rows)
{
	const struct row **more;
	size_t cap = rows + rows / 4 + 16;

	if (rows <= v->cap)
		return 0;
	more = realloc(v->rows, cap * sizeof(*more));
	if (!more)
		return -ENOMEM;
	v->rows = more;
	v->cap = cap;
	return 0;
}

int view_update(struct view *v, const struct model *m, size_t want)
{
	size_t n;

	v->count = v->sorted = 0;
	if (make_room(v, model_rows(m, v->table)))
		return -ENOMEM;
	model_each(m, v->table, collect, v);
	n = v->count;
	if (n && v->rows[n - 1]->is_other) /* model_each gives it last, and so it stays */
		n--;
	if (want > n)
		want = n;
	sort_front(v, m, want, n);
	v->sorted = want == n ? v->count : want;
	return 0;
}
