/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * A census: sockets as they were at one moment, who held them and who waited on them. Plain
 * tables, filled by user/capture or by a test, read by user/who. Names are hostile.
 */
#ifndef EVENT_CENSUS_H
#define EVENT_CENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

enum {
	CENSUS_ASKED = 16,   /* processes that can be asked for, by number and by name each */
	CENSUS_SYMBOL = 64,  /* `wg_receive [wireguard]` */
	CENSUS_MISSING = 96, /* what is not seen, as part of a sentence */
};

/** What to look for; what matches any of these is in the census. */
struct census_ask {
	bool listeners; /* all listeners and UDP sockets without a peer */
	bool all;       /* also each connection on ports that have a listener */
	bool any_port;
	uint8_t ports[65536 / 8]; /* bits; local ports of any protocol */
	uint32_t pids[CENSUS_ASKED];
	uint32_t pid_count;
	char names[CENSUS_ASKED][EVENT_NAME];
	uint32_t name_count;
};

struct census_sock {
	uint64_t id; /* the same in all tables of one census */
	uint64_t cookie, inode;
	uint64_t group;   /* the same for sockets that share a port by SO_REUSEPORT; 0 = none */
	uint64_t left_ns; /* of TIME_WAIT */
	struct addr local, peer;
	uint32_t netns, uid, ifindex;
	uint32_t backlog, backlog_max; /* connections not accepted yet; of listeners */
	uint8_t transport, state;      /* enum transport, enum sock_state */
	bool v6;                       /* an AF_INET6 socket */
	bool v6only, reuseaddr, reuseport;
	bool kernel;       /* the kernel's own */
	bool dead;         /* closed by all; the kernel finishes it */
	bool not_accepted; /* in the backlog of its listener */
	bool subflow;      /* of an MPTCP socket, which has the same addresses */
	bool mptcp;
	bool outgoing;    /* only connect() has chosen the port: no listener ever had it */
	bool bound_port;  /* the process asked for this port */
	uint64_t handler; /* function that takes what arrives at a kernel socket */
	char handled[CENSUS_SYMBOL]; /* its name and module, if it could be had */
};

struct census_hold { /* an open file of a process; sorted by socket, pid, fd */
	size_t sock; /* index */
	uint64_t start_ns;
	uint32_t pid, fd;
};

struct census_wait { /* a process that is woken by what comes next; sorted by socket */
	size_t sock;
	uint32_t pid;
};

struct census_task {       /* sorted by pid */
	uint64_t start_ns; /* boottime */
	uint32_t pid, parent, uid, netns;
	uint32_t own_pid; /* in its pid namespace */
	bool kernel;
	char name[EVENT_NAME];
};

struct census_count { /* connections on a local address of a port that has a listener */
	struct addr local;
	uint32_t netns;
	uint32_t established, closing, time_wait, orphan, not_accepted, handshake;
};

struct census_use { /* of these, what a process holds */
	uint32_t netns, port, pid, count;
};

struct census {
	struct census_sock *socks; /* owned, as all below */
	size_t sock_count;
	struct census_hold *holds;
	size_t hold_count;
	struct census_wait *waits;
	size_t wait_count;
	struct census_task *tasks;
	size_t task_count;
	struct census_count *counts;
	size_t count_count;
	struct census_use *uses;
	size_t use_count;
	uint64_t now_ns; /* boottime */
	uint64_t lost;   /* of counts and waits, beyond a bound */
	bool own_only;   /* without privilege: our network namespace, our user's processes */
	char missing[CENSUS_MISSING]; /* then: why */
};

void census_done(struct census *c);
/** NULL when there is none. */
const struct census_task *census_task(const struct census *c, uint32_t pid);
/** First of the holders of socket @sock; they follow each other. @count may be 0. */
const struct census_hold *census_holds(const struct census *c, size_t sock, size_t *count);
/** Whether process @pid waits on socket @sock. */
bool census_waits(const struct census *c, size_t sock, uint32_t pid);
/** Counts of the local addresses of a port with a listener, one after the other. */
const struct census_count *census_counts(const struct census *c, uint32_t netns, uint16_t port,
					 size_t *count);
/** Connections that process @pid holds on a port with a listener. */
uint32_t census_uses(const struct census *c, uint32_t netns, uint16_t port, uint32_t pid);
/** Put the tables in the order that the functions above need. */
void census_sort(struct census *c);

static inline void census_ask_port(struct census_ask *ask, uint16_t port)
{
	ask->any_port = true;
	ask->ports[port / 8] |= (uint8_t)(1 << port % 8);
}

static inline bool census_asks_port(const struct census_ask *ask, uint16_t port)
{
	return ask->ports[port / 8] >> port % 8 & 1;
}

#endif
