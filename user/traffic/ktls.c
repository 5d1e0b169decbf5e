/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* kTLS: the kernel encrypts, and what counts is the plaintext that the process moves. */
#include "traffic/parts.h"

#include <errno.h>
#include <linux/tls.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

enum { FILE_SIZE = 100000, SPLICED = 60000, PART = 777 };

/** Both ends know the key: no handshake. NULL, or what this kernel has not. */
static const char *ktls_start(int fd)
{
	struct tls12_crypto_info_aes_gcm_128 key = {
		.info = {.version = TLS_1_2_VERSION, .cipher_type = TLS_CIPHER_AES_GCM_128},
		.iv = "same on",
		.key = "both ends, known",
		.salt = "pub",
	};

	if (setsockopt(fd, SOL_TCP, TCP_ULP, "tls", sizeof("tls")))
		return "no kTLS (setsockopt(TCP_ULP) failed: module tls)";
	if (setsockopt(fd, SOL_TLS, TLS_TX, &key, sizeof(key)) ||
	    setsockopt(fd, SOL_TLS, TLS_RX, &key, sizeof(key)))
		return "no kTLS with AES-GCM (setsockopt(TLS_TX) failed: module gcm)";
	return NULL;
}

/** Tried on sockets that nothing is sent on. NULL, or what is missing. */
static const char *ktls_missing(const struct traffic_opts *opts)
{
	struct traffic_opts any = {.family = opts->family};
	struct traffic_pair p;
	const char *missing;

	pair_open(&p, &any);
	missing = ktls_start(p.client.fd);
	pair_close(&p);
	return missing;
}

/** The server answers first: a socket whose other end has closed takes no kTLS any more. */
static void must_start(struct traffic_side *side, bool server)
{
	if (ktls_start(side->flow.fd))
		die("kTLS");
	if (server)
		send_all(&side->flow, traffic_bytes, 1);
	else
		recv_all(&side->flow, 1);
}

/** Records of several sizes by every call that sends; then an answer is read. */
static void client_sends(struct traffic_side *side)
{
	struct iovec parts[] = {{traffic_bytes, 1000}, {traffic_bytes, 20000}};
	struct traffic_flow *flow = &side->flow;
	int file = temp_file(FILE_SIZE);
	size_t left = FILE_SIZE;

	must_start(side, false);
	send_all(flow, traffic_bytes, 5001);
	must(flow_tx(flow, send(flow->fd, traffic_bytes, 333, MSG_MORE)), "send(MSG_MORE)");
	must(flow_tx(flow, write(flow->fd, traffic_bytes, 1)), "write");
	must(flow_tx(flow, writev(flow->fd, parts, 2)), "writev");
	while (left)
		left -= must(flow_tx(flow, sendfile(flow->fd, file, NULL, left)), "sendfile");
	must(shutdown(flow->fd, SHUT_WR), "shutdown");
	recv_eof(flow);
	close(file);
}

static void server_receives(struct traffic_side *side)
{
	struct traffic_flow *flow = &side->flow;
	char small[PART];

	must_start(side, true);
	must(recv(flow->fd, small, sizeof(small), MSG_PEEK), "peek");
	recv_all(flow, 100);
	must(flow_rx(flow, read(flow->fd, small, sizeof(small))), "read");
	recv_eof(flow);
	send_all(flow, traffic_bytes, 40000);
}

static void client_parts(struct traffic_side *side)
{
	must_start(side, false);
	for (int left = SPLICED; left; left -= 4000)
		send_all(&side->flow, traffic_bytes, 4000);
}

static void server_splices(struct traffic_side *side)
{
	must_start(side, true);
	recv_all(&side->flow, PART);
	splice_out(&side->flow, SPLICED / 2);
	recv_all(&side->flow, PART);
	splice_out(&side->flow, SIZE_MAX);
}

static int run_ktls(const struct traffic_opts *opts, struct traffic_report *rep)
{
	const char *missing = ktls_missing(opts);

	if (missing)
		return report_skip(rep, missing);
	return run_pair(opts, rep, IPPROTO_TCP, client_sends, server_receives);
}

static int run_ktls_splice_out(const struct traffic_opts *opts, struct traffic_report *rep)
{
	const char *missing = ktls_missing(opts);

	if (missing)
		return report_skip(rep, missing);
	return run_pair(opts, rep, IPPROTO_TCP, client_parts, server_splices);
}

const struct traffic_case traffic_ktls_cases[] = {
	{.name = "ktls", .run = run_ktls, .needs = "tls"},
	{.name = "ktls-splice-out",
	 .run = run_ktls_splice_out,
	 .flags = TRAFFIC_KTLS_SPLICE,
	 .needs = "tls"},
	{0},
};
