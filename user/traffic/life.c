/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* TCP: how connections begin, fail and end. */
#include "traffic/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/** Some bytes both ways, then the three lines. */
static void talk_and_close(struct traffic_report *rep, struct traffic_pair *p)
{
	send_all(&p->client, traffic_bytes, 1234);
	recv_all(&p->server, 1234);
	send_all(&p->server, traffic_bytes, 4321);
	recv_all(&p->client, 4321);
	pair_report(rep, p);
	pair_close(p);
}

/* ---- TCP fast open ---- */

static bool fastopen_enabled(void)
{
	int fd = open("/proc/sys/net/ipv4/tcp_fastopen", O_RDONLY | O_CLOEXEC);
	char text[16] = "";
	unsigned int value = 0;

	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text) - 1) > 0)
		sscanf(text, "%u", &value);
	close(fd);
	return (value & 3) == 3;
}

/** One connection whose first bytes go with the SYN, once a cookie is known. */
static bool fastopen_once(const struct traffic_opts *opts, const struct traffic_report *rep,
			  int listener)
{
	struct sockaddr_storage addr;
	socklen_t len = loopback(&addr, opts->family, local_port(listener));
	struct traffic_flow client, server;
	struct tcp_info info = {0};
	socklen_t info_len = sizeof(info);
	int fd = must(socket(opts->family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

	flow_open(&client, fd, "client");
	must(flow_tx(&client, sendto(fd, traffic_bytes, 700, MSG_FASTOPEN, (void *)&addr, len)),
	     "sendto(MSG_FASTOPEN)");
	flow_open(&server, must(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept"), "server");
	recv_all(&server, 700);
	send_all(&client, traffic_bytes, 801);
	recv_all(&server, 801);
	send_all(&server, traffic_bytes, 902);
	recv_all(&client, 902);
	must(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &info_len), "TCP_INFO");
	flow_report(rep, &client);
	flow_report(rep, &server);
	close(client.fd);
	close(server.fd);
	return info.tcpi_options & TCPI_OPT_SYN_DATA;
}

static int run_fastopen(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_flow listener;
	int queue = 16, with_syn = 0, i;

	if (!fastopen_enabled())
		return report_skip(rep, "net.ipv4.tcp_fastopen is not 3 in this namespace");
	flow_open(&listener, net_listen(opts->family, IPPROTO_TCP, 0), "listener");
	must(setsockopt(listener.fd, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue)),
	     "TCP_FASTOPEN");
	for (i = 0; i < 4; i++)
		with_syn += fastopen_once(opts, rep, listener.fd);
	flow_report(rep, &listener);
	report_event(rep, with_syn ? "syn-data" : "no-syn-data");
	return 0;
}

/* ---- accept ---- */

/** Connect, then take the connection in one of the ways there are. */
static void open_by(struct traffic_pair *p, const struct traffic_opts *opts,
		    int (*accept_by)(int fd))
{
	int listener = net_listen(opts->family, IPPROTO_TCP, 0);

	flow_open(&p->listener, listener, "listener");
	flow_open(&p->client, net_client(opts->family, IPPROTO_TCP, local_port(listener)),
		  "client");
	flow_open(&p->server, must(accept_by(listener), "accept"), "server");
}

static int accept_null(int fd)
{
	return accept(fd, NULL, NULL);
}

static int accept_addr(int fd)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);

	return accept4(fd, (void *)&addr, &len, SOCK_CLOEXEC);
}

static int run_accept_null(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_pair p;

	open_by(&p, opts, accept_null);
	talk_and_close(rep, &p);
	return 0;
}

static int run_accept_addr(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_pair p;

	open_by(&p, opts, accept_addr);
	talk_and_close(rep, &p);
	return 0;
}

