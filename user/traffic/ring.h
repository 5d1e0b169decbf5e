/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** io_uring by system calls alone, for one request at a time: needs no library. */
#ifndef TRAFFIC_RING_H
#define TRAFFIC_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <linux/io_uring.h>

struct ring {
	int fd;
	bool polled; /* by a kernel thread (SQPOLL) */
	unsigned int sq_mask, cq_mask;
	unsigned int *sq_tail, *sq_flags, *cq_head, *cq_tail;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	void *rings;
	size_t rings_size, sqes_size;
};

/** Make a ring; flags: IORING_SETUP_*. 0 or -errno. */
int ring_open(struct ring *r, unsigned int entries, unsigned int flags);
void ring_close(struct ring *r);
/** The next request, filled in so far; valid until ring_submit(). */
struct io_uring_sqe *ring_request(struct ring *r, int op, int fd, const void *addr, size_t len);
/** Hand over the one request. 0 or -errno. */
int ring_submit(struct ring *r);
/** Wait for a completion; its flags into @flags unless NULL. Its result, negative: -errno. */
int ring_wait(struct ring *r, unsigned int *flags);
/** Whether the kernel knows a request. */
bool ring_knows(const struct ring *r, int op);

#endif
