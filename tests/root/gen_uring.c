/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The forms of send and receive that go through io_uring. One ring for each process. */
#include "gen.h"

#include <errno.h>
#include <liburing.h>
#include <string.h>
#include <unistd.h>

enum ring_kind { PLAIN, ASYNC, SQPOLL };

/** The ring of this process; made at first use, gone with the process. */
static struct io_uring *ring(enum ring_kind kind)
{
	static struct io_uring the_ring;
	static pid_t owner;
	int ret;

	if (owner != getpid()) {
		owner = getpid();
		ret = io_uring_queue_init(16, &the_ring, kind == SQPOLL ? IORING_SETUP_SQPOLL : 0);
		errno = -ret;
		must(ret, "io_uring_queue_init");
	}
	return &the_ring;
}

/** The next completion: its result, and its flags when asked for. */
static ssize_t complete(struct io_uring *r, unsigned int *flags)
{
	struct io_uring_cqe *cqe;
	ssize_t res;
	int ret;

	do
		ret = io_uring_wait_cqe(r, &cqe);
	while (ret == -EINTR);
	errno = -ret;
	must(ret, "io_uring_wait_cqe");
	res = cqe->res;
	if (flags)
		*flags = cqe->flags;
	io_uring_cqe_seen(r, cqe);
	if (res >= 0)
		return res;
	errno = -res;
	return -1;
}

static void submit(struct io_uring *r)
{
	int ret = io_uring_submit(r);

	errno = -ret;
	must(ret, "io_uring_submit");
}

static ssize_t submit_one(struct io_uring *r)
{
	submit(r);
	return complete(r, NULL);
}

/** A zero-copy send has two completions: the result, and then that the buffer is free again. */
static ssize_t submit_zero_copy(struct io_uring *r)
{
	unsigned int flags;
	ssize_t n;
	int saved;

	submit(r);
	n = complete(r, &flags);
	saved = errno;
	if (flags & IORING_CQE_F_MORE)
		complete(r, NULL);
	errno = saved;
	return n;
}

static ssize_t send_of(enum ring_kind kind, int fd, const void *buf, size_t len)
{
	struct io_uring *r = ring(kind);
	struct io_uring_sqe *sqe = io_uring_get_sqe(r);

	io_uring_prep_send(sqe, fd, buf, len, 0);
	if (kind == ASYNC)
		io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
	return submit_one(r);
}

static ssize_t recv_of(enum ring_kind kind, int fd, void *buf, size_t len)
{
	struct io_uring *r = ring(kind);
	struct io_uring_sqe *sqe = io_uring_get_sqe(r);

	io_uring_prep_recv(sqe, fd, buf, len, 0);
	if (kind == ASYNC)
		io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
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
	struct io_uring *r = ring(PLAIN);

	io_uring_prep_sendmsg(io_uring_get_sqe(r), fd, &msg, 0);
	return submit_one(r);
}

static ssize_t rx_recvmsg(int fd, void *buf, size_t len)
{
	struct iovec iov = {buf, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct io_uring *r = ring(PLAIN);

	io_uring_prep_recvmsg(io_uring_get_sqe(r), fd, &msg, 0);
	return submit_one(r);
}

static ssize_t tx_write(int fd, const void *buf, size_t len)
{
	struct io_uring *r = ring(PLAIN);

	io_uring_prep_write(io_uring_get_sqe(r), fd, buf, len, 0);
	return submit_one(r);
}

static ssize_t rx_read(int fd, void *buf, size_t len)
{
	struct io_uring *r = ring(PLAIN);

	io_uring_prep_read(io_uring_get_sqe(r), fd, buf, len, 0);
	return submit_one(r);
}

static ssize_t tx_send_zc(int fd, const void *buf, size_t len)
{
	struct io_uring *r = ring(PLAIN);

	io_uring_prep_send_zc(io_uring_get_sqe(r), fd, buf, len, 0, 0);
	return submit_zero_copy(r);
}

static ssize_t tx_sendmsg_zc(int fd, const void *buf, size_t len)
{
	struct iovec iov = {(void *)buf, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct io_uring *r = ring(PLAIN);

	io_uring_prep_sendmsg_zc(io_uring_get_sqe(r), fd, &msg, 0);
	return submit_zero_copy(r);
}

/* ---- multishot receive: one request, many completions, buffers chosen by the kernel ---- */

enum { GROUP = 7, N_BUFFERS = 8, BUFFER_SIZE = 65536 };
static char buffers[N_BUFFERS][BUFFER_SIZE];

static void give_buffers(struct io_uring *r, int first, int n)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(r);

	io_uring_prep_provide_buffers(sqe, buffers[first], BUFFER_SIZE, n, GROUP, first);
	must(submit_one(r), "PROVIDE_BUFFERS");
}

static void arm(struct io_uring *r, int fd)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(r);

	io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
	sqe->buf_group = GROUP;
	submit(r);
}

