/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sockets that are neither TCP nor UDP: raw, ICMP, packet. */
#include "traffic/parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/** Let a receive that waits fail with EAGAIN after @ms. */
static void set_patience(const struct traffic_flow *flow, long ms)
{
	struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	must(setsockopt(flow->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), "SO_RCVTIMEO");
}

/** Receive until nothing has come for a while; every byte that came counts. */
static void drain(struct traffic_flow *flow)
{
	set_patience(flow, 5000);
	must(flow_rx(flow, recv(flow->fd, traffic_scratch, TRAFFIC_BUF_SIZE, 0)),
	     "recv of what should come back");
	set_patience(flow, 50);
	while (flow_rx(flow, recv(flow->fd, traffic_scratch, TRAFFIC_BUF_SIZE, 0)) >= 0)
		;
	if (errno != EAGAIN)
		die("recv");
}

static const char NOT_RAW[] = "no raw sockets (they need CAP_NET_RAW)";

static bool may_be_raw(int family)
{
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, 253);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/** IPPROTO 253 ("for experimentation", RFC 3692) to itself: IPv4 adds its header on receive. */
static int run_raw(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct sockaddr_storage to;
	socklen_t len = loopback(&to, opts->family, 0);
	struct traffic_flow a, b;
	int i;

	if (!may_be_raw(opts->family))
		return report_skip(rep, NOT_RAW);
	flow_open(&a, must(socket(opts->family, SOCK_RAW | SOCK_CLOEXEC, 253), "raw socket"), "-");
	flow_open(&b, must(socket(opts->family, SOCK_RAW | SOCK_CLOEXEC, 253), "raw socket"), "-");
	for (i = 0; i < 5; i++)
		must(flow_tx(&a, sendto(a.fd, traffic_bytes, 300 + i, 0, (void *)&to, len)),
		     "sendto");
	drain(&b);
	flow_report(rep, &a);
	flow_report(rep, &b);
	close(a.fd);
	close(b.fd);
	return 0;
}

/** Ones' complement sum, for ICMP over IPv4. */
static uint16_t checksum(const void *data, size_t len)
{
	const uint16_t *word = data;
	uint32_t sum = 0;

	for (; len > 1; len -= 2)
		sum += *word++;
	sum = (sum >> 16) + (sum & 0xffff);
	return ~(sum + (sum >> 16));
}

/** An echo request with 56 bytes of data. Returns its length. */
static size_t echo_request(void *buf, int family, int number)
{
	struct icmphdr *v4 = buf;
	struct icmp6_hdr *v6 = buf;

	memset(buf, 0, 64);
	if (family == AF_INET) {
		v4->type = ICMP_ECHO;
		v4->un.echo.id = htons(4242);
		v4->un.echo.sequence = htons(number);
		v4->checksum = checksum(buf, 64);
	} else {
		v6->icmp6_type = ICMP6_ECHO_REQUEST;
		v6->icmp6_id = htons(4242);
		v6->icmp6_seq = htons(number);
	}
	return 64;
}

/** Send echo requests on an ICMP socket and take what it gets. */
static int echo(struct traffic_flow *flow, const struct traffic_opts *opts,
		const struct traffic_report *rep)
{
	struct sockaddr_storage to;
	socklen_t len = loopback(&to, opts->family, 0);
	uint32_t request[16];
	int i;

	for (i = 0; i < 5; i++) {
		size_t size = echo_request(request, opts->family, i);

		must(flow_tx(flow, sendto(flow->fd, request, size, 0, (void *)&to, len)), "sendto");
	}
	drain(flow);
	flow_report(rep, flow);
	close(flow->fd);
	return 0;
}

static int icmp_protocol(const struct traffic_opts *opts)
{
	return opts->family == AF_INET ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6;
}

