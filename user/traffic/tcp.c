/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* TCP: the calls and flags that a hook can miss, count twice, or count too early. */
#include "traffic/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif
#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif

static void server_eof(struct traffic_side *side)
{
	recv_eof(&side->flow);
}

/** Wait until len bytes lie in the receive queue. */
static void wait_queued(int fd, ssize_t len)
{
	while (must(recv(fd, traffic_scratch, len, MSG_PEEK | MSG_WAITALL), "peek") < len)
		;
}

static int run_peek(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_pair p;
	int i;

	pair_open(&p, opts);
	send_all(&p.client, traffic_bytes, 1001);
	for (i = 0; i < 5; i++)
		must(recv(p.server.fd, traffic_scratch, 1001, MSG_PEEK), "peek");
	recv_all(&p.server, 1001);
	pair_report(rep, &p);
	pair_close(&p);
	return 0;
}

static void client_segments(struct traffic_side *side)
{
	int i;

	for (i = 0; i < 5; i++) {
		send_all(&side->flow, traffic_bytes, 1000);
		usleep(2000);
	}
}

static void server_waitall(struct traffic_side *side)
{
	must(flow_rx(&side->flow, recv(side->flow.fd, traffic_scratch, 5000, MSG_WAITALL)), "recv");
}

static int run_waitall(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return run_pair(opts, rep, IPPROTO_TCP, client_segments, server_waitall);
}

/* ---- sendfile and splice ---- */

static void client_sendfile(struct traffic_side *side)
{
	size_t left = 300000;
	int file = temp_file(left);

	while (left)
		left -= must(flow_tx(&side->flow, sendfile(side->flow.fd, file, NULL, left)),
			     "sendfile");
	close(file);
}

/** Move what lies in a pipe to the socket. */
static void pipe_to_socket(struct traffic_flow *flow, int from, size_t len)
{
	while (len)
		len -= must(flow_tx(flow, splice(from, NULL, flow->fd, NULL, len, SPLICE_F_MORE)),
			    "splice to the socket");
}

/** A file, user pages (vmsplice) and written bytes, each through a pipe into the socket. */
static void client_splice(struct traffic_side *side)
{
	struct iovec iov = {(void *)traffic_bytes, 20000};
	int file = temp_file(200000);
	int pipes[2];
	ssize_t n;

	must(pipe2(pipes, O_CLOEXEC), "pipe");
	while ((n = must(splice(file, NULL, pipes[1], NULL, 65536, 0), "splice of a file")) > 0)
		pipe_to_socket(&side->flow, pipes[0], n);
	pipe_to_socket(&side->flow, pipes[0], must(vmsplice(pipes[1], &iov, 1, 0), "vmsplice"));
	pipe_to_socket(&side->flow, pipes[0], must(write(pipes[1], traffic_bytes, 5001), "write"));
	close(file);
	close(pipes[0]);
	close(pipes[1]);
}

static void server_splice(struct traffic_side *side)
{
	splice_out(&side->flow, SIZE_MAX);
}

/** recv, splice, recv, splice to the end: the two ways mixed on one socket. */
static void server_splice_mixed(struct traffic_side *side)
{
	recv_all(&side->flow, 1111);
	splice_out(&side->flow, 7777);
	recv_all(&side->flow, 2222);
	splice_out(&side->flow, SIZE_MAX);
}

static void client_50000(struct traffic_side *side)
{
	int i;

	for (i = 0; i < 50; i++)
		send_all(&side->flow, traffic_bytes, 1000);
}

static int run_sendfile(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return run_pair(opts, rep, IPPROTO_TCP, client_sendfile, server_eof);
}

static int run_splice_in(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return run_pair(opts, rep, IPPROTO_TCP, client_splice, server_eof);
}

static int run_splice_out(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return run_pair(opts, rep, IPPROTO_TCP, client_50000, server_splice);
}

static int run_splice_mixed(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return run_pair(opts, rep, IPPROTO_TCP, client_50000, server_splice_mixed);
}

static int run_mptcp(const struct traffic_opts *opts, struct traffic_report *rep,
		     traffic_side_fn *client, traffic_side_fn *server)
{
	const char *reason = mptcp_missing();

	if (reason)
		return report_skip(rep, reason);
	return run_pair(opts, rep, IPPROTO_MPTCP, client, server);
}

static int run_mptcp_sendfile(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return run_mptcp(opts, rep, client_sendfile, server_eof);
}

static int run_mptcp_splice_in(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return run_mptcp(opts, rep, client_splice, server_eof);
}

