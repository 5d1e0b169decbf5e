/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** A ring of intrusive links: rows move between lists without memory being asked for. */
#ifndef MODEL_LIST_H
#define MODEL_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next; /* itself when empty, or when linked nowhere */
};

/** The struct of @type whose @member is @link. */
#define LIST_ENTRY(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

/** True for a head without links, and for a link that is in no list. */
static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

/** Take out of its list, if it is in one. */
static inline void list_del(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

/** Link @l, which is in no list, before the head: as the last. */
static inline void list_add_tail(struct list *head, struct list *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

static inline void list_move_tail(struct list *head, struct list *l)
{
	list_del(l);
	list_add_tail(head, l);
}

/** Append all of @from to @to; @from is empty afterwards. */
static inline void list_splice_tail(struct list *to, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#endif
