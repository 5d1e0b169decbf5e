/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Load: many short-lived processes, busy long connections, sockets held open step by step. */
#include "traffic/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- many processes of a millisecond ---- */

enum { AT_ONCE = 32 };

static uint32_t many_tx(uint32_t i)
{
	return sizeof(i) + i % 900;
}

static uint32_t many_rx(uint32_t i)
{
	return 200 + i % 700;
}

/** One of the many: connect, send its number and more, receive, end. */
static void many_client(const struct traffic_opts *opts, const struct traffic_report *rep,
			uint16_t port, uint32_t i)
{
	struct traffic_flow flow;

	flow_open(&flow, net_client(opts->family, IPPROTO_TCP, port), "client");
	send_all(&flow, &i, sizeof(i));
	send_all(&flow, traffic_bytes, many_tx(i) - sizeof(i));
	recv_all(&flow, many_rx(i));
	flow_report(rep, &flow);
	_exit(0);
}

/** The one server of the many: what it has to do with each is in the first four bytes. */
static void many_server(const struct traffic_report *rep, int listener, unsigned int n)
{
	struct traffic_flow flow;
	uint32_t i;

	while (n--) {
		flow_open(&flow, must(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept"),
			  "server");
		must(flow_rx(&flow, recv(flow.fd, &i, sizeof(i), MSG_WAITALL)), "recv");
		recv_all(&flow, many_tx(i) - sizeof(i));
		send_all(&flow, traffic_bytes, many_rx(i));
		flow_report(rep, &flow);
		close(flow.fd);
	}
	_exit(0);
}

static int run_many(const struct traffic_opts *opts, struct traffic_report *rep)
{
	unsigned int n = opts->count ? opts->count : 2000, i, running = 0;
	struct traffic_flow listener;
	uint16_t port;
	pid_t server;

	flow_open(&listener, net_listen(opts->family, IPPROTO_TCP, 0), "listener");
	port = local_port(listener.fd);
	server = must(fork(), "fork");
	if (server == 0)
		many_server(rep, listener.fd, n);
	for (i = 0; i < n; i++) {
		if (running == AT_ONCE) {
			child_wait(-1);
			running--;
		}
		if (must(fork(), "fork") == 0)
			many_client(opts, rep, port, i);
		running++;
	}
	for (running++; running; running--)
		child_wait(-1);
	flow_report(rep, &listener);
	close(listener.fd);
	return 0;
}

/** The same with UDP: a datagram from a socket of its own, then the end. */
static int run_many_udp(const struct traffic_opts *opts, struct traffic_report *rep)
{
	unsigned int n = opts->count ? opts->count : 300, i;
	struct sockaddr_storage to;
	struct traffic_flow server, client;
	socklen_t len;
	pid_t child;

	flow_open(&server, net_bound(opts->family, IPPROTO_UDP, 0), "server");
	len = loopback(&to, opts->family, local_port(server.fd));
	for (i = 0; i < n; i++) {
		child = must(fork(), "fork");
		if (child == 0) {
			flow_open(&client, must(socket(opts->family, SOCK_DGRAM, 0), "socket"),
				  "client");
			must(flow_tx(&client, sendto(client.fd, traffic_bytes, 100 + i, 0,
						     (void *)&to, len)),
			     "sendto");
			flow_report(rep, &client);
			_exit(0);
		}
		must(flow_rx(&server, recv(server.fd, traffic_scratch, 4096, 0)), "recv");
		child_wait(child);
	}
	flow_report(rep, &server);
	close(server.fd);
	return 0;
}

/* ---- a busy mix; the count says how much, in percent ---- */

enum { BUSY_CONNS = 16, BUSY_CHUNK = 65536 };

/** One end of a busy connection: what is still to be sent and received. */
struct busy {
	struct traffic_flow flow;
	size_t tx_left, rx_left;
};

/** Move what can be moved on one connection. */
static void busy_step(struct busy *b, short events)
{
	size_t part;
	ssize_t n;

	if (events & POLLOUT && b->tx_left) {
		part = b->tx_left < BUSY_CHUNK ? b->tx_left : BUSY_CHUNK;
		n = flow_tx(&b->flow, send(b->flow.fd, traffic_bytes, part, MSG_NOSIGNAL));
		if (n > 0)
			b->tx_left -= n;
		else if (n < 0 && errno != EAGAIN)
			die("send");
	}
	if (events & POLLIN && b->rx_left) {
		n = flow_rx(&b->flow, recv(b->flow.fd, traffic_scratch, BUSY_CHUNK, 0));
		if (n > 0)
			b->rx_left -= n;
		else if (n == 0 || errno != EAGAIN)
			die("recv");
	}
}

/** Both directions of all connections at once, until all is moved. */
static void busy_pump(struct busy *conns, int n)
{
	struct pollfd fds[BUSY_CONNS];
	int i, active;

	do {
		active = 0;
		for (i = 0; i < n; i++) {
			fds[i].fd = conns[i].tx_left || conns[i].rx_left ? conns[i].flow.fd : -1;
			fds[i].events = (conns[i].tx_left ? POLLOUT : 0) |
					(conns[i].rx_left ? POLLIN : 0);
			active += fds[i].fd >= 0;
		}
		if (active)
			must(poll(fds, n, -1), "poll");
		for (i = 0; i < n; i++)
			if (fds[i].fd >= 0)
				busy_step(&conns[i], fds[i].revents);
	} while (active);
}

static unsigned int percent(const struct traffic_opts *opts)
{
	return opts->count ? opts->count : 100;
}

/** Connection i sends this much to the server and gets that much back. */
static size_t busy_there(const struct traffic_opts *opts, int i)
{
	return (800000 + 50000 * i) * (size_t)percent(opts) + 15 * i;
}

static size_t busy_back(const struct traffic_opts *opts, int i)
{
	return (1000000 - 25000 * i) * (size_t)percent(opts) - 45 * i;
}

/** Make one side of all connections, pump, report. */
static void busy_side(const struct traffic_opts *opts, const struct traffic_report *rep,
		      int listener, bool is_server)
{
	struct busy conns[BUSY_CONNS];
	int fd, i;

	net_on_cpu(is_server);
	for (i = 0; i < BUSY_CONNS; i++) {
		struct busy *b = &conns[i];

		if (is_server)
			fd = must(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept");
		else
			fd = net_client(opts->family, IPPROTO_TCP, local_port(listener));
		must(fcntl(fd, F_SETFL, O_NONBLOCK), "O_NONBLOCK");
		flow_open(&b->flow, fd, is_server ? "server" : "client");
		b->tx_left = is_server ? busy_back(opts, i) : busy_there(opts, i);
		b->rx_left = is_server ? busy_there(opts, i) : busy_back(opts, i);
	}
	busy_pump(conns, BUSY_CONNS);
	for (i = 0; i < BUSY_CONNS; i++)
		flow_report(rep, &conns[i].flow);
}

static int run_busy(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_flow listener;
	pid_t server;

	flow_open(&listener, net_listen(opts->family, IPPROTO_TCP, 0), "listener");
	server = must(fork(), "fork");
	if (server == 0) {
		busy_side(opts, rep, listener.fd, true);
		_exit(0);
	}
	busy_side(opts, rep, listener.fd, false);
	child_wait(server);
	flow_report(rep, &listener);
	return 0;
}

/* ---- held open, step by step ---- */

/** Say that a step is done and wait for a line; the end of the input ends the process. */
static void step(const struct traffic_report *rep, const char *done)
{
	char c = 0;

	report_event(rep, done);
	while (c != '\n')
		if (read(STDIN_FILENO, &c, 1) != 1)
			_exit(0);
}

/** Splice n bytes from a socket into nothing. */
static void splice_away(struct traffic_flow *flow, size_t n)
{
	int pipes[2];
	ssize_t got;

	must(pipe2(pipes, O_CLOEXEC), "pipe");
	while (n) {
		got = must(flow_rx(flow, splice(flow->fd, NULL, pipes[1], NULL, n, 0)), "splice");
		n -= got;
		while (got)
			got -= must(read(pipes[0], traffic_scratch, got), "read");
	}
	close(pipes[0]);
	close(pipes[1]);
}

/** A datagram that a socket sends to itself and receives without asking who sent it. */
static void udp_to_itself(struct traffic_flow *udp, size_t len)
{
	struct sockaddr_storage self;
	socklen_t addr_len = sizeof(self);

	must(getsockname(udp->fd, (void *)&self, &addr_len), "getsockname");
	flow_tx_peer(udp, (void *)&self,
		     must(sendto(udp->fd, traffic_bytes, len, 0, (void *)&self, addr_len),
			  "sendto itself"));
	flow_rx_peer(udp, NULL, must(recv(udp->fd, traffic_scratch, 4096, 0), "recv"));
}

/** Bytes in every direction and way, of which some stay on the way. */
static void hold_first(struct traffic_pair *p, struct traffic_flow *udp)
{
	send_all(&p->client, traffic_bytes, 40000);
	recv_all(&p->server, 30000);
	splice_away(&p->server, 10000 - 777); /* 777 stay in the queue */
	send_all(&p->server, traffic_bytes, 2000);
	recv_all(&p->client, 2000);
	udp_to_itself(udp, 100);
}

static void hold_second(struct traffic_pair *p, struct traffic_flow *udp)
{
	recv_all(&p->server, 777);
	send_all(&p->client, traffic_bytes, 6000);
	splice_away(&p->server, 5000);
	recv_all(&p->server, 1000);
	send_all(&p->server, traffic_bytes, 3000);
	recv_all(&p->client, 3000);
	udp_to_itself(udp, 250);
}

/** Report what was moved since the last report, and count anew. */
static void hold_report(const struct traffic_report *rep, struct traffic_pair *p,
			struct traffic_flow *udp)
{
	struct traffic_flow *flows[] = {&p->listener, &p->client, &p->server, udp};
	int i;

	for (i = 0; i < 4; i++) {
		flow_report(rep, flows[i]);
		flows[i]->tx = flows[i]->rx = 0;
		flows[i]->n_peers = 0;
		memset(flows[i]->peers, 0, sizeof(flows[i]->peers));
	}
}

/** Opens and moves bytes; a line on stdin: moves more; a line: closes; a line: ends. */
static int run_hold(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_flow udp;
	struct traffic_pair p;

	alarm(0); /* the harness decides how long; the end of stdin is the end */
	pair_open(&p, opts);
	flow_open(&udp, net_bound(opts->family, IPPROTO_UDP, opts->port), "server");
	hold_first(&p, &udp);
	hold_report(rep, &p, &udp);
	step(rep, "ready");
	hold_second(&p, &udp);
	hold_report(rep, &p, &udp);
	step(rep, "moved");
	pair_close(&p);
	close(udp.fd);
	step(rep, "closed");
	return 0;
}

const struct traffic_case traffic_load_cases[] = {
	{.name = "tcp-many", .run = run_many, .quick = 100},
	{.name = "udp-many", .run = run_many_udp, .quick = 40},
	{.name = "tcp-busy", .run = run_busy, .quick = 1},
	{.name = "hold", .run = run_hold, .flags = TRAFFIC_STEPS},
	{0},
};