static int run_mptcp_splice_out(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return run_mptcp(opts, rep, client_50000, server_splice);
}

/* ---- zero copy ---- */

enum {
	PAGE = 4096,
	N_PAGES = 128,
	WINDOW = 64 * PAGE,
};

/**
 * Only fragments of one whole page are mapped, and pages that are neighbours in memory are sent as
 * one fragment: so the pages of a file, each 37 after the last.
 */
static void client_pages(struct traffic_side *side)
{
	int file = temp_file(N_PAGES * PAGE);
	int i;

	for (i = 0; i < N_PAGES; i++) {
		off_t at = i * 37 % N_PAGES * PAGE;
		size_t left = PAGE;

		while (left)
			left -= must(flow_tx(&side->flow, sendfile(side->flow.fd, file, &at, left)),
				     "sendfile");
	}
	close(file);
}

/** One TCP_ZEROCOPY_RECEIVE. Returns what it moved, mapped and copied; *skip: what it leaves. */
static size_t zerocopy_receive(struct traffic_flow *flow, void *window, bool copy, uint32_t *skip)
{
	struct tcp_zerocopy_receive zc = {
		.address = (uintptr_t)window,
		.length = WINDOW,
		.copybuf_address = copy ? (uintptr_t)traffic_scratch : 0,
		.copybuf_len = copy ? 65536 : 0,
	};
	socklen_t len = sizeof(zc);

	if (getsockopt(flow->fd, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, &zc, &len) < 0) {
		if (errno != EIO) /* EIO: nothing is queued, and a FIN has come */
			die("TCP_ZEROCOPY_RECEIVE");
		zc.length = zc.recv_skip_hint = zc.copybuf_len = 0;
	}
	*skip = zc.recv_skip_hint;
	flow_rx(flow, zc.length);
	if (zc.copybuf_len > 0)
		flow_rx(flow, zc.copybuf_len);
	return zc.length + (zc.copybuf_len > 0 ? zc.copybuf_len : 0);
}

static void receive_mapped(struct traffic_side *side, bool copy)
{
	struct traffic_flow *flow = &side->flow;
	struct pollfd poll_in = {.fd = flow->fd, .events = POLLIN};
	void *window = mmap(NULL, WINDOW, PROT_READ, MAP_SHARED, flow->fd, 0);
	int low = 65536; /* wait for whole pages */
	uint64_t mapped = 0;
	uint32_t skip;
	ssize_t n = 1;

	if (window == MAP_FAILED)
		die("mmap of a socket");
	must(setsockopt(flow->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low)), "SO_RCVLOWAT");
	while (n) {
		must(poll(&poll_in, 1, -1), "poll");
		n = zerocopy_receive(flow, window, copy, &skip);
		mapped += n;
		if (n && !skip)
			continue;
		n = must(flow_rx(flow, recv(flow->fd, traffic_scratch, skip ? skip : 1, 0)),
			 "recv");
	}
	munmap(window, WINDOW);
	report_event(side->rep, mapped ? "zerocopy" : "nothing-mapped");
}

static void server_zerocopy(struct traffic_side *side)
{
	receive_mapped(side, false);
}

static void server_zerocopy_copy(struct traffic_side *side)
{
	receive_mapped(side, true);
}

static int run_zerocopy_receive(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return run_pair(opts, rep, IPPROTO_TCP, client_pages, server_zerocopy);
}

static int run_zerocopy_copy(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return run_pair(opts, rep, IPPROTO_TCP, client_pages, server_zerocopy_copy);
}

/** Read completions from the error queue until n sends are done. */
static void reap_zerocopy(int fd, uint32_t n)
{
	struct pollfd poll_err = {.fd = fd};
	char control[128];
	uint32_t done = 0;

	while (done < n) {
		struct msghdr msg = {.msg_control = control, .msg_controllen = sizeof(control)};
		const struct sock_extended_err *err;
		const struct cmsghdr *cmsg;

		must(poll(&poll_err, 1, -1), "poll of the error queue");
		if (recvmsg(fd, &msg, MSG_ERRQUEUE) < 0) {
			if (errno == EAGAIN)
				continue;
			die("recvmsg(MSG_ERRQUEUE)");
		}
		cmsg = CMSG_FIRSTHDR(&msg);
		err = cmsg ? (const void *)CMSG_DATA(cmsg) : NULL;
		if (err && err->ee_origin == SO_EE_ORIGIN_ZEROCOPY)
			done += err->ee_data - err->ee_info + 1;
	}
}

