/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * Take a census of this host: of all network namespaces by programs that walk the kernel's tables
 * (bpf/who.bpf.c), or without privilege by what /proc shows.
 */
#ifndef CAPTURE_CENSUS_H
#define CAPTURE_CENSUS_H

#include "event/census.h"

enum { CENSUS_WHY = 256 };

/** Fill @c, which census_done() frees. 0, -EPERM when the kernel does not take the programs, or
 *  another -errno; with one line in @why. */
int census_take(struct census *c, const struct census_ask *ask, char why[CENSUS_WHY]);

struct census_attempt {   /* a call of bind(), before it is known what comes of it */
	uint64_t time_ns; /* boottime */
	uint64_t cookie;
	struct addr local;
	uint32_t pid, netns, uid;
	uint8_t transport;
	char name[EVENT_NAME]; /* hostile */
};

/** @a is borrowed until return. */
typedef void census_attempt_fn(const struct census_attempt *a, void *arg);

struct census_tool;

/** What takes census after census, and sees calls of bind() of the ports of @ask in control group
 *  @cgroup_fd (borrowed; the root) and all below. NULL with one line in @why and errno. */
struct census_tool *census_open(const struct census_ask *ask, int cgroup_fd, char why[CENSUS_WHY]);
bool census_sees_binds(const struct census_tool *tool);
/** As census_take. */
int census_again(struct census_tool *tool, struct census *c, const struct census_ask *ask,
		 char why[CENSUS_WHY]);
/** The calls of bind() since the last time. */
void census_attempts(struct census_tool *tool, census_attempt_fn *fn, void *arg);
/** NULL is a no-op. */
void census_close(struct census_tool *tool);

/** As far as anybody may: sockets of our network namespace, holders among the processes whose files
 *  we may read. Names what is missing in @c->missing. 0 or -errno. */
int census_take_proc(struct census *c, const struct census_ask *ask);

/** Name what takes the packets of kernel sockets, if there are any, by /proc/kallsyms. */
void census_name_handlers(struct census *c);

/** TRANSPORT_* of an IP protocol number, a socket type (SOCK_RAW ...) and family. */
uint8_t census_transport(int family, int type, int protocol);

#endif
