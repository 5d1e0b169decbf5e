/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The forms of send and receive that go through io_uring. One ring for each process. */
#include "traffic/parts.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "traffic/ring.h"

enum ring_kind { PLAIN, ASYNC, SQPOLL };

/* Newer than some headers that we are built with; of include/uapi/linux/io_uring.h. */
enum {
	OP_SEND_ZC = 47,         /* 6.0 */
	OP_SENDMSG_ZC = 48,      /* 6.1 */
	RECV_MULTISHOT = 1 << 1, /* 6.0, in ioprio */
};

/** -errno as the C library has it. */
static ssize_t result(int res)
{
	if (res >= 0)
		return res;
	errno = -res;
	return -1;
}

/** The ring of this process; made at first use, gone with the process. */
static struct ring *ring(enum ring_kind kind)
{
	static struct ring the_ring;
	static pid_t owner;

	if (owner != getpid()) {
		owner = getpid();
		must(result(ring_open(&the_ring, 16, kind == SQPOLL ? IORING_SETUP_SQPOLL : 0)),
		     "io_uring_setup");
	}
	return &the_ring;
}

static void submit(struct ring *r)
{
	must(result(ring_submit(r)), "io_uring_enter");
}

static ssize_t submit_one(struct ring *r)
{
	submit(r);
	return result(ring_wait(r, NULL));
}

/** A zero-copy send has two completions: the result, and then that the buffer is free again. */
static ssize_t submit_zero_copy(struct ring *r)
{
	unsigned int flags = 0;
	int res;

	submit(r);
	res = ring_wait(r, &flags);
	if (flags & IORING_CQE_F_MORE)
		ring_wait(r, NULL);
	return result(res);
}

static ssize_t send_of(enum ring_kind kind, int fd, const void *buf, size_t len)
{
	struct ring *r = ring(kind);

	ring_request(r, IORING_OP_SEND, fd, buf, len)->flags = kind == ASYNC ? IOSQE_ASYNC : 0;
	return submit_one(r);
}

static ssize_t recv_of(enum ring_kind kind, int fd, void *buf, size_t len)
{
	struct ring *r = ring(kind);

	ring_request(r, IORING_OP_RECV, fd, buf, len)->flags = kind == ASYNC ? IOSQE_ASYNC : 0;
	return submit_one(r);
}

static ssize_t tx_send(int fd, const void *buf, size_t len)
{
	return send_of(PLAIN, fd, buf, len);
}

static ssize_t rx_recv(int fd, void *buf, size_t len)
{
	return recv_of(PLAIN, fd, buf, len);
}

static ssize_t tx_async(int fd, const void *buf, size_t len)
{
	return send_of(ASYNC, fd, buf, len);
}

static ssize_t rx_async(int fd, void *buf, size_t len)
{
	return recv_of(ASYNC, fd, buf, len);
}

static ssize_t tx_sqpoll(int fd, const void *buf, size_t len)
{
	return send_of(SQPOLL, fd, buf, len);
}

static ssize_t rx_sqpoll(int fd, void *buf, size_t len)
{
	return recv_of(SQPOLL, fd, buf, len);
}

