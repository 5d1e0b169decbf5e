/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** A host in a box: a fixed array of events with one of each thing that a screen has to cope with.
 */
#ifndef TESTS_UNIT_FIXTURE_H
#define TESTS_UNIT_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "event/event.h"

struct model;

enum { FIXTURE_SECOND = 1000000000 };

/** A process with a name of any bytes; its start is made from its pid. */
struct proc fixture_proc(uint32_t pid, uint32_t uid, const char *name);
/** `10.0.0.1` or `2001:db8::1` with a port; NULL = any address. Fails the test when it is no
 * address. */
struct addr fixture_addr(const char *ip, uint16_t port);
/** A TCP connection over IPv4, established. */
struct flow fixture_tcp(uint64_t cookie, uint8_t role, struct addr local, struct addr peer);

void fixture_seen(struct model *m, const struct proc *p, const struct flow *f, uint64_t time_ns);
void fixture_xfer(struct model *m, const struct proc *p, const struct flow *f, uint64_t time_ns,
		  uint64_t tx_bytes, uint64_t rx_bytes);
void fixture_close(struct model *m, const struct proc *p, const struct flow *f, uint64_t time_ns);
void fixture_note(struct model *m, const char *text);
/** Totals of loss for a reason, all others 0. */
void fixture_lost(struct model *m, uint8_t reason, uint64_t count);
/** End of the interval of one second that ends @second seconds after the start. */
void fixture_tick(struct model *m, unsigned int second);

/** The same with the cost of our programs counted for as many seconds: @runs a second of @each_ns;
 * or not counted for @error. */
void fixture_cost_tick(struct model *m, unsigned int second, uint64_t runs, uint64_t each_ns,
		       int error);

/** Intervals are @ms long by a budget of 1 % of a core, or as asked again if @ms is 0. */
void fixture_pace(struct model *m, unsigned int ms, bool over);

/** The facts of the host, users and services; no sockets. */
void fixture_host(struct model *m);
/** The whole host after three ticks: servers, clients, UDP peers, a kernel socket, hostile names,
 *  wide and bidirectional ones, a listener nobody talks to, IPv6, a failed connect, one that ended.
 */
void fixture_fill(struct model *m);
/** Owned by the caller. */
struct model *fixture_model(void);

/** Compare text with tests/golden/@name (or $GOLDEN_DIR/@name) and fail the test with both where
 * they differ; UPDATE=1 writes the file instead. */
void fixture_golden(const char *name, const char *text);

#endif
