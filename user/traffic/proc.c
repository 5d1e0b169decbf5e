/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who moved it: sockets that several processes use, threads, names. */
#include "traffic/parts.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { MAX_WRITERS = 8 };

/* ---- forked users of one socket ---- */

/** A child that takes its part in a socket it has inherited. */
static pid_t fork_user(struct traffic_side *side, size_t tx, size_t rx)
{
	pid_t pid = must(fork(), "fork");
	struct traffic_flow flow;
	size_t i;

	if (pid)
		return pid;
	flow_open(&flow, side->flow.fd, side->flow.role);
	for (i = 0; i < 10; i++)
		send_all(&flow, traffic_bytes, tx / 10);
	recv_all(&flow, rx);
	flow_report(side->rep, &flow);
	_exit(0);
}

static unsigned int n_users(const struct traffic_side *side)
{
	return side->opts->count;
}

/** User i sends this much and receives that much; both are multiples of 10. */
static size_t user_tx(unsigned int i)
{
	return 1000 + 210 * i;
}

static size_t user_rx(unsigned int i)
{
	return 500 + 70 * i;
}

static void client_forks(struct traffic_side *side)
{
	pid_t pids[MAX_WRITERS];
	unsigned int i;

	for (i = 0; i < n_users(side); i++)
		pids[i] = fork_user(side, user_tx(i + 1), user_rx(i + 1));
	send_all(&side->flow, traffic_bytes, user_tx(0));
	recv_all(&side->flow, user_rx(0));
	for (i = 0; i < n_users(side); i++)
		child_wait(pids[i]);
}

static void server_of_forks(struct traffic_side *side)
{
	size_t tx = 0, rx = 0;
	unsigned int i;

	for (i = 0; i <= n_users(side); i++) {
		rx += user_tx(i);
		tx += user_rx(i);
	}
	recv_all(&side->flow, rx);
	send_all(&side->flow, traffic_bytes, tx);
}

static int fork_users(const struct traffic_opts *opts, struct traffic_report *rep, unsigned int n)
{
	struct traffic_opts own = *opts;

	own.count = n;
	return run_pair(&own, rep, IPPROTO_TCP, client_forks, server_of_forks);
}

static int run_fork_2(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return fork_users(opts, rep, 2);
}

static int run_fork_8(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return fork_users(opts, rep, 8);
}

/** Datagrams that parent and child send from, and a server receives on, one socket in turn. */
static void udp_client_forks(struct traffic_side *side)
{
	unsigned int i;

	for (i = 1; i <= 3; i++) {
		send_all(&side->flow, traffic_bytes, 100 * i);
		child_wait(fork_user(side, 1000 * i, 0));
	}
}

static void udp_server_of_forks(struct traffic_side *side)
{
	while (side->flow.rx < 100 + 200 + 300 + 1000 + 2000 + 3000)
		must(flow_rx(&side->flow, recv(side->flow.fd, traffic_scratch, 4096, 0)), "recv");
}

static int run_udp_fork(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return run_pair(opts, rep, IPPROTO_UDP, udp_client_forks, udp_server_of_forks);
}

/** Open a connection, leave it to a child and end before a byte has moved. */
static void open_and_leave(const struct traffic_opts *opts, const struct traffic_report *rep,
			   uint16_t port)
{
	int fd = net_client(opts->family, IPPROTO_TCP, port);
	struct traffic_flow flow;
	int alive[2];
	char byte;

	must(pipe(alive), "pipe");
	if (must(fork(), "fork"))
		_exit(0);
	close(alive[1]);
	if (read(alive[0], &byte, 1) != 0) /* the end comes with the parent's */
		die("the parent did not end");
	flow_open(&flow, fd, "client");
	send_all(&flow, traffic_bytes, 5000);
	recv_all(&flow, 700);
	flow_report(rep, &flow);
	_exit(0);
}

static int run_orphan(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_flow listener, server;
	pid_t opener;

	flow_open(&listener, net_listen(opts->family, IPPROTO_TCP, 0), "listener");
	opener = must(fork(), "fork");
	if (opener == 0)
		open_and_leave(opts, rep, local_port(listener.fd));
	child_wait(opener);
	flow_open(&server, must(accept(listener.fd, NULL, NULL), "accept"), "server");
	recv_all(&server, 5000);
	send_all(&server, traffic_bytes, 700);
	recv_eof(&server);
	flow_report(rep, &listener);
	flow_report(rep, &server);
	return 0;
}

