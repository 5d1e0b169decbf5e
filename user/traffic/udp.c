/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* UDP: peers of unconnected sockets, datagrams cut, merged and split. */
#include "traffic/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/udp.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

enum { N_PEERS = 3, ROUNDS = 4 };

/** One socket that talks to several, all bound to loopback, none connected. */
struct star {
	struct traffic_flow hub, peers[N_PEERS];
	struct sockaddr_storage hub_addr, peer_addrs[N_PEERS];
	socklen_t addr_len;
};

static void star_open(struct star *star, const struct traffic_opts *opts)
{
	int i;

	flow_open(&star->hub, net_bound(opts->family, IPPROTO_UDP, opts->port), "server");
	star->addr_len = loopback(&star->hub_addr, opts->family, local_port(star->hub.fd));
	for (i = 0; i < N_PEERS; i++) {
		flow_open(&star->peers[i], net_bound(opts->family, IPPROTO_UDP, 0), "server");
		loopback(&star->peer_addrs[i], opts->family, local_port(star->peers[i].fd));
	}
}

static void star_close(struct star *star, const struct traffic_report *rep)
{
	int i;

	flow_report(rep, &star->hub);
	close(star->hub.fd);
	for (i = 0; i < N_PEERS; i++) {
		flow_report(rep, &star->peers[i]);
		close(star->peers[i].fd);
	}
}

/** sendto() with an address. */
static void send_peer(struct traffic_flow *flow, const struct sockaddr_storage *to, socklen_t len,
		      size_t size)
{
	const struct sockaddr *addr = (const void *)to;

	must(flow_tx_peer(flow, addr, sendto(flow->fd, traffic_bytes, size, 0, addr, len)),
	     "sendto");
}

/** recvfrom() with an address. */
static void recv_peer(struct traffic_flow *flow)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	ssize_t n =
		must(recvfrom(flow->fd, traffic_scratch, TRAFFIC_BUF_SIZE, 0, (void *)&from, &len),
		     "recvfrom");

	flow_rx_peer(flow, (void *)&from, n);
}

static int run_sendto(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct star s;
	int i, round;

	star_open(&s, opts);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < N_PEERS; i++) {
			send_peer(&s.hub, &s.peer_addrs[i], s.addr_len, 100 * (i + 1) + round);
			recv_peer(&s.peers[i]);
			send_peer(&s.peers[i], &s.hub_addr, s.addr_len, 1000 + 17 * i + round);
			recv_peer(&s.hub);
		}
	}
	star_close(&s, rep);
	return 0;
}

