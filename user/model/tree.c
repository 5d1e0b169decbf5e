/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE /* qsort_r */
#include "model/tree.h"

#include "model/order.h"
#include "model/view.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

void tree_done(struct tree *t)
{
	free(t->rows);
	*t = (struct tree){0};
}

static bool add(struct tree *t, const struct row *row)
{
	size_t cap = t->cap ? t->cap * 2 : 256;
	const struct row **more;

	if (t->sorted == t->cap) {
		more = realloc(t->rows, cap * sizeof(*more));
		if (!more)
			return false;
		t->rows = more;
		t->cap = cap;
	}
	t->rows[t->sorted++] = row;
	return true;
}

struct branch {
	struct tree *tree;
	const struct view *view;
	const struct model *model;
	bool failed;
};

static void add_member(const struct row *row, void *arg)
{
	struct branch *b = arg;

	b->failed |= !add(b->tree, row);
}

static int compare(const void *va, const void *vb, void *arg)
{
	const struct row *a = *(const struct row *const *)va, *b = *(const struct row *const *)vb;
	const struct branch *branch = arg;
	int c = branch->view->sort->compare(a, b, branch->model);

	if (!c)
		return order_key(a, b);
	return branch->view->descending ? -c : c;
}

int tree_update(struct tree *t, const struct view *processes, const struct model *m, size_t want)
{
	struct branch b = {t, processes, m, false};
	size_t i;

	t->count = t->sorted = 0;
	for (i = 0; i < processes->sorted && t->sorted < want && !b.failed; i++) {
		size_t first = t->sorted + 1;

		b.failed = !add(t, processes->rows[i]);
		model_each_member(m, processes->rows[i], add_member, &b);
		if (!b.failed)
			qsort_r(t->rows + first, t->sorted - first, sizeof(*t->rows), compare, &b);
	}
	if (b.failed) {
		t->sorted = 0;
		return -ENOMEM;
	}
	t->count = t->sorted;
	if (i < processes->count) /* all others, but for those whose process was evicted */
		t->count = model_rows(m, TABLE_PROCESSES) + model_rows(m, TABLE_CONNECTIONS);
	return 0;
}
