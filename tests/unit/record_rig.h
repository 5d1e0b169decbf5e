/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Raw records as the kernel side sends them, a decoder that is fed with them, and the events that
 *  it made of them. */
#ifndef TESTS_UNIT_RECORD_RIG_H
#define TESTS_UNIT_RECORD_RIG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "capture/decode.h"
#include "sockwatch_abi.h"

enum { RECORD_EVENTS = 64 };

struct record_rig {
	struct decode *decode;
	struct event events[RECORD_EVENTS];
	unsigned int count; /* events heard */
	unsigned int next;  /* events that the test has looked at */
};

/** @max_uses as for decode_new. */
void record_rig_init(struct record_rig *r, size_t max_uses);
/** Fails the test when an event was not looked at. */
void record_rig_done(struct record_rig *r);
/** An event_fn whose arg is a struct record_rig. */
void record_heard(const struct event *ev, void *rig);

/** A client on 10.0.0.1:40000 of 10.0.0.2:443, established; pid 0 = an account of nobody. */
struct sw_record record_tcp(uint32_t kind, uint64_t cookie, uint32_t pid);
/** A UDP socket of the client, not connected, not bound. */
struct sw_record record_udp(uint32_t kind, uint64_t cookie, uint32_t pid);
/** Address text into the 16 bytes of a record. */
void record_ip(uint8_t ip[16], const char *text);
/** Make it the account of one peer of its socket. */
void record_set_peer(struct sw_record *rec, const char *ip, uint16_t port);

void record_feed(struct record_rig *r, const struct sw_record *rec);
/** Feed a copy of @rec with other totals. */
void record_moved(struct record_rig *r, const struct sw_record *rec, uint64_t tx, uint64_t rx);
/** Feed it as an entry of the hash of further accounts; what decode_extra says of it. */
bool record_extra(struct record_rig *r, const struct sw_record *rec, uint16_t closed);
/** A walk over the hash is at its end. */
void record_settle(struct record_rig *r);

/** All events that were not looked at, a letter each: S seen, X xfer, F fail, C close. */
void record_expect(struct record_rig *r, const char *letters);
/** The last event with this letter of those that were looked at. */
const struct event *record_last(const struct record_rig *r, char letter);
/** Only one event came: these bytes. */
void record_expect_xfer(struct record_rig *r, uint64_t tx, uint64_t rx);
/** Of all events heard, the bytes that moved on this socket. */
void record_expect_sums(const struct record_rig *r, uint64_t cookie, uint64_t tx, uint64_t rx);
/** So many records were refused. */
void record_expect_bad(const struct record_rig *r, uint64_t count);

#endif
