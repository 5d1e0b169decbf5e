/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * Socket traffic with exactly known bytes.
 *
 * A case moves bytes over loopback in the network namespace it finds itself in and tells, for each
 * (process, socket) that moved them, what the application saw moved. It knows nothing of what
 * counts them: `sockwatch selftest` and tests/root compare.
 *
 * A case that cannot go on ends its process through die(): run each in a process of its own.
 */
#ifndef TRAFFIC_TRAFFIC_H
#define TRAFFIC_TRAFFIC_H

#include <netinet/in.h>
#include <stdint.h>

struct traffic_form;

/** What a case is asked to do. */
struct traffic_opts {
	int family;                      /* AF_INET or AF_INET6 */
	const struct traffic_form *form; /* borrowed; how bytes are moved, or NULL */
	unsigned int count;              /* how much, in the case's own unit; 0: its own default */
	uint16_t port;                   /* the listener's port; 0: any */
	uint16_t client_port;            /* 0: any */
};

enum { TRAFFIC_MAX_PEERS = 8 };

/** What one process moved through one socket to one peer. */
struct traffic_peer {
	struct sockaddr_in6 addr; /* sin6_family 0: receives without a name buffer */
	uint64_t tx, rx;          /* bytes */
};

/** What one process moved through one socket. */
struct traffic_flow {
	int fd;                /* borrowed */
	const char *role;      /* borrowed */
	const char *transport; /* borrowed; NULL: by the socket's type and protocol */
	const char *fail;      /* borrowed; name of the errno that connect() gave, or NULL */
	uint64_t tx, rx;       /* bytes */
	uint64_t cookie;
	struct sockaddr_in6 local, peer; /* sin6_family 0: none; IPv4 as v4-mapped */
	int domain, type, protocol;
	unsigned int n_peers;
	struct traffic_peer peers[TRAFFIC_MAX_PEERS];
};

struct traffic_report;

/** How a case tells: each call comes from the process it is about, several at the same time. */
struct traffic_writer {
	/** What the calling process moved through a socket, which is still open. */
	void (*flow)(const struct traffic_report *rep, const struct traffic_flow *flow);
	/** The case cannot be run here: why. */
	void (*skip)(const struct traffic_report *rep, const char *reason);
	/** Something has happened that a test may have been waiting for, in one word. */
	void (*event)(const struct traffic_report *rep, const char *what);
};

/** Where a case says what it did; a writer may want it to be part of a larger struct. */
struct traffic_report {
	const struct traffic_writer *writer; /* borrowed */
	const char *case_name;               /* borrowed */
	int fd;                              /* borrowed; for the writer */
};

enum traffic_flags {
	TRAFFIC_V4_ONLY = 1 << 0,
	TRAFFIC_V6_ONLY = 1 << 1,
	TRAFFIC_STEPS = 1 << 2,       /* waits for a line on stdin at each step */
	TRAFFIC_KTLS_SPLICE = 1 << 3, /* splices out of a kTLS socket */
};

/** One row of the table of cases. */
struct traffic_case {
	const char *name;
	int (*run)(const struct traffic_opts *opts, struct traffic_report *rep);
	unsigned int flags;              /* of enum traffic_flags */
	const char *needs;               /* what the kernel or the namespace must have, or NULL */
	const struct traffic_form *form; /* copied to opts->form, or NULL */
	const char *must;   /* the event without which it did not do what it is there for, or NULL:
			       the kernel has a say in it, so try again */
	unsigned int quick; /* count for a run that is not to take seconds; 0: the default will do
			     */
};

/** The cases in order, from 0 on; NULL behind the last. */
const struct traffic_case *traffic_case_at(unsigned int i);
/** NULL when there is no such case. */
const struct traffic_case *traffic_case_find(const char *name);
/** Run a case in this process, which is to have no other use. Returns its exit status. */
int traffic_run(const struct traffic_case *c, const struct traffic_opts *opts,
		struct traffic_report *rep);

#endif