/**
 * A ring of its own: completions of the armed receive come at any time. Sends use the other ring.
 * Buffers are given back only when all are used up and the receive has ended with ENOBUFS.
 */
static ssize_t rx_multishot(int fd, void *buf, size_t len)
{
	static struct io_uring multishot_ring;
	static pid_t owner;
	static bool armed;
	unsigned int flags;
	ssize_t n;

	(void)buf;
	(void)len;
	if (owner != getpid()) {
		owner = getpid();
		errno = -io_uring_queue_init(64, &multishot_ring, 0);
		must(-errno, "io_uring_queue_init");
		give_buffers(&multishot_ring, 0, N_BUFFERS);
		armed = false;
	}
	for (;;) {
		if (!armed)
			arm(&multishot_ring, fd);
		n = complete(&multishot_ring, &flags);
		armed = flags & IORING_CQE_F_MORE;
		if (n >= 0 || errno != ENOBUFS)
			return n;
		give_buffers(&multishot_ring, 0, N_BUFFERS);
	}
}

/* ---- which of them this kernel has ---- */

const char *uring_missing(void)
{
	struct io_uring probe;

	if (io_uring_queue_init(1, &probe, 0) < 0)
		return "no io_uring (io_uring_setup failed; see kernel.io_uring_disabled)";
	io_uring_queue_exit(&probe);
	return NULL;
}

static const char *op_missing(int op, const char *reason)
{
	struct io_uring_probe *probe;
	const char *why = uring_missing();

	if (why)
		return why;
	probe = io_uring_get_probe();
	if (!probe || !io_uring_opcode_supported(probe, op))
		why = reason;
	io_uring_free_probe(probe);
	return why;
}

static const char *send_zc_missing(void)
{
	return op_missing(IORING_OP_SEND_ZC, "no IORING_OP_SEND_ZC (Linux 6.0)");
}

/* Multishot receive came with 6.0, as SEND_ZC did; it has no probe of its own. */
static const char *multishot_missing(void)
{
	return op_missing(IORING_OP_SEND_ZC, "no multishot receive (Linux 6.0)");
}

static const char *sendmsg_zc_missing(void)
{
	return op_missing(IORING_OP_SENDMSG_ZC, "no IORING_OP_SENDMSG_ZC (Linux 6.1)");
}

const struct gen_form form_uring_send = {"io_uring", uring_missing, tx_send, rx_recv};
const struct gen_form form_uring_sendmsg = {"io_uring", uring_missing, tx_sendmsg, rx_recvmsg};
const struct gen_form form_uring_write = {"io_uring", uring_missing, tx_write, rx_read};
const struct gen_form form_uring_send_zc = {"io_uring", send_zc_missing, tx_send_zc, rx_recv};
const struct gen_form form_uring_sendmsg_zc = {"io_uring", sendmsg_zc_missing, tx_sendmsg_zc,
					       rx_recvmsg};
const struct gen_form form_uring_multishot = {"io_uring", multishot_missing, tx_send, rx_multishot};
const struct gen_form form_uring_async = {"io_uring", uring_missing, tx_async, rx_async};
const struct gen_form form_uring_sqpoll = {"io_uring", uring_missing, tx_sqpoll, rx_sqpoll};

int uring_accept(int fd)
{
	struct io_uring *r = ring(PLAIN);

	io_uring_prep_accept(io_uring_get_sqe(r), fd, NULL, NULL, SOCK_CLOEXEC);
	return submit_one(r);
}

int uring_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct io_uring *r = ring(PLAIN);

	io_uring_prep_connect(io_uring_get_sqe(r), fd, addr, len);
	return submit_one(r);
}
