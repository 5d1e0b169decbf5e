/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every form of send and receive on a connected socket: client and server, each in its own
 * process, send each other messages of known lengths in turn.
 */
#include "traffic/parts.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- system calls ---- */

static ssize_t tx_send(int fd, const void *buf, size_t len)
{
	return send(fd, buf, len, 0);
}

static ssize_t rx_recv(int fd, void *buf, size_t len)
{
	return recv(fd, buf, len, 0);
}

static ssize_t tx_sendto(int fd, const void *buf, size_t len)
{
	return sendto(fd, buf, len, MSG_NOSIGNAL, NULL, 0);
}

static ssize_t rx_recvfrom(int fd, void *buf, size_t len)
{
	struct sockaddr_storage addr;
	socklen_t addr_len = sizeof(addr);

	return recvfrom(fd, buf, len, 0, (void *)&addr, &addr_len);
}

/** Cut a buffer in three, of which one may be empty. */
static void cut(struct iovec iov[3], const void *buf, size_t len)
{
	size_t third = len / 3;

	iov[0] = (struct iovec){(void *)buf, third};
	iov[1] = (struct iovec){(char *)buf + third, third};
	iov[2] = (struct iovec){(char *)buf + 2 * third, len - 2 * third};
}

static ssize_t tx_writev(int fd, const void *buf, size_t len)
{
	struct iovec iov[3];

	cut(iov, buf, len);
	return writev(fd, iov, 3);
}

static ssize_t rx_readv(int fd, void *buf, size_t len)
{
	struct iovec iov[3];

	cut(iov, buf, len);
	return readv(fd, iov, 3);
}

static ssize_t tx_sendmsg(int fd, const void *buf, size_t len)
{
	struct iovec iov[3];
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 3};

	cut(iov, buf, len);
	return sendmsg(fd, &msg, 0);
}

static ssize_t rx_recvmsg(int fd, void *buf, size_t len)
{
	struct iovec iov[3];
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 3};

	cut(iov, buf, len);
	return recvmsg(fd, &msg, 0);
}