/* ---- a socket that is handed over ---- */

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

static void pass_fd(int channel, int fd)
{
	union control control = {0};
	struct iovec iov = {"f", 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	must(sendmsg(channel, &msg, 0), "sendmsg of a descriptor");
}

static int take_fd(int channel)
{
	union control control;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	int fd;

	must(recvmsg(channel, &msg, 0), "recvmsg of a descriptor");
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

/** The process that gets the socket: sends, and goes on after the giver has closed it. */
static void receiver_of_fd(const struct traffic_report *rep, int channel)
{
	struct traffic_flow flow;

	prctl(PR_SET_NAME, "gen-receiver");
	flow_open(&flow, take_fd(channel), "client");
	send_all(&flow, traffic_bytes, 2000);
	turn_give(channel);
	turn_wait(channel); /* the giver has closed it */
	send_all(&flow, traffic_bytes, 3000);
	recv_all(&flow, 444);
	flow_report(rep, &flow);
	_exit(0);
}

static int run_passed(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_pair p;
	int channel[2];
	pid_t child;

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel), "socketpair");
	child = must(fork(), "fork");
	if (child == 0) {
		close(channel[0]);
		receiver_of_fd(rep, channel[1]);
	}
	close(channel[1]);
	pair_open(&p, opts);
	send_all(&p.client, traffic_bytes, 1000);
	pass_fd(channel[0], p.client.fd);
	turn_wait(channel[0]);
	recv_all(&p.server, 3000);
	flow_report(rep, &p.client);
	close(p.client.fd);
	turn_give(channel[0]);
	recv_all(&p.server, 3000);
	send_all(&p.server, traffic_bytes, 444);
	child_wait(child);
	flow_report(rep, &p.server);
	flow_report(rep, &p.listener);
	return 0;
}

/* ---- names ---- */

struct thread {
	const struct traffic_opts *opts;
	struct traffic_pair pair;
	int number;
};

static void *talk(void *arg)
{
	struct thread *t = arg;
	char name[16];
	int i;

	snprintf(name, sizeof(name), "worker-%d", t->number);
	pthread_setname_np(pthread_self(), name);
	pair_open(&t->pair, t->opts);
	for (i = 0; i < 5; i++) {
		send_all(&t->pair.client, traffic_bytes, 100 + t->number);
		recv_all(&t->pair.server, 100 + t->number);
	}
	return NULL;
}

static int run_threads(const struct traffic_opts *opts, struct traffic_report *rep)
{
	enum { N = 4 };
	struct thread threads[N];
	pthread_t ids[N];
	int i;

	prctl(PR_SET_NAME, "gen-leader");
	for (i = 0; i < N; i++) {
		threads[i] = (struct thread){.opts = opts, .number = i};
		if (pthread_create(&ids[i], NULL, talk, &threads[i]))
			die("pthread_create");
	}
	for (i = 0; i < N; i++) {
		pthread_join(ids[i], NULL);
		pair_report(rep, &threads[i].pair);
		pair_close(&threads[i].pair);
	}
	return 0;
}

/** A name that would clear the screen, break the line and end the string. */
static int run_hostile_name(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_pair p;

	prctl(PR_SET_NAME, "e\x1b[2J\n\"x\xc2\x9b\xff\\");
	pair_open(&p, opts);
	send_all(&p.client, traffic_bytes, 1212);
	recv_all(&p.server, 1212);
	pair_report(rep, &p);
	pair_close(&p);
	return 0;
}

const struct traffic_case traffic_proc_cases[] = {
	{.name = "tcp-fork-2", .run = run_fork_2},
	{.name = "tcp-fork-8", .run = run_fork_8},
	{.name = "udp-fork", .run = run_udp_fork},
	{.name = "tcp-orphan", .run = run_orphan},
	{.name = "tcp-passed", .run = run_passed},
	{.name = "tcp-threads", .run = run_threads},
	{.name = "tcp-hostile-name", .run = run_hostile_name},
	{0},
};
