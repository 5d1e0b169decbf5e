/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What the cases are made of: flows, sockets, processes, forms. Only for this folder. */
#ifndef TRAFFIC_PARTS_H
#define TRAFFIC_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "traffic/traffic.h"

/* Each ends with a row without a name. */
extern const struct traffic_case traffic_form_cases[];
extern const struct traffic_case traffic_tcp_cases[];
extern const struct traffic_case traffic_life_cases[];
extern const struct traffic_case traffic_udp_cases[];
extern const struct traffic_case traffic_misc_cases[];
extern const struct traffic_case traffic_proc_cases[];
extern const struct traffic_case traffic_load_cases[];
extern const struct traffic_case traffic_crowd_cases[];
extern const struct traffic_case traffic_ktls_cases[];

/* ---- flow.c: what was moved ---- */

/** Start a flow: remembers the socket's cookie and, when there are any, its addresses. */
void flow_open(struct traffic_flow *flow, int fd, const char *role);
/** Set the peer of a flow whose socket does not know it. */
void flow_peer(struct traffic_flow *flow, const struct sockaddr_storage *addr);
/** Count a return value; negative ones and 0 count nothing. Returns n. */
ssize_t flow_tx(struct traffic_flow *flow, ssize_t n);
ssize_t flow_rx(struct traffic_flow *flow, ssize_t n);
/** Count a return value for a peer too; addr may be NULL: received without a name buffer. */
ssize_t flow_tx_peer(struct traffic_flow *flow, const struct sockaddr *addr, ssize_t n);
ssize_t flow_rx_peer(struct traffic_flow *flow, const struct sockaddr *addr, ssize_t n);
/** Tell of a flow, for the calling process; the socket should still be open. */
void flow_report(const struct traffic_report *rep, struct traffic_flow *flow);
/** Say that the case cannot be run here. Returns 0, for the case to return. */
int report_skip(const struct traffic_report *rep, const char *reason);
/** Say in a word what was done. */
void report_event(const struct traffic_report *rep, const char *what);

/* ---- net.c: sockets, processes, whole buffers ---- */

/** Say what failed and why, and end the process with status 1. */
void die(const char *what) __attribute__((noreturn));
/** die() when ret is negative. Returns ret. */
long must(long ret, const char *what);

/** The loopback address of a family and a port, in host order. Returns its length. */
socklen_t loopback(struct sockaddr_storage *addr, int family, uint16_t port);
uint16_t local_port(int fd);
/** A socket bound to loopback; port 0: any. protocol: IPPROTO_TCP, _UDP or _MPTCP. */
int net_bound(int family, int protocol, uint16_t port);
int net_listen(int family, int protocol, uint16_t port);
/** Connect a socket to a loopback port; waits for the answer. */
void net_connect(int fd, int family, uint16_t port);
/** A client socket connected to a loopback port. */
int net_client(int family, int protocol, uint16_t port);

/** Keep this thread, and those it makes, on a CPU; without effect where there is none such. */
void net_on_cpu(int cpu);

/** NULL, or why MPTCP cannot be used. */
const char *mptcp_missing(void);

/** Both ends of a TCP connection, and its listener, in this process. */
struct traffic_pair {
	struct traffic_flow client, server, listener;
};
void pair_open(struct traffic_pair *pair, const struct traffic_opts *opts);
/** Write the three lines. */
void pair_report(const struct traffic_report *rep, struct traffic_pair *pair);
void pair_close(struct traffic_pair *pair);

/** One end of a connection, in a process of its own. */
struct traffic_side {
	const struct traffic_opts *opts;
	const struct traffic_report *rep;
	struct traffic_flow flow;
};
typedef void traffic_side_fn(struct traffic_side *side);
/**
 * Connect a client in this process to a server in a child, run both sides and report them.
 * UDP: both ends are connected. Returns 0 when both went well.
 */
int run_pair(const struct traffic_opts *opts, struct traffic_report *rep, int protocol,
	     traffic_side_fn *client, traffic_side_fn *server);

/** Wait for a child; die()s when it failed. */
void child_wait(pid_t pid);
/** Wait for one byte from a pipe or send one: how processes take turns. */
void turn_wait(int fd);
void turn_give(int fd);
/** Plain send() or recv() until len bytes are moved, counted in flow. */
void send_all(struct traffic_flow *flow, const void *buf, size_t len);
void recv_all(struct traffic_flow *flow, size_t len);
/** Plain recv() until the end of the stream. */
void recv_eof(struct traffic_flow *flow);
/** Splice from the socket to its end, or len bytes of it; counted in flow. */
void splice_out(struct traffic_flow *flow, size_t len);
/** A file of len bytes that has no name. */
int temp_file(size_t len);
/** Bytes to send, TRAFFIC_BUF_SIZE of them; written only by traffic_run(). */
extern char traffic_bytes[];
/** Where received bytes go. */
extern char traffic_scratch[];
enum { TRAFFIC_BUF_SIZE = 1 << 20 };

/* ---- forms.c, uring.c: the forms of send and receive ---- */

/** A way to move bytes: both as send() and recv(), on connected sockets. */
struct traffic_form {
	const char *needs; /* for --list, or NULL */
	/** NULL, or the reason why this kernel cannot do it. */
	const char *(*missing)(void);
	ssize_t (*tx)(int fd, const void *buf, size_t len);
	ssize_t (*rx)(int fd, void *buf, size_t len);
};

extern const struct traffic_form form_uring_send, form_uring_sendmsg, form_uring_write;
extern const struct traffic_form form_uring_send_zc, form_uring_sendmsg_zc, form_uring_multishot;
extern const struct traffic_form form_uring_async, form_uring_sqpoll;

/** NULL, or why io_uring cannot be used. */
const char *uring_missing(void);
/** accept() and connect() through io_uring. */
int uring_accept(int fd);
int uring_connect(int fd, const struct sockaddr *addr, socklen_t len);

#endif