static void client_zerocopy(struct traffic_side *side)
{
	int one = 1;
	int i;

	must(setsockopt(side->flow.fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)), "SO_ZEROCOPY");
	for (i = 0; i < 8; i++)
		must(flow_tx(&side->flow, send(side->flow.fd, traffic_bytes, 10000, MSG_ZEROCOPY)),
		     "send(MSG_ZEROCOPY)");
	reap_zerocopy(side->flow.fd, 8);
}

static int run_msg_zerocopy(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return run_pair(opts, rep, IPPROTO_TCP, client_zerocopy, server_eof);
}

/* ---- flags ---- */

static int run_msg_trunc(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_pair p;

	pair_open(&p, opts);
	send_all(&p.client, traffic_bytes, 5000);
	wait_queued(p.server.fd, 5000);
	must(flow_rx(&p.server, recv(p.server.fd, NULL, 3000, MSG_TRUNC)), "recv(MSG_TRUNC)");
	recv_all(&p.server, 2000);
	pair_report(rep, &p);
	pair_close(&p);
	return 0;
}

static int run_oob(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_pair p;
	struct pollfd urgent = {.events = POLLPRI};

	pair_open(&p, opts);
	send_all(&p.client, traffic_bytes, 100);
	must(flow_tx(&p.client, send(p.client.fd, "!", 1, MSG_OOB)), "send(MSG_OOB)");
	send_all(&p.client, traffic_bytes, 200);
	urgent.fd = p.server.fd;
	must(poll(&urgent, 1, -1), "poll for urgent data");
	must(flow_rx(&p.server, recv(p.server.fd, traffic_scratch, 1, MSG_OOB)), "recv(MSG_OOB)");
	recv_all(&p.server, 300);
	pair_report(rep, &p);
	pair_close(&p);
	return 0;
}

/** Non-blocking writes larger than the buffer: part of each is taken, or none (EAGAIN). */
static void client_short_writes(struct traffic_side *side)
{
	struct pollfd out = {.fd = side->flow.fd, .events = POLLOUT};
	int size = 50000, refused = 0;
	ssize_t n;

	must(setsockopt(out.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), "SO_SNDBUF");
	must(fcntl(out.fd, F_SETFL, O_NONBLOCK), "O_NONBLOCK");
	while (side->flow.tx < 3000000) {
		n = flow_tx(&side->flow, write(out.fd, traffic_bytes, 200001));
		if (n >= 0)
			continue;
		if (errno != EAGAIN)
			die("write");
		refused++;
		must(poll(&out, 1, -1), "poll");
	}
	report_event(side->rep, refused ? "eagain" : "no-eagain");
}

static void server_slow(struct traffic_side *side)
{
	struct pollfd in = {.fd = side->flow.fd, .events = POLLIN};
	ssize_t n = 1;

	must(fcntl(in.fd, F_SETFL, O_NONBLOCK), "O_NONBLOCK");
	while (n) {
		n = flow_rx(&side->flow, read(in.fd, traffic_scratch, 7001));
		if (n < 0 && errno == EAGAIN)
			must(poll(&in, 1, -1), "poll");
		else
			must(n, "read");
	}
}

static int run_short_writes(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return run_pair(opts, rep, IPPROTO_TCP, client_short_writes, server_slow);
}

const struct traffic_case traffic_tcp_cases[] = {
	{.name = "tcp-peek", .run = run_peek},
	{.name = "tcp-waitall", .run = run_waitall},
	{.name = "tcp-sendfile", .run = run_sendfile},
	{.name = "tcp-splice-in", .run = run_splice_in},
	{.name = "tcp-splice-out", .run = run_splice_out},
	{.name = "tcp-splice-mixed", .run = run_splice_mixed},
	{.name = "mptcp-sendfile", .run = run_mptcp_sendfile, .needs = "mptcp"},
	{.name = "mptcp-splice-in", .run = run_mptcp_splice_in, .needs = "mptcp"},
	{.name = "mptcp-splice-out", .run = run_mptcp_splice_out, .needs = "mptcp"},
	{.name = "tcp-zerocopy-receive", .run = run_zerocopy_receive, .must = "zerocopy"},
	{.name = "tcp-zerocopy-copybuf", .run = run_zerocopy_copy, .must = "zerocopy"},
	{.name = "tcp-msg-zerocopy", .run = run_msg_zerocopy},
	{.name = "tcp-msg-trunc", .run = run_msg_trunc},
	{.name = "tcp-oob", .run = run_oob},
	{.name = "tcp-short-writes", .run = run_short_writes, .must = "eagain"},
	{0},
};
