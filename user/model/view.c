/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/view.h"

#include "model/order.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Rows that are kept in order beyond those that are asked for: so many can leave the front, as rows
 * that become idle do, before all rows have to be looked at again. */
enum { SPARE_LEAST = 256, SPARE_SHARE = 128, SET_LEAST = 64 };

void view_init(struct view *v, enum table_kind table)
{
	*v = (struct view){.table = table};
	view_sort(v, &columns[table_info[table].sort]);
}

void view_done(struct view *v)
{
	free(v->rows);
	free(v->changed.slots);
	free(v->changed.list);
	view_init(v, v->table);
}

void view_sort(struct view *v, const struct column *column)
{
	if (v->sort == column)
		return;
	v->sort = column;
	v->descending = column->descending;
}

void view_forget(struct view *v)
{
	v->ordered = NULL;
}

/* True if @a stands before @b. */
static bool before(const struct view *v, const struct model *m, const struct row *a,
		   const struct row *b)
{
	int c;

	if (a->is_rest != b->is_rest)
		return b->is_rest;
	c = v->sort->compare(a, b, m);
	if (!c)
		return order_key(a, b) < 0;
	return v->descending ? c > 0 : c < 0;
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

/* ---- sorting: in place, without memory and without a bad case ---- */

static void swap(const struct row **a, const struct row **b)
{
	const struct row *t = *a;

	*a = *b;
	*b = t;
}

/* @n rows are a heap but for row @i: the one that stands last is at the top. */
static void sift(const struct view *v, const struct model *m, const struct row **rows, size_t i,
		 size_t n)
{
	for (;;) {
		size_t last = i, child = 2 * i + 1, end = child + 2;

		for (; child < end && child < n; child++) {
			if (before(v, m, rows[last], rows[child]))
				last = child;
		}
		if (last == i)
			return;
		swap(&rows[i], &rows[last]);
		i = last;
	}
}

static void make_heap(const struct view *v, const struct model *m, const struct row **rows,
		      size_t n)
{
	for (size_t i = n / 2; i-- > 0;)
		sift(v, m, rows, i, n);
}

static void sort_heap(const struct view *v, const struct model *m, const struct row **rows,
		      size_t n)
{
	while (n-- > 1) {
		swap(&rows[0], &rows[n]);
		sift(v, m, rows, 0, n);
	}
}

/* ---- all rows anew ---- */

struct pick {
	struct view *v;
	const struct model *m;
	size_t most;
};

static void pick(const struct row *row, void *arg)
{
	const struct pick *p = arg;
	struct view *v = p->v;

	if (row->is_other)
		return;
	if (v->front < p->most) {
		v->rows[v->front++] = row;
		if (v->front == p->most)
			make_heap(v, p->m, v->rows, v->front);
	} else if (p->most && before(v, p->m, row, v->rows[0])) {
		v->rows[0] = row;
		sift(v, p->m, v->rows, 0, v->front);
	}
}

/*
 * The first @most rows, in order: a heap of these, the others only compared with its top. For few
 * of many rows that is about one comparison a row.
 */
static int order_all(struct view *v, const struct model *m, size_t rows, size_t most)
{
	struct pick p = {v, m, most};

	v->ordered = NULL;
	v->front = 0;
	if (make_room(v, most + 1))
		return -ENOMEM;
	model_each(m, v->table, pick, &p);
	sort_heap(v, m, v->rows, v->front);
	v->ordered = v->sort;
	v->ordered_descending = v->descending;
	v->whole = v->front == rows;
	if (v->front)
		v->bound = *v->rows[v->front - 1];
	return 0;
}

static bool is_ordered(const struct view *v)
{
	return v->ordered == v->sort && v->ordered_descending == v->descending;
}

void view_reorder(struct view *v, const struct model *m)
{
	if (is_ordered(v))
		return;
	make_heap(v, m, v->rows, v->front);
	sort_heap(v, m, v->rows, v->front);
	v->ordered = v->sort;
	v->ordered_descending = v->descending;
}

/* ---- only what changed ---- */

/* Addresses of rows are ours, not chosen by others: mixing them is enough. */
static const struct row **set_slot(const struct view_set *s, const struct row *row)
{
	size_t i = (size_t)(((uintptr_t)row * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & s->mask;

	while (s->slots[i] && s->slots[i] != row)
		i = (i + 1) & s->mask;
	return &s->slots[i];
}

static bool set_has(const struct view_set *s, const struct row *row)
{
	return *set_slot(s, row);
}

static bool set_grow(struct view_set *s)
{
	size_t slots = s->slots ? (s->mask + 1) * 2 : SET_LEAST * 2;
	struct view_set bigger = {.mask = slots - 1, .count = s->count, .listed = s->listed};

	bigger.slots = calloc(slots, sizeof(*bigger.slots));
	bigger.list = calloc(slots / 2, sizeof(*bigger.list));
	if (!bigger.slots || !bigger.list) {
		free(bigger.slots);
		free(bigger.list);
		return false;
	}
	bigger.cap = slots / 2;
	for (size_t i = 0; s->slots && i <= s->mask; i++)
		if (s->slots[i])
			*set_slot(&bigger, s->slots[i]) = s->slots[i];
	if (s->listed)
		memcpy(bigger.list, s->list, s->listed * sizeof(*s->list));
	free(s->slots);
	free(s->list);
	*s = bigger;
	return true;
}

static void set_clear(struct view_set *s)
{
	if (s->count)
		memset(s->slots, 0, (s->mask + 1) * sizeof(*s->slots));
	s->count = s->listed = 0;
}

static void add_changed(const struct row *row, bool is_there, void *arg)
{
	struct view *v = arg;
	struct view_set *s = &v->changed;

	if (s->count == s->cap && !set_grow(s)) {
		view_forget(v);
		return;
	}
	if (set_has(s, row))
		return;
	*set_slot(s, row) = row;
	s->count++;
	if (is_there)
		s->list[s->listed++] = row;
}

/* Rows that changed leave the front. */
static void drop_changed(struct view *v)
{
	size_t kept = 0;

	for (size_t i = 0; i < v->front; i++)
		if (!set_has(&v->changed, v->rows[i]))
			v->rows[kept++] = v->rows[i];
	v->front = kept;
}

/* How many of the first @n rows stand before @row. */
static size_t place_of(const struct view *v, const struct model *m, const struct row *row, size_t n)
{
	size_t from = 0;

	while (from < n) {
		size_t middle = from + (n - from) / 2;

		if (before(v, m, v->rows[middle], row))
			from = middle + 1;
		else
			n = middle;
	}
	return from;
}

/* And those that belong there come back, where they belong now. */
static int merge_changed(struct view *v, const struct model *m)
{
	struct view_set *s = &v->changed;
	size_t come = 0, from = v->front;

	for (size_t i = 0; i < s->listed; i++)
		if (v->whole || before(v, m, s->list[i], &v->bound))
			s->list[come++] = s->list[i];
	if (make_room(v, v->front + come + 1))
		return -ENOMEM;
	make_heap(v, m, s->list, come);
	sort_heap(v, m, s->list, come);
	v->front = from + come;
	while (come--) { /* from the last on; what stands behind it moves by as many as are left */
		size_t at = place_of(v, m, s->list[come], from);

		memmove(&v->rows[at + come + 1], &v->rows[at], (from - at) * sizeof(*v->rows));
		v->rows[at + come] = s->list[come];
		from = at;
	}
	return 0;
}

/* A front that has grown far beyond what is wanted is cut. */
static void cut(struct view *v, size_t most)
{
	if (v->front <= 2 * most)
		return;
	v->front = most;
	v->whole = false;
	v->bound = *v->rows[most - 1];
}

/* True if the front is in order again. */
static bool catch_up(struct view *v, const struct model *m)
{
	set_clear(&v->changed);
	if (!model_changes(m, v->table, &v->mark, add_changed, v) || !is_ordered(v))
		return false;
	if (!v->changed.count)
		return true;
	drop_changed(v);
	return !merge_changed(v, m);
}

int view_update(struct view *v, const struct model *m, size_t want)
{
	const struct row *other = model_other(m, v->table);
	size_t rows = model_rows(m, v->table) - (other != NULL), most;

	if (want > rows)
		want = rows;
	most = want + rows / SPARE_SHARE + SPARE_LEAST;
	v->count = v->sorted = 0;
	if (catch_up(v, m) && v->front >= want)
		cut(v, most);
	else if (order_all(v, m, rows, most < rows ? most : rows))
		return -ENOMEM;
	v->count = rows;
	v->sorted = v->front;
	if (other && v->front == rows)
		v->rows[v->sorted++] = other;
	if (other)
		v->count++;
	return 0;
}
