/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What a census is made with: growing lists, sockets found again by their id, records decoded. */
#ifndef CAPTURE_CENSUS_PARTS_H
#define CAPTURE_CENSUS_PARTS_H

#include "event/census.h"

struct who_sock;

struct list {
	size_t size; /* of an element; set it first */
	void *data;  /* owned */
	size_t count, room;
};

/** Append a copy of *@element; false when out of memory. */
bool list_add(struct list *list, const void *element);

struct census_index {
	struct list socks; /* struct census_sock; the caller takes it over */
	size_t *slots;     /* owned; index + 1 */
	size_t slot_count; /* a power of two */
	bool failed;       /* out of memory: something is missing */
};

/** Index of this socket, new or known by its id, addresses and namespace; what one of both does not
 *  know is taken from the other. SIZE_MAX when out of memory. */
size_t census_index_add(struct census_index *index, const struct census_sock *sock);
/** Index of the socket of this id that came last, or SIZE_MAX. */
size_t census_index_find(const struct census_index *index, uint64_t id);
/** Frees all but the list of sockets. */
void census_index_done(struct census_index *index);

/** A record of the kernel side. @jiffies: now, @hz: so many a second. */
void census_decode(struct census_sock *s, const struct who_sock *raw, uint64_t jiffies,
		   unsigned int hz);

/** Timer ticks a second of the running kernel: jiffies start five minutes before they wrap
 *  (INITIAL_JIFFIES), so two readings of the clock tell. */
unsigned int census_hz(uint64_t jiffies, uint64_t uptime_s);

#endif