static ssize_t tx_sendmsg(int fd, const void *buf, size_t len)
{
	struct iovec iov = {(void *)buf, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct ring *r = ring(PLAIN);

	ring_request(r, IORING_OP_SENDMSG, fd, &msg, 1);
	return submit_one(r);
}

static ssize_t rx_recvmsg(int fd, void *buf, size_t len)
{
	struct iovec iov = {buf, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct ring *r = ring(PLAIN);

	ring_request(r, IORING_OP_RECVMSG, fd, &msg, 1);
	return submit_one(r);
}

static ssize_t tx_write(int fd, const void *buf, size_t len)
{
	struct ring *r = ring(PLAIN);

	ring_request(r, IORING_OP_WRITE, fd, buf, len);
	return submit_one(r);
}

static ssize_t rx_read(int fd, void *buf, size_t len)
{
	struct ring *r = ring(PLAIN);

	ring_request(r, IORING_OP_READ, fd, buf, len);
	return submit_one(r);
}

static ssize_t tx_send_zc(int fd, const void *buf, size_t len)
{
	struct ring *r = ring(PLAIN);

	ring_request(r, OP_SEND_ZC, fd, buf, len);
	return submit_zero_copy(r);
}

static ssize_t tx_sendmsg_zc(int fd, const void *buf, size_t len)
{
	struct iovec iov = {(void *)buf, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct ring *r = ring(PLAIN);

	ring_request(r, OP_SENDMSG_ZC, fd, &msg, 1);
	return submit_zero_copy(r);
}

/* ---- multishot receive: one request, many completions, buffers chosen by the kernel ---- */

enum { GROUP = 7, N_BUFFERS = 8, BUFFER_SIZE = 65536 };
static char buffers[N_BUFFERS][BUFFER_SIZE];

/** All of them; the kernel counts them in the place of the descriptor. */
static void give_buffers(struct ring *r)
{
	struct io_uring_sqe *sqe =
		ring_request(r, IORING_OP_PROVIDE_BUFFERS, N_BUFFERS, buffers, BUFFER_SIZE);

	sqe->buf_group = GROUP;
	must(submit_one(r), "PROVIDE_BUFFERS");
}

static void arm(struct ring *r, int fd)
{
	struct io_uring_sqe *sqe = ring_request(r, IORING_OP_RECV, fd, NULL, 0);

	sqe->ioprio = RECV_MULTISHOT;
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	submit(r);
}

/**
 * A ring of its own: completions of the armed receive come at any time. Sends use the other ring.
 * Buffers are given back only when all are used up and the receive has ended with ENOBUFS.
 */
static ssize_t rx_multishot(int fd, void *buf, size_t len)
{
	static struct ring multishot_ring;
	static pid_t owner;
	static bool armed;
	unsigned int flags = 0;
	int res;

	(void)buf;
	(void)len;
	if (owner != getpid()) {
		owner = getpid();
		must(result(ring_open(&multishot_ring, 64, 0)), "io_uring_setup");
		give_buffers(&multishot_ring);
		armed = false;
	}
	for (;;) {
		if (!armed)
			arm(&multishot_ring, fd);
		res = ring_wait(&multishot_ring, &flags);
		armed = flags & IORING_CQE_F_MORE;
		if (res != -ENOBUFS)
			return result(res);
		give_buffers(&multishot_ring);
	}
}

/* ---- which of them this kernel has ---- */

const char *uring_missing(void)
{
	struct ring probe;

	if (ring_open(&probe, 1, 0) < 0)
		return "no io_uring (io_uring_setup failed; see kernel.io_uring_disabled)";
	ring_close(&probe);
	return NULL;
}

static const char *op_missing(int op, const char *reason)
{
	const char *why = uring_missing();
	struct ring probe;

	if (why || ring_open(&probe, 1, 0) < 0)
		return why;
	if (!ring_knows(&probe, op))
		why = reason;
	ring_close(&probe);
	return why;
}

static const char *send_zc_missing(void)
{
	return op_missing(OP_SEND_ZC, "no IORING_OP_SEND_ZC (Linux 6.0)");
}

/* Multishot receive came with 6.0, as SEND_ZC did; it has no probe of its own. */
static const char *multishot_missing(void)
{
	return op_missing(OP_SEND_ZC, "no multishot receive (Linux 6.0)");
}

static const char *sendmsg_zc_missing(void)
{
	return op_missing(OP_SENDMSG_ZC, "no IORING_OP_SENDMSG_ZC (Linux 6.1)");
}

static const char *sqpoll_missing(void)
{
	struct ring probe;
	const char *why = uring_missing();

	if (why)
		return why;
	if (ring_open(&probe, 1, IORING_SETUP_SQPOLL) < 0)
		return "no io_uring with SQPOLL (io_uring_setup failed)";
	ring_close(&probe);
	return NULL;
}

const struct traffic_form form_uring_send = {"io_uring", uring_missing, tx_send, rx_recv};
const struct traffic_form form_uring_sendmsg = {"io_uring", uring_missing, tx_sendmsg, rx_recvmsg};
const struct traffic_form form_uring_write = {"io_uring", uring_missing, tx_write, rx_read};
const struct traffic_form form_uring_send_zc = {"io_uring", send_zc_missing, tx_send_zc, rx_recv};
const struct traffic_form form_uring_sendmsg_zc = {"io_uring", sendmsg_zc_missing, tx_sendmsg_zc,
						   rx_recvmsg};
const struct traffic_form form_uring_multishot = {"io_uring", multishot_missing, tx_send,
						  rx_multishot};
const struct traffic_form form_uring_async = {"io_uring", uring_missing, tx_async, rx_async};
const struct traffic_form form_uring_sqpoll = {"io_uring", sqpoll_missing, tx_sqpoll, rx_sqpoll};

int uring_accept(int fd)
{
	struct ring *r = ring(PLAIN);

	ring_request(r, IORING_OP_ACCEPT, fd, NULL, 0)->accept_flags = SOCK_CLOEXEC;
	return (int)submit_one(r);
}

int uring_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct ring *r = ring(PLAIN);

	ring_request(r, IORING_OP_CONNECT, fd, addr, 0)->off = len;
	return (int)submit_one(r);
}
