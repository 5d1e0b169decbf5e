/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_ROOT_GEN_H
#define TESTS_ROOT_GEN_H

/**
 * A generator of socket traffic with exactly known bytes.
 *
 * A case moves bytes over loopback in the network namespace it finds itself in and writes, for each
 * (process, socket) that moved them, one line of JSON with what the application saw moved. It knows
 * nothing of sockwatch: the harness compares.
 *
 * A case that cannot go on ends its process through die(): run each in a process of its own.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <netinet/in.h>

struct gen_form;

/** What a case is asked to do. */
struct gen_opts {
	int family;                  /* AF_INET or AF_INET6 */
	const struct gen_form *form; /* borrowed; how bytes are moved, or NULL */
	unsigned int count;          /* processes or connections; 0: the case's own default */
	uint16_t port;               /* the listener's port; 0: any */
	uint16_t client_port;        /* 0: any */
};

/** Where a case says what it did. */
struct gen_report {
	const char *case_name; /* borrowed */
	int fd;                /* lines of JSON, one write() each */
};

enum gen_flags {
	GEN_V4_ONLY = 1 << 0,
	GEN_V6_ONLY = 1 << 1,
	GEN_STEPS = 1 << 2, /* waits for a line on stdin at each step */
};

/** One row of the table of cases. */
struct gen_case {
	const char *name;
	int (*run)(const struct gen_opts *opts, struct gen_report *rep);
	unsigned int flags; /* of enum gen_flags */
	const char *needs;  /* what the kernel or the namespace must have, for --list; or NULL */
	const struct gen_form *form; /* copied to opts->form, or NULL */
};

/* Each ends with a row without a name. */
extern const struct gen_case gen_form_cases[];
extern const struct gen_case gen_tcp_cases[];
extern const struct gen_case gen_life_cases[];
extern const struct gen_case gen_udp_cases[];
extern const struct gen_case gen_misc_cases[];
extern const struct gen_case gen_proc_cases[];
extern const struct gen_case gen_load_cases[];

/* ---- gen_report.c: what was moved, and the line that says so ---- */

enum { GEN_MAX_PEERS = 8 };

/** What one process moved through one socket to one peer. */
struct gen_peer {
	struct sockaddr_in6 addr; /* sin6_family 0: receives without a name buffer */
	uint64_t tx, rx;          /* bytes */
};

/** What one process moved through one socket. */
struct gen_flow {
	int fd;                /* borrowed */
	const char *role;      /* borrowed */
	const char *transport; /* borrowed; NULL: by the socket's type and protocol */
	const char *fail;      /* borrowed; name of the errno that connect() gave, or NULL */
	uint64_t tx, rx;       /* bytes */
	uint64_t cookie;
	struct sockaddr_in6 local, peer; /* sin6_family 0: none; IPv4 as v4-mapped */
	int domain, type, protocol;
	unsigned int n_peers;
	struct gen_peer peers[GEN_MAX_PEERS];
};

/** Start a flow: remembers the socket's cookie and, when there are any, its addresses. */
void flow_open(struct gen_flow *flow, int fd, const char *role);
/** Set the peer of a flow whose socket does not know it. */
void flow_peer(struct gen_flow *flow, const struct sockaddr_storage *addr);
/** Count a return value; negative ones and 0 count nothing. Returns n. */
ssize_t flow_tx(struct gen_flow *flow, ssize_t n);
ssize_t flow_rx(struct gen_flow *flow, ssize_t n);
/** Count a return value for a peer too; addr may be NULL: received without a name buffer. */
ssize_t flow_tx_peer(struct gen_flow *flow, const struct sockaddr *addr, ssize_t n);
ssize_t flow_rx_peer(struct gen_flow *flow, const struct sockaddr *addr, ssize_t n);
/** Write the line of a flow, for the calling process; the socket should still be open. */
void flow_report(const struct gen_report *rep, struct gen_flow *flow);
/** Say that the case cannot be run here. Returns 0, for the case to return. */
int report_skip(const struct gen_report *rep, const char *reason);
/** Write a line {"case":..,"event":what}: a step was done. */
void report_event(const struct gen_report *rep, const char *what);

/* ---- gen_net.c: sockets, processes, whole buffers ---- */

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

/** NULL, or why MPTCP cannot be used. */
const char *mptcp_missing(void);

/** Both ends of a TCP connection, and its listener, in this process. */
struct gen_pair {
	struct gen_flow client, server, listener;
};
void pair_open(struct gen_pair *pair, const struct gen_opts *opts);
/** Write the three lines. */
void pair_report(const struct gen_report *rep, struct gen_pair *pair);
void pair_close(struct gen_pair *pair);

/** One end of a connection, in a process of its own. */
struct gen_side {
	const struct gen_opts *opts;
	const struct gen_report *rep;
	struct gen_flow flow;
};
typedef void gen_side_fn(struct gen_side *side);
/**
 * Connect a client in this process to a server in a child, run both sides and report them.
 * UDP: both ends are connected. Returns 0 when both went well.
 */
int run_pair(const struct gen_opts *opts, struct gen_report *rep, int protocol, gen_side_fn *client,
	     gen_side_fn *server);

/** Wait for a child; die()s when it failed. */
void child_wait(pid_t pid);
/** Wait for one byte from a pipe or send one: how processes take turns. */
void turn_wait(int fd);
void turn_give(int fd);
/** Plain send() or recv() until len bytes are moved, counted in flow. */
void send_all(struct gen_flow *flow, const void *buf, size_t len);
void recv_all(struct gen_flow *flow, size_t len);
/** Plain recv() until the end of the stream. */
void recv_eof(struct gen_flow *flow);
/** A file of len bytes that has no name. */
int temp_file(size_t len);
/** Bytes to send; never written, at least GEN_BUF_SIZE long. */
extern const char gen_bytes[];
/** Where received bytes go. */
extern char gen_scratch[];
enum { GEN_BUF_SIZE = 1 << 20 };

/* ---- gen_forms.c, gen_uring.c: the forms of send and receive ---- */

/** A way to move bytes: both as send() and recv(), on connected sockets. */
struct gen_form {
	const char *needs; /* for --list, or NULL */
	/** NULL, or the reason why this kernel cannot do it. */
	const char *(*missing)(void);
	ssize_t (*tx)(int fd, const void *buf, size_t len);
	ssize_t (*rx)(int fd, void *buf, size_t len);
};

extern const struct gen_form form_uring_send, form_uring_sendmsg, form_uring_write;
extern const struct gen_form form_uring_send_zc, form_uring_sendmsg_zc, form_uring_multishot;
extern const struct gen_form form_uring_async, form_uring_sqpoll;

/** NULL, or why io_uring cannot be used. */
const char *uring_missing(void);
/** accept() and connect() through io_uring. */
int uring_accept(int fd);
int uring_connect(int fd, const struct sockaddr *addr, socklen_t len);

#endif