/** Two messages that hold a buffer, or one when it is too short. Returns how many. */
static unsigned int two_messages(struct mmsghdr msgs[2], struct iovec iov[2], const void *buf,
				 size_t len)
{
	unsigned int n = len > 1 ? 2 : 1;
	size_t first = len / n;
	unsigned int i;

	memset(msgs, 0, 2 * sizeof(*msgs));
	iov[0] = (struct iovec){(void *)buf, first};
	iov[1] = (struct iovec){(char *)buf + first, len - first};
	for (i = 0; i < n; i++) {
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	return n;
}

static ssize_t sum_messages(const struct mmsghdr *msgs, int n)
{
	ssize_t sum = 0;
	int i;

	if (n < 0)
		return -1;
	for (i = 0; i < n; i++)
		sum += msgs[i].msg_len;
	return sum;
}

static ssize_t tx_sendmmsg(int fd, const void *buf, size_t len)
{
	struct mmsghdr msgs[2];
	struct iovec iov[2];
	unsigned int n = two_messages(msgs, iov, buf, len);

	return sum_messages(msgs, sendmmsg(fd, msgs, n, 0));
}

static ssize_t rx_recvmmsg(int fd, void *buf, size_t len)
{
	struct mmsghdr msgs[2];
	struct iovec iov[2];
	unsigned int n = two_messages(msgs, iov, buf, len);

	return sum_messages(msgs, recvmmsg(fd, msgs, n, 0, NULL));
}

/* ---- Linux AIO ---- */

static aio_context_t aio_context(void)
{
	static aio_context_t context;
	static pid_t owner;

	if (owner != getpid()) {
		context = 0;
		owner = getpid();
		must(syscall(SYS_io_setup, 8, &context), "io_setup");
	}
	return context;
}

static ssize_t aio_one(int fd, int opcode, const void *buf, size_t len)
{
	struct iocb cb = {
		.aio_fildes = fd,
		.aio_lio_opcode = opcode,
		.aio_buf = (uintptr_t)buf,
		.aio_nbytes = len,
	};
	struct iocb *cbs[] = {&cb};
	struct io_event event;
	aio_context_t context = aio_context();

	must(syscall(SYS_io_submit, context, 1, cbs), "io_submit");
	must(syscall(SYS_io_getevents, context, 1, 1, &event, NULL), "io_getevents");
	if (event.res >= 0)
		return event.res;
	errno = -event.res;
	return -1;
}

static ssize_t tx_aio(int fd, const void *buf, size_t len)
{
	return aio_one(fd, IOCB_CMD_PWRITE, buf, len);
}

static ssize_t rx_aio(int fd, void *buf, size_t len)
{
	return aio_one(fd, IOCB_CMD_PREAD, buf, len);
}

static const char *aio_missing(void)
{
	aio_context_t context = 0;

	if (syscall(SYS_io_setup, 1, &context) < 0)
		return "no Linux AIO (io_setup)";
	syscall(SYS_io_destroy, context);
	return NULL;
}

static const struct traffic_form form_send = {.tx = tx_send, .rx = rx_recv};
static const struct traffic_form form_sendto = {.tx = tx_sendto, .rx = rx_recvfrom};
static const struct traffic_form form_write = {.tx = write, .rx = read};
static const struct traffic_form form_writev = {.tx = tx_writev, .rx = rx_readv};
static const struct traffic_form form_sendmsg = {.tx = tx_sendmsg, .rx = rx_recvmsg};
static const struct traffic_form form_sendmmsg = {.tx = tx_sendmmsg, .rx = rx_recvmmsg};
static const struct traffic_form form_aio = {"aio", aio_missing, tx_aio, rx_aio};

/* ---- the exchange ---- */

enum { ROUNDS = 3 };
static const size_t there[] = {1, 7, 100, 1001, 1448, 4096, 9000, 16384};
static const size_t back[] = {20000, 3, 512, 2, 6001, 65, 1400, 333};
enum { N_SIZES = sizeof(there) / sizeof(there[0]) };

static void form_tx(struct traffic_side *side, size_t len)
{
	const struct traffic_form *form = side->opts->form;
	size_t done = 0;

	while (done < len)
		done += must(flow_tx(&side->flow,
				     form->tx(side->flow.fd, traffic_bytes + done, len - done)),
			     "tx of a form");
}

static void form_rx(struct traffic_side *side, size_t len)
{
	const struct traffic_form *form = side->opts->form;

	while (len) {
		ssize_t n = form->rx(side->flow.fd, traffic_scratch, len);

		if (must(flow_rx(&side->flow, n), "rx of a form") == 0)
			die("end of stream in a form");
		len -= n;
	}
}

/** Two small messages in a row would wait for the other side's delayed ACK. */
static void no_delay(const struct traffic_flow *flow)
{
	int one = 1;

	if (flow->type == SOCK_STREAM)
		must(setsockopt(flow->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), "NODELAY");
}

static void form_client(struct traffic_side *side)
{
	int i;

	no_delay(&side->flow);
	for (i = 0; i < ROUNDS * N_SIZES; i++) {
		form_tx(side, there[i % N_SIZES]);
		form_rx(side, back[i % N_SIZES]);
	}
}

static void form_server(struct traffic_side *side)
{
	int i;

	no_delay(&side->flow);
	for (i = 0; i < ROUNDS * N_SIZES; i++) {
		form_rx(side, there[i % N_SIZES]);
		form_tx(side, back[i % N_SIZES]);
	}
}

static int run_form(const struct traffic_opts *opts, struct traffic_report *rep, int protocol)
{
	const char *reason = opts->form->missing ? opts->form->missing() : NULL;

	if (reason)
		return report_skip(rep, reason);
	return run_pair(opts, rep, protocol, form_client, form_server);
}

static int run_tcp(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return run_form(opts, rep, IPPROTO_TCP);
}

static int run_udp(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return run_form(opts, rep, IPPROTO_UDP);
}

static int run_mptcp(const struct traffic_opts *opts, struct traffic_report *rep)
{
	const char *reason = mptcp_missing();

	if (reason)
		return report_skip(rep, reason);
	return run_form(opts, rep, IPPROTO_MPTCP);
}

/* ---- the same twice, with intervals of a log between: rows of connections that are open. The
 * count says how long, in milliseconds. ---- */

enum { PAUSE_MS = 800 };

static void paused_client(struct traffic_side *side)
{
	form_client(side);
	usleep((side->opts->count ? side->opts->count : PAUSE_MS) * 1000);
	form_client(side);
}

static void paused_server(struct traffic_side *side)
{
	form_server(side);
	form_server(side);
}

static int run_tcp_paused(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return run_pair(opts, rep, IPPROTO_TCP, paused_client, paused_server);
}

static int run_udp_paused(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return run_pair(opts, rep, IPPROTO_UDP, paused_client, paused_server);
}

static int run_mptcp_paused(const struct traffic_opts *opts, struct traffic_report *rep)
{
	const char *reason = mptcp_missing();

	if (reason)
		return report_skip(rep, reason);
	return run_pair(opts, rep, IPPROTO_MPTCP, paused_client, paused_server);
}

#define TCP_UDP(id, name, what)                                    \
	{"tcp-" name, run_tcp, 0, what, &form_##id, NULL, 0},      \
	{                                                          \
		"udp-" name, run_udp, 0, what, &form_##id, NULL, 0 \
	}
#define ALL(id, name, what)                                               \
	TCP_UDP(id, name, what),                                          \
	{                                                                 \
		"mptcp-" name, run_mptcp, 0, "mptcp", &form_##id, NULL, 0 \
	}

const struct traffic_case traffic_form_cases[] = {
	ALL(send, "send", NULL),
	ALL(sendto, "sendto", NULL),
	ALL(write, "write", NULL),
	ALL(writev, "writev", NULL),
	ALL(sendmsg, "sendmsg", NULL),
	ALL(sendmmsg, "sendmmsg", NULL),
	ALL(aio, "aio", "aio"),
	ALL(uring_send, "uring-send", "io_uring"),
	ALL(uring_sendmsg, "uring-sendmsg", "io_uring"),
	ALL(uring_write, "uring-write", "io_uring"),
	TCP_UDP(uring_send_zc, "uring-send-zc", "io_uring"), /* MPTCP has no zero copy */
	TCP_UDP(uring_sendmsg_zc, "uring-sendmsg-zc", "io_uring"),
	ALL(uring_multishot, "uring-multishot", "io_uring"),
	ALL(uring_async, "uring-async", "io_uring"),
	ALL(uring_sqpoll, "uring-sqpoll", "io_uring"),
	{.name = "tcp-paused", .run = run_tcp_paused, .form = &form_send, .quick = 250},
	{.name = "udp-paused", .run = run_udp_paused, .form = &form_send, .quick = 250},
	{.name = "mptcp-paused",
	 .run = run_mptcp_paused,
	 .needs = "mptcp",
	 .form = &form_send,
	 .quick = 250},
	{0},
};
