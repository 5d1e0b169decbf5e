/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "traffic/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

char traffic_bytes[TRAFFIC_BUF_SIZE];
char traffic_scratch[TRAFFIC_BUF_SIZE];

void die(const char *what)
{
	fprintf(stderr, "%s[%d]: %s: %s\n", program_invocation_short_name, getpid(), what,
		strerror(errno));
	_exit(1);
}

long must(long ret, const char *what)
{
	if (ret < 0)
		die(what);
	return ret;
}

socklen_t loopback(struct sockaddr_storage *addr, int family, uint16_t port)
{
	struct sockaddr_in *v4 = (void *)addr;
	struct sockaddr_in6 *v6 = (void *)addr;

	memset(addr, 0, sizeof(*addr));
	addr->ss_family = family;
	if (family == AF_INET) {
		v4->sin_port = htons(port);
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*v4);
	}
	v6->sin6_port = htons(port);
	v6->sin6_addr = in6addr_loopback;
	return sizeof(*v6);
}

uint16_t local_port(int fd)
{
	struct sockaddr_in6 addr;
	socklen_t len = sizeof(addr);

	must(getsockname(fd, (void *)&addr, &len), "getsockname");
	return ntohs(addr.sin6_port); /* at the same place in sockaddr_in */
}

static int type_of(int protocol)
{
	return protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
}

int net_bound(int family, int protocol, uint16_t port)
{
	struct sockaddr_storage addr;
	socklen_t len = loopback(&addr, family, port);
	int one = 1;
	int fd = must(socket(family, type_of(protocol) | SOCK_CLOEXEC, protocol), "socket");

	if (protocol != IPPROTO_UDP)
		must(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), "REUSEADDR");
	must(bind(fd, (void *)&addr, len), "bind");
	return fd;
}

int net_listen(int family, int protocol, uint16_t port)
{
	int fd = net_bound(family, protocol, port);

	must(listen(fd, 1024), "listen");
	return fd;
}

void net_connect(int fd, int family, uint16_t port)
{
	struct sockaddr_storage addr;
	socklen_t len = loopback(&addr, family, port);

	must(connect(fd, (void *)&addr, len), "connect");
}

int net_client(int family, int protocol, uint16_t port)
{
	int fd = must(socket(family, type_of(protocol) | SOCK_CLOEXEC, protocol), "socket");

	net_connect(fd, family, port);
	return fd;
}

const char *mptcp_missing(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);

	if (fd < 0)
		return "no MPTCP (socket(IPPROTO_MPTCP) failed)";
	close(fd);
	return NULL;
}