/** Not bound: the kernel chooses a port at the first send, and no local address. */
static int run_autobind(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_flow client, server;
	struct sockaddr_storage to;
	socklen_t len;
	int round;

	flow_open(&server, net_bound(opts->family, IPPROTO_UDP, 0), "server");
	flow_open(&client, must(socket(opts->family, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"),
		  "client");
	len = loopback(&to, opts->family, local_port(server.fd));
	for (round = 0; round < ROUNDS; round++) {
		send_peer(&client, &to, len, 500 + round);
		recv_peer(&server);
	}
	flow_report(rep, &client);
	flow_report(rep, &server);
	close(client.fd);
	close(server.fd);
	return 0;
}

/** Messages with a name each, to or from every peer. */
static void name_messages(struct mmsghdr msgs[N_PEERS], struct iovec iov[N_PEERS],
			  struct sockaddr_storage names[N_PEERS], const void *buf, size_t size)
{
	int i;

	memset(msgs, 0, N_PEERS * sizeof(*msgs));
	for (i = 0; i < N_PEERS; i++) {
		iov[i] = (struct iovec){(char *)buf + i * size, size - i};
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
		msgs[i].msg_hdr.msg_name = &names[i];
		msgs[i].msg_hdr.msg_namelen = sizeof(names[i]);
	}
}

static int run_mmsg(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct sockaddr_storage from[N_PEERS];
	struct mmsghdr msgs[N_PEERS];
	struct iovec iov[N_PEERS];
	struct star s;
	int i;

	star_open(&s, opts);
	name_messages(msgs, iov, s.peer_addrs, traffic_bytes, 1500);
	if (sendmmsg(s.hub.fd, msgs, N_PEERS, 0) != N_PEERS)
		die("sendmmsg");
	for (i = 0; i < N_PEERS; i++) {
		flow_tx_peer(&s.hub, (void *)&s.peer_addrs[i], msgs[i].msg_len);
		recv_peer(&s.peers[i]);
		send_peer(&s.peers[i], &s.hub_addr, s.addr_len, 300 + i);
	}
	name_messages(msgs, iov, from, traffic_scratch, 2000);
	if (recvmmsg(s.hub.fd, msgs, N_PEERS, 0, NULL) != N_PEERS)
		die("recvmmsg");
	for (i = 0; i < N_PEERS; i++)
		flow_rx_peer(&s.hub, (void *)&from[i], msgs[i].msg_len);
	star_close(&s, rep);
	return 0;
}

/** recv() and read(): nobody asks who sent it, and the kernel does not say. */
static int run_no_name(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct star s;
	int i;

	star_open(&s, opts);
	for (i = 0; i < N_PEERS; i++) {
		send_peer(&s.peers[i], &s.hub_addr, s.addr_len, 700 + i);
		if (i & 1)
			flow_rx_peer(&s.hub, NULL,
				     must(read(s.hub.fd, traffic_scratch, 4096), "read"));
		else
			flow_rx_peer(&s.hub, NULL,
				     must(recv(s.hub.fd, traffic_scratch, 4096, 0), "recv"));
	}
	send_peer(&s.peers[0], &s.hub_addr, s.addr_len, 999);
	recv_peer(&s.hub);
	star_close(&s, rep);
	return 0;
}

/** recvmsg() without a name: the kernel knows the peer all the same. */
static int run_recvmsg(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct iovec iov = {traffic_scratch, 4096};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct star s;
	int i;

	star_open(&s, opts);
	for (i = 0; i < N_PEERS; i++) {
		send_peer(&s.peers[i], &s.hub_addr, s.addr_len, 800 + i);
		flow_rx_peer(&s.hub, (void *)&s.peer_addrs[i],
			     must(recvmsg(s.hub.fd, &msg, 0), "recvmsg"));
	}
	star_close(&s, rep);
	return 0;
}

/* ---- both ends connected ---- */

/** Two connected sockets in this process; the first one's port is chosen by us if not 0. */
static void link_at(struct traffic_flow *a, struct traffic_flow *b, const struct traffic_opts *opts,
		    uint16_t port)
{
	int first = net_bound(opts->family, IPPROTO_UDP, port);
	int second = net_bound(opts->family, IPPROTO_UDP, 0);

	net_connect(first, opts->family, local_port(second));
	net_connect(second, opts->family, local_port(first));
	flow_open(a, first, "client");
	flow_open(b, second, "client");
}

static void link_open(struct traffic_flow *a, struct traffic_flow *b,
		      const struct traffic_opts *opts)
{
	link_at(a, b, opts, 0);
}

static int link_close(const struct traffic_report *rep, struct traffic_flow *a,
		      struct traffic_flow *b)
{
	flow_report(rep, a);
	flow_report(rep, b);
	close(a->fd);
	close(b->fd);
	return 0;
}

static void send_one(struct traffic_flow *flow, size_t len, int flags)
{
	must(flow_tx(flow, send(flow->fd, traffic_bytes, len, flags)), "send");
}

static void recv_one(struct traffic_flow *flow, size_t len, int flags)
{
	must(flow_rx(flow, recv(flow->fd, traffic_scratch, len, flags)), "recv");
}

static int run_more(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_flow a, b;

	link_open(&a, &b, opts);
	send_one(&a, 100, MSG_MORE);
	send_one(&a, 200, MSG_MORE);
	send_one(&a, 300, 0);
	recv_one(&b, 4096, 0);
	return link_close(rep, &a, &b);
}

static int run_short(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_flow a, b;

	link_open(&a, &b, opts);
	send_one(&a, 2000, 0);
	send_one(&a, 2000, 0);
	recv_one(&b, 100, 0);
	recv_one(&b, 100, MSG_TRUNC); /* returns 2000 */
	return link_close(rep, &a, &b);
}

static int run_peek(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_flow a, b;
	int i;

	link_open(&a, &b, opts);
	send_one(&a, 1001, 0);
	for (i = 0; i < 5; i++)
		must(recv(b.fd, traffic_scratch, 4096, MSG_PEEK), "peek");
	recv_one(&b, 4096, 0);
	return link_close(rep, &a, &b);
}

static int run_zero(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_flow a, b;
	int i;

	link_open(&a, &b, opts);
	for (i = 0; i < 3; i++)
		send_one(&a, 0, 0);
	send_one(&a, 5, 0);
	for (i = 0; i < 4; i++)
		recv_one(&b, 4096, 0);
	return link_close(rep, &a, &b);
}

static int run_closed_port(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_flow a, b;

	link_open(&a, &b, opts);
	close(b.fd);
	send_one(&a, 400, 0);
	if (flow_tx(&a, send(a.fd, traffic_bytes, 400, 0)) != -1 || errno != ECONNREFUSED)
		die("send to a closed port did not fail with ECONNREFUSED");
	send_one(&a, 401, 0);
	flow_report(rep, &a);
	close(a.fd);
	return 0;
}

static int segment(const struct traffic_opts *opts, struct traffic_report *rep, bool gro)
{
	struct traffic_flow a, b;
	int one = 1, size = 1000;

	link_open(&a, &b, opts);
	if (setsockopt(a.fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) < 0)
		return report_skip(rep, "no UDP_SEGMENT (Linux 4.18)");
	if (gro && setsockopt(b.fd, IPPROTO_UDP, UDP_GRO, &one, sizeof(one)) < 0)
		return report_skip(rep, "no UDP_GRO (Linux 5.0)");
	send_one(&a, 20500, 0);
	send_one(&a, 30001, 0);
	while (b.rx < a.tx)
		recv_one(&b, 65536, 0);
	return link_close(rep, &a, &b);
}

static int run_gso(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return segment(opts, rep, false);
}

static int run_gro(const struct traffic_opts *opts, struct traffic_report *rep)
{
	return segment(opts, rep, true);
}

/** A file, a pipe and user pages into a UDP socket. */
static int run_splice(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct iovec iov = {(void *)traffic_bytes, 3000};
	int file = temp_file(10000);
	struct traffic_flow a, b;
	int pipes[2];

	link_open(&a, &b, opts);
	must(pipe2(pipes, O_CLOEXEC), "pipe");
	while (a.tx < 10000)
		must(flow_tx(&a, sendfile(a.fd, file, NULL, 10000 - a.tx)), "sendfile");
	must(write(pipes[1], traffic_bytes, 2345), "write");
	must(flow_tx(&a, splice(pipes[0], NULL, a.fd, NULL, 2345, 0)), "splice");
	must(vmsplice(pipes[1], &iov, 1, 0), "vmsplice");
	must(flow_tx(&a, splice(pipes[0], NULL, a.fd, NULL, 3000, 0)), "splice");
	while (b.rx < a.tx)
		recv_one(&b, 65536, 0);
	close(file);
	close(pipes[0]);
	close(pipes[1]);
	return link_close(rep, &a, &b);
}

/** A connected socket that fails to send elsewhere by name: what it sends next goes to its peer. */
static int run_failed_sendto(const struct traffic_opts *opts, struct traffic_report *rep)
{
	const size_t too_long = 65530; /* with its header more than IPv4 or IPv6 can carry */
	int other = net_bound(opts->family, IPPROTO_UDP, 0);
	struct sockaddr_storage to;
	socklen_t len = loopback(&to, opts->family, local_port(other));
	struct traffic_flow a, b;

	link_open(&a, &b, opts);
	send_one(&a, 100, 0);
	for (int i = 0; i < 3; i++) {
		if (flow_tx(&a, sendto(a.fd, traffic_bytes, too_long, 0, (void *)&to, len)) != -1 ||
		    errno != EMSGSIZE)
			die("sendto of too much did not fail with EMSGSIZE");
		send_one(&a, 1000, 0);
	}
	while (b.rx < a.tx)
		recv_one(&b, 4096, 0);
	close(other);
	return link_close(rep, &a, &b);
}

/** A port that the kernel would choose now. */
static uint16_t free_port(const struct traffic_opts *opts)
{
	int fd = net_bound(opts->family, IPPROTO_UDP, 0);
	uint16_t port = local_port(fd);

	close(fd);
	return port;
}

/**
 * A connected socket that is connected anew, sends elsewhere by name, and lets go. Its port was
 * asked for: connect(AF_UNSPEC) takes a port away that the kernel had chosen.
 */
static int run_reconnect(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct sockaddr_storage other;
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	struct traffic_flow a, b, c;
	socklen_t len;

	link_at(&a, &b, opts, free_port(opts));
	flow_open(&c, net_bound(opts->family, IPPROTO_UDP, 0), "server");
	len = loopback(&other, opts->family, local_port(c.fd));
	send_one(&a, 111, 0);
	recv_one(&b, 4096, 0);
	must(flow_tx(&a, sendto(a.fd, traffic_bytes, 222, 0, (void *)&other, len)), "sendto");
	recv_one(&c, 4096, 0);
	must(connect(a.fd, (void *)&other, len), "connect");
	send_one(&a, 333, 0);
	recv_one(&c, 4096, 0);
	must(connect(a.fd, &none, sizeof(none)), "connect(AF_UNSPEC)");
	must(flow_tx(&a, sendto(a.fd, traffic_bytes, 444, 0, (void *)&other, len)), "sendto");
	recv_one(&c, 4096, 0);
	memset(&a.peer, 0, sizeof(a.peer));
	flow_report(rep, &c);
	close(c.fd);
	return link_close(rep, &a, &b);
}

/** v6 sockets that talk to ::ffff:127.0.0.1: one connected, one not. */
static int run_v4mapped(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct sockaddr_storage to = {0};
	struct sockaddr_in6 *v6 = (void *)&to;
	struct traffic_flow connected, loose, server;

	(void)opts;
	flow_open(&server, net_bound(AF_INET, IPPROTO_UDP, 0), "server");
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(local_port(server.fd));
	v6->sin6_addr.s6_addr[10] = v6->sin6_addr.s6_addr[11] = 0xff;
	v6->sin6_addr.s6_addr[12] = 127;
	v6->sin6_addr.s6_addr[15] = 1;
	flow_open(&connected, must(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"),
		  "client");
	must(connect(connected.fd, (void *)v6, sizeof(*v6)), "connect");
	flow_open(&loose, must(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"), "client");
	send_one(&connected, 1500, 0);
	recv_peer(&server);
	send_peer(&loose, &to, sizeof(*v6), 2500);
	recv_peer(&server);
	flow_report(rep, &connected);
	flow_report(rep, &loose);
	flow_report(rep, &server);
	return 0;
}

const struct traffic_case traffic_udp_cases[] = {
	{.name = "udp-unconnected-sendto", .run = run_sendto},
	{.name = "udp-unconnected-autobind", .run = run_autobind},
	{.name = "udp-unconnected-mmsg", .run = run_mmsg},
	{.name = "udp-unconnected-no-name", .run = run_no_name},
	{.name = "udp-unconnected-recvmsg", .run = run_recvmsg},
	{.name = "udp-more", .run = run_more},
	{.name = "udp-short-buffer", .run = run_short},
	{.name = "udp-peek", .run = run_peek},
	{.name = "udp-zero-length", .run = run_zero},
	{.name = "udp-closed-port", .run = run_closed_port},
	{.name = "udp-failed-sendto", .run = run_failed_sendto},
	{.name = "udp-gso", .run = run_gso},
	{.name = "udp-gro", .run = run_gro},
	{.name = "udp-splice-in", .run = run_splice},
	{.name = "udp-reconnect", .run = run_reconnect},
	{.name = "udp-v4mapped", .run = run_v4mapped, .flags = TRAFFIC_V6_ONLY},
	{0},
};