static int run_raw_icmp(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_flow flow;

	if (!may_be_raw(opts->family))
		return report_skip(rep, NOT_RAW);
	flow_open(&flow,
		  must(socket(opts->family, SOCK_RAW | SOCK_CLOEXEC, icmp_protocol(opts)),
		       "raw ICMP socket"),
		  "-");
	flow.transport = "icmp|raw"; /* a raw socket that speaks ICMP: both are true */
	return echo(&flow, opts, rep);
}

static int run_ping(const struct traffic_opts *opts, struct traffic_report *rep)
{
	int fd = socket(opts->family, SOCK_DGRAM | SOCK_CLOEXEC, icmp_protocol(opts));
	struct traffic_flow flow;

	if (fd < 0)
		return report_skip(rep, "no ICMP socket (net.ipv4.ping_group_range)");
	flow_open(&flow, fd, "-");
	return echo(&flow, opts, rep);
}

static void packet_open(struct traffic_flow *flow, int type, struct sockaddr_ll *lo)
{
	int fd =
		must(socket(AF_PACKET, type | SOCK_CLOEXEC, htons(ETH_P_802_EX1)), "packet socket");

	must(bind(fd, (void *)lo, sizeof(*lo)), "bind to lo");
	flow_open(flow, fd, "-");
}

static int packets(const struct traffic_report *rep, int type)
{
	struct sockaddr_ll lo = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_802_EX1),
		.sll_ifindex = if_nametoindex("lo"),
		.sll_halen = 6,
	};
	struct ethhdr header = {.h_proto = htons(ETH_P_802_EX1)};
	char frame[1000] = "";
	struct traffic_flow a, b;
	int i;

	if (!may_be_raw(AF_PACKET))
		return report_skip(rep, NOT_RAW);
	if (type == SOCK_RAW) /* the header is ours to write, and part of what is sent */
		memcpy(frame, &header, sizeof(header));
	packet_open(&a, type, &lo);
	packet_open(&b, type, &lo);
	for (i = 0; i < 5; i++)
		must(flow_tx(&a, sendto(a.fd, frame, 600 + i, 0, (void *)&lo, sizeof(lo))),
		     "sendto");
	drain(&b);
	flow_report(rep, &a);
	flow_report(rep, &b);
	close(a.fd);
	close(b.fd);
	return 0;
}

static int run_packet_dgram(const struct traffic_opts *opts, struct traffic_report *rep)
{
	(void)opts;
	return packets(rep, SOCK_DGRAM);
}

static int run_packet_raw(const struct traffic_opts *opts, struct traffic_report *rep)
{
	(void)opts;
	return packets(rep, SOCK_RAW);
}

/** SCTP one-to-one, where the kernel has it. */
static int run_sctp(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct traffic_flow listener, client, server;
	int fd = socket(opts->family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_SCTP);

	if (fd < 0)
		return report_skip(rep, "no SCTP (socket(IPPROTO_SCTP) failed)");
	close(fd);
	flow_open(&listener, net_listen(opts->family, IPPROTO_SCTP, 0), "listener");
	fd = net_client(opts->family, IPPROTO_SCTP, local_port(listener.fd));
	flow_open(&client, fd, "client");
	flow_open(&server, must(accept(listener.fd, NULL, NULL), "accept"), "server");
	listener.transport = client.transport = server.transport = "sctp";
	send_all(&client, traffic_bytes, 1234);
	recv_all(&server, 1234);
	send_all(&server, traffic_bytes, 4321);
	recv_all(&client, 4321);
	flow_report(rep, &listener);
	flow_report(rep, &client);
	flow_report(rep, &server);
	return 0;
}

const struct traffic_case traffic_misc_cases[] = {
	{.name = "raw-253", .run = run_raw},
	{.name = "raw-icmp", .run = run_raw_icmp},
	{.name = "icmp-ping", .run = run_ping, .needs = "ping_group_range"},
	{.name = "packet-dgram", .run = run_packet_dgram, .flags = TRAFFIC_V4_ONLY},
	{.name = "packet-raw", .run = run_packet_raw, .flags = TRAFFIC_V4_ONLY},
	{.name = "sctp", .run = run_sctp, .needs = "sctp"},
	{0},
};
