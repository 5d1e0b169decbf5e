/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "traffic/ring.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/** The offsets of io_uring_setup() as pointers into what was mapped. */
static void point(struct ring *r, const struct io_uring_params *p)
{
	char *base = r->rings;
	unsigned int *array = (unsigned int *)(base + p->sq_off.array);
	unsigned int i;

	r->sq_tail = (unsigned int *)(base + p->sq_off.tail);
	r->sq_flags = (unsigned int *)(base + p->sq_off.flags);
	r->cq_head = (unsigned int *)(base + p->cq_off.head);
	r->cq_tail = (unsigned int *)(base + p->cq_off.tail);
	r->cqes = (struct io_uring_cqe *)(base + p->cq_off.cqes);
	r->sq_mask = p->sq_entries - 1;
	r->cq_mask = p->cq_entries - 1;
	for (i = 0; i < p->sq_entries; i++)
		array[i] = i; /* request i is always at place i */
}

/** Both rings are one mapping since 5.4, IORING_FEAT_SINGLE_MMAP. */
static void measure(struct ring *r, const struct io_uring_params *p)
{
	size_t sq = p->sq_off.array + p->sq_entries * sizeof(unsigned int);
	size_t cq = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);

	r->rings_size = sq > cq ? sq : cq;
	r->sqes_size = p->sq_entries * sizeof(struct io_uring_sqe);
}

static void *map(const struct ring *r, size_t size, off_t what)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, what);
}

int ring_open(struct ring *r, unsigned int entries, unsigned int flags)
{
	struct io_uring_params p = {.flags = flags};
	int err;

	*r = (struct ring){.rings = MAP_FAILED, .polled = flags & IORING_SETUP_SQPOLL};
	r->fd = (int)syscall(SYS_io_uring_setup, entries, &p);
	if (r->fd < 0)
		return -errno;
	r->sqes = MAP_FAILED;
	measure(r, &p);
	errno = ENOSYS;
	if (p.features & IORING_FEAT_SINGLE_MMAP)
		r->rings = map(r, r->rings_size, IORING_OFF_SQ_RING);
	if (r->rings != MAP_FAILED)
		r->sqes = map(r, r->sqes_size, IORING_OFF_SQES);
	if (r->sqes == MAP_FAILED) {
		err = -errno;
		ring_close(r);
		return err;
	}
	point(r, &p);
	return 0;
}

void ring_close(struct ring *r)
{
	if (r->rings != MAP_FAILED)
		munmap(r->rings, r->rings_size);
	if (r->sqes != MAP_FAILED)
		munmap(r->sqes, r->sqes_size);
	close(r->fd);
}

struct io_uring_sqe *ring_request(struct ring *r, int op, int fd, const void *addr, size_t len)
{
	struct io_uring_sqe *sqe = &r->sqes[*r->sq_tail & r->sq_mask];

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = (__u8)op;
	sqe->fd = fd;
	sqe->addr = (uintptr_t)addr;
	sqe->len = (__u32)len;
	return sqe;
}

static int enter(const struct ring *r, unsigned int submit, unsigned int wait, unsigned int flags)
{
	long n;

	do
		n = syscall(SYS_io_uring_enter, r->fd, submit, wait, flags, NULL, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int ring_submit(struct ring *r)
{
	__atomic_store_n(r->sq_tail, *r->sq_tail + 1, __ATOMIC_RELEASE);
	if (!r->polled)
		return enter(r, 1, 0, 0);
	/* The thread that polls says that it sleeps before it looks at the tail for the last time:
	 * so the tail first, then its word. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(r->sq_flags, __ATOMIC_RELAXED) & IORING_SQ_NEED_WAKEUP)
		return enter(r, 1, 0, IORING_ENTER_SQ_WAKEUP);
	return 0;
}

int ring_wait(struct ring *r, unsigned int *flags)
{
	const struct io_uring_cqe *cqe;
	unsigned int head = *r->cq_head;
	int err, res;

	while (head == __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE)) {
		err = enter(r, 0, 1, IORING_ENTER_GETEVENTS);
		if (err)
			return err;
	}
	cqe = &r->cqes[head & r->cq_mask];
	res = cqe->res;
	if (flags)
		*flags = cqe->flags;
	__atomic_store_n(r->cq_head, head + 1, __ATOMIC_RELEASE);
	return res;
}

bool ring_knows(const struct ring *r, int op)
{
	enum { OPS = 64 };
	union {
		struct io_uring_probe probe;
		char space[sizeof(struct io_uring_probe) + OPS * sizeof(struct io_uring_probe_op)];
	} u;

	memset(&u, 0, sizeof(u));
	if (syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_PROBE, &u, OPS) < 0)
		return false;
	return op <= u.probe.last_op && u.probe.ops[op].flags & IO_URING_OP_SUPPORTED;
}