/** Accepted and connected by io_uring: there is no system call to see. */
static int run_uring_accept(const struct traffic_opts *opts, struct traffic_report *rep)
{
	const char *reason = uring_missing();
	struct sockaddr_storage addr;
	struct traffic_pair p;
	socklen_t len;
	int fd;

	if (reason)
		return report_skip(rep, reason);
	flow_open(&p.listener, net_listen(opts->family, IPPROTO_TCP, 0), "listener");
	fd = must(socket(opts->family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	len = loopback(&addr, opts->family, local_port(p.listener.fd));
	must(uring_connect(fd, (void *)&addr, len), "connect by io_uring");
	flow_open(&p.client, fd, "client");
	flow_open(&p.server, must(uring_accept(p.listener.fd), "accept by io_uring"), "server");
	talk_and_close(rep, &p);
	return 0;
}

/** A v6 socket that talks to ::ffff:127.0.0.1, accepted from a listener on [::]. */
static int run_v4mapped(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct sockaddr_in6 addr = {.sin6_family = AF_INET6};
	int listener = must(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	int client = must(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	struct traffic_pair p;

	(void)opts;
	must(bind(listener, (void *)&addr, sizeof(addr)), "bind");
	must(listen(listener, 8), "listen");
	addr.sin6_port = htons(local_port(listener));
	addr.sin6_addr.s6_addr[10] = addr.sin6_addr.s6_addr[11] = 0xff;
	addr.sin6_addr.s6_addr[12] = 127;
	addr.sin6_addr.s6_addr[15] = 1;
	must(connect(client, (void *)&addr, sizeof(addr)), "connect");
	flow_open(&p.listener, listener, "listener");
	flow_open(&p.client, client, "client");
	flow_open(&p.server, must(accept(listener, NULL, NULL), "accept"), "server");
	talk_and_close(rep, &p);
	return 0;
}

/* ---- ends ---- */

static int run_unread_close(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_pair p;

	pair_open(&p, opts);
	send_all(&p.client, traffic_bytes, 5000);
	recv_all(&p.server, 1000);
	pair_report(rep, &p);
	pair_close(&p);
	return 0;
}

static void client_half_close(struct traffic_side *side)
{
	send_all(&side->flow, traffic_bytes, 3000);
	must(shutdown(side->flow.fd, SHUT_WR), "shutdown");
	recv_eof(&side->flow);
}

static void server_half_close(struct traffic_side *side)
{
	recv_eof(&side->flow);
	send_all(&side->flow, traffic_bytes, 5000);
}

static int run_half_close(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return run_pair(opts, rep, IPPROTO_TCP, client_half_close, server_half_close);
}

/** SO_LINGER 0: the end is a reset. What was read before counts, what was not does not. */
static int run_reset(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct linger linger = {.l_onoff = 1};
	struct traffic_pair p;

	pair_open(&p, opts);
	send_all(&p.client, traffic_bytes, 2500);
	recv_all(&p.server, 2500);
	send_all(&p.server, traffic_bytes, 600);
	must(setsockopt(p.client.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), "LINGER");
	pair_report(rep, &p);
	close(p.client.fd);
	if (recv(p.server.fd, traffic_scratch, 1, 0) != -1 || errno != ECONNRESET)
		die("recv did not fail with ECONNRESET");
	close(p.server.fd);
	close(p.listener.fd);
	return 0;
}

/** Bytes move, but nobody ever accepts: they are the client's, the other end is nobody's. */
static int run_never_accepted(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_flow listener, client;

	flow_open(&listener, net_listen(opts->family, IPPROTO_TCP, 0), "listener");
	flow_open(&client, net_client(opts->family, IPPROTO_TCP, local_port(listener.fd)),
		  "client");
	send_all(&client, traffic_bytes, 3333);
	flow_report(rep, &listener);
	flow_report(rep, &client);
	close(client.fd);
	close(listener.fd);
	return 0;
}

/** The port of a listener that is there no more. */
static uint16_t closed_port(int family)
{
	int fd = net_bound(family, IPPROTO_TCP, 0);
	uint16_t port = local_port(fd);

	close(fd);
	return port;
}

static int run_refused(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct sockaddr_storage addr;
	socklen_t len = loopback(&addr, opts->family, closed_port(opts->family));
	struct traffic_flow flow;

	flow_open(&flow, must(socket(opts->family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"),
		  "client");
	if (connect(flow.fd, (void *)&addr, len) != -1 || errno != ECONNREFUSED)
		die("connect did not fail with ECONNREFUSED");
	flow.fail = "ECONNREFUSED";
	flow_peer(&flow, (void *)&addr); /* the socket has forgotten it */
	flow_report(rep, &flow);
	close(flow.fd);
	return 0;
}

const struct traffic_case traffic_life_cases[] = {
	{"tcp-fastopen", run_fastopen, 0, "tcp_fastopen=3", NULL, "syn-data", 0},
	{.name = "tcp-accept-null", .run = run_accept_null},
	{.name = "tcp-accept-addr", .run = run_accept_addr},
	{.name = "tcp-uring-accept", .run = run_uring_accept, .needs = "io_uring"},
	{.name = "tcp-v4mapped", .run = run_v4mapped, .flags = TRAFFIC_V6_ONLY},
	{.name = "tcp-unread-close", .run = run_unread_close},
	{.name = "tcp-half-close", .run = run_half_close},
	{.name = "tcp-reset", .run = run_reset},
	{.name = "tcp-never-accepted", .run = run_never_accepted},
	{.name = "tcp-refused", .run = run_refused},
	{0},
};
