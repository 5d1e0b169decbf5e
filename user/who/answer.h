/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What of a census answers the question, put in order; and who holds it. Pure. */
#ifndef WHO_ANSWER_H
#define WHO_ANSWER_H

#include "event/census.h"

struct target;

enum { HOLDER_FDS = 16 };

struct answer {
	const struct census *census; /* borrowed */
	size_t *socks;               /* owned; sockets bound alike follow each other */
	size_t count;
};

struct holder { /* a process, of all sockets of a block */
	uint32_t pid;
	uint64_t start_ns;
	const struct census_task *task; /* borrowed; NULL: it is not known */
	uint32_t fds[HOLDER_FDS];
	uint32_t fd_count;    /* all, also beyond the array */
	uint32_t connections; /* that it holds on this port */
	bool waits;           /* it is woken by what comes next */
	bool top;             /* no ancestor of it holds the same */
};

struct block { /* sockets that are bound alike: what one line of text tells */
	const struct census *census;
	const size_t *socks; /* borrowed */
	size_t count;
	const struct census_sock *first;
	struct holder *holders; /* owned; the top ones first, then by pid */
	size_t holder_count;
	struct census_count n; /* of connections on it */
};

/** Which sockets match any of the targets; with none, all listeners. Connections that are part of
 *  a listener's numbers are left out unless @all. 0 or -ENOMEM. */
int answer_init(struct answer *a, const struct census *c, const struct target *targets,
		size_t target_count, bool all);
/** These sockets of @c: takes @socks over, and puts them in order. */
void answer_of(struct answer *a, const struct census *c, size_t *socks, size_t count);
void answer_done(struct answer *a);

/** The block that begins at index @*at, which moves behind it; false at the end. -ENOMEM shows as
 *  a block without holders. */
bool answer_block(const struct answer *a, size_t *at, struct block *b);
void block_done(struct block *b);

bool sock_is_listener(const struct census_sock *s);
/** Whether it is of TCP, waits for nothing but its end and belongs to no process. */
bool sock_is_remains(const struct census_sock *s);

/** Whether no process can hold it: what remains of one, or the kernel's own. */
bool sock_has_no_process(const struct census_sock *s);

/** Whether the holder takes what comes: it was seen to wait, or has connections of this port. */
bool holder_accepts(const struct holder *h);

#endif