void pair_open(struct traffic_pair *pair, const struct traffic_opts *opts)
{
	int listener = net_listen(opts->family, IPPROTO_TCP, opts->port);
	int client, server;

	if (opts->client_port) {
		client = net_bound(opts->family, IPPROTO_TCP, opts->client_port);
		net_connect(client, opts->family, local_port(listener));
	} else {
		client = net_client(opts->family, IPPROTO_TCP, local_port(listener));
	}
	server = must(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept4");
	flow_open(&pair->listener, listener, "listener");
	flow_open(&pair->client, client, "client");
	flow_open(&pair->server, server, "server");
}

void pair_report(const struct traffic_report *rep, struct traffic_pair *pair)
{
	flow_report(rep, &pair->listener);
	flow_report(rep, &pair->client);
	flow_report(rep, &pair->server);
}

void pair_close(struct traffic_pair *pair)
{
	close(pair->client.fd);
	close(pair->server.fd);
	close(pair->listener.fd);
}

/** Run a side on a connected socket, say what it moved, close. */
static void run_side(struct traffic_side *side, int fd, const char *role, traffic_side_fn *fn)
{
	flow_open(&side->flow, fd, role);
	fn(side);
	flow_report(side->rep, &side->flow);
	close(fd);
}

/** The child's part of run_pair(). udp_port: the client's, for UDP. */
static void serve(const struct traffic_opts *opts, const struct traffic_report *rep, int protocol,
		  traffic_side_fn *server, int port_fd, uint16_t udp_port)
{
	struct traffic_side side = {.opts = opts, .rep = rep};
	struct traffic_flow listener;
	uint16_t port;
	int bound, fd;

	if (protocol == IPPROTO_UDP) {
		fd = net_bound(opts->family, protocol, opts->port);
		net_connect(fd, opts->family, udp_port);
		bound = fd;
	} else {
		bound = net_listen(opts->family, protocol, opts->port);
		flow_open(&listener, bound, "listener");
	}
	port = local_port(bound);
	must(write(port_fd, &port, sizeof(port)), "write of the port");
	close(port_fd);
	if (protocol != IPPROTO_UDP)
		fd = must(accept4(bound, NULL, NULL, SOCK_CLOEXEC), "accept4");
	run_side(&side, fd, "server", server);
	if (protocol != IPPROTO_UDP)
		flow_report(rep, &listener);
	_exit(0);
}

int run_pair(const struct traffic_opts *opts, struct traffic_report *rep, int protocol,
	     traffic_side_fn *client, traffic_side_fn *server)
{
	struct traffic_side side = {.opts = opts, .rep = rep};
	uint16_t port, udp_port = 0;
	int ports[2], fd = -1;
	pid_t child;

	if (protocol == IPPROTO_UDP) {
		fd = net_bound(opts->family, protocol, 0);
		udp_port = local_port(fd);
	}
	must(pipe(ports), "pipe");
	child = must(fork(), "fork");
	if (child == 0) {
		if (fd >= 0)
			close(fd);
		close(ports[0]);
		serve(opts, rep, protocol, server, ports[1], udp_port);
	}
	close(ports[1]);
	if (read(ports[0], &port, sizeof(port)) != sizeof(port))
		die("no port from the server");
	close(ports[0]);
	if (fd >= 0)
		net_connect(fd, opts->family, port);
	else
		fd = net_client(opts->family, protocol, port);
	run_side(&side, fd, "client", client);
	child_wait(child);
	return 0;
}

void child_wait(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, 0), "waitpid");
	if (status != 0) {
		errno = ECHILD;
		die("a child failed");
	}
}

void turn_wait(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		die("the other process has gone");
}

void turn_give(int fd)
{
	must(write(fd, "x", 1), "write to the other process");
}

void send_all(struct traffic_flow *flow, const void *buf, size_t len)
{
	const char *next = buf;

	while (len) {
		ssize_t n = must(flow_tx(flow, send(flow->fd, next, len, MSG_NOSIGNAL)), "send");

		next += n;
		len -= n;
	}
}

void recv_all(struct traffic_flow *flow, size_t len)
{
	while (len) {
		size_t part = len < TRAFFIC_BUF_SIZE ? len : TRAFFIC_BUF_SIZE;
		ssize_t n = must(flow_rx(flow, recv(flow->fd, traffic_scratch, part, 0)), "recv");

		if (n == 0) {
			errno = ECONNRESET;
			die("end of stream too early");
		}
		len -= n;
	}
}

void recv_eof(struct traffic_flow *flow)
{
	while (must(flow_rx(flow, recv(flow->fd, traffic_scratch, TRAFFIC_BUF_SIZE, 0)), "recv") >
	       0)
		;
}

void splice_out(struct traffic_flow *flow, size_t len)
{
	int pipes[2];
	ssize_t n = 1;

	must(pipe2(pipes, O_CLOEXEC), "pipe");
	while (len && n) {
		n = must(flow_rx(flow, splice(flow->fd, NULL, pipes[1], NULL,
					      len < 65536 ? len : 65536, 0)),
			 "splice from the socket");
		len -= n;
		while (n && read(pipes[0], traffic_scratch, TRAFFIC_BUF_SIZE) == TRAFFIC_BUF_SIZE)
			;
	}
	close(pipes[0]);
	close(pipes[1]);
}

int temp_file(size_t len)
{
	int fd = must(memfd_create("gen", MFD_CLOEXEC), "memfd_create");

	while (len) {
		size_t part = len < TRAFFIC_BUF_SIZE ? len : TRAFFIC_BUF_SIZE;

		len -= must(write(fd, traffic_bytes, part), "write of a file");
	}
	must(lseek(fd, 0, SEEK_SET), "lseek");
	return fd;
}

void net_on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set); /* with one CPU it fails, and need not work */
}
