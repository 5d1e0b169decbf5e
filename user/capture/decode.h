/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * Raw records into events: the only user of the ABI's records. Keeps the last totals of each use
 * of a socket and hands on what was added, so a lost, repeated or late record costs delay, never
 * bytes. Trusts nothing in a record but its fixed size.
 */
#ifndef CAPTURE_DECODE_H
#define CAPTURE_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

struct decode;

struct decode_counts {
	uint64_t bad_records;   /* wrong length or kind */
	uint64_t table_full;    /* records of uses beyond the bound: their bytes are missing */
	size_t sockets, uses;   /* that are remembered now */
	size_t closing;         /* sockets whose CLOSE waits for decode_settle */
	size_t no_release;      /* open sockets whose end only sweeps show */
	uint64_t io_records;    /* that told of bytes, in total */
	uint64_t extra_records; /* of sockets with accounts in the hash, in total */
};

/** @max_uses bounds the memory: about 100 bytes each; 0 = 1,048,576. NULL when out of memory. */
struct decode *decode_new(size_t max_uses);
/** NULL is a no-op. */
void decode_free(struct decode *d);

/** One record as it came from the ring buffer or an iterator. Calls @fn for each event. */
void decode_record(struct decode *d, const void *data, size_t len, event_fn *fn, void *arg);

/** One entry of the hash of further accounts (struct sw_extra_key, struct sw_extra). Returns true
 *  when the entry will not change any more and is to be deleted. */
bool decode_extra(struct decode *d, const void *key, const void *value, event_fn *fn, void *arg);

/** After a walk over the whole hash: the sockets that were waiting for it are closed now. Those
 * that only this walk showed to be closing wait for the next one (counts->closing is not 0). */
void decode_settle(struct decode *d, event_fn *fn, void *arg);

/** After a whole sweep: sockets without a release hook that no sweep has seen for a while are
 *  closing; the next walk over the hash and decode_settle end them. */
void decode_swept(struct decode *d);

const struct decode_counts *decode_counts(const struct decode *d);

#endif
