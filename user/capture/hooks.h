/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The table of hooks: for each purpose the alternatives, best first, and what each needs. */
#ifndef CAPTURE_HOOKS_H
#define CAPTURE_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/kcaps.h"

enum {
	HOOK_PROGRAMS = 6,     /* of one alternative */
	HOOK_ALTERNATIVES = 5, /* of one purpose, and the end of the list */
};

enum hook_purpose {
	HOOK_BYTES,
	HOOK_UDP_BYTES,
	HOOK_OTHER_BYTES,
	HOOK_SENDPAGE,
	HOOK_PACKET_BYTES,
	HOOK_KTLS_SPLICE,
	HOOK_TCP_STATES,
	HOOK_TCP_END,
	HOOK_BIND,
	HOOK_CONNECT_ENTER,
	HOOK_CONNECT_ERRNO,
	HOOK_ACCEPT,
	HOOK_UDP_SEND_PEERS,
	HOOK_UDP_RECV_PEERS,
	HOOK_RELEASE,
	HOOK_PACKET_RELEASE,
	HOOK_EXIT,
	HOOK_SNAPSHOT,
	HOOK_SWEEP,
	HOOK_COOKIES,
	HOOK_TCP_DETAILS,
	HOOK_PURPOSES
};

enum hook_keep { /* where programs keep the state of sockets: all that are loaded in one place */
		 KEEP_ANY,
		 KEEP_STORAGE, /* in socket storage */
		 KEEP_POINTER, /* in a hash by address, as kprobes must */
};

struct hook_alternative {
	const char *name;                    /* for the user; NULL ends the list */
	unsigned int needs;                  /* bits 1 << enum kcap */
	const char *programs[HOOK_PROGRAMS]; /* names in bpf/sockwatch.bpf.c; none if served */
	const char *gap;                     /* what it leaves unseen; NULL = exact; if it
						concerns bytes, it begins with `degraded: ` and is
						told as `missing` is */
	enum hook_keep keep;                 /* that of the bytes decides for all */
};

struct hook {
	const char *purpose; /* for the user */
	bool required;       /* without it nothing can be shown */
	const char *missing; /* what is not seen without it: told on screen and in logs */
	const char *unseen;  /* the same where it is a detail: told by `sockwatch check` */
	struct hook_alternative alternatives[HOOK_ALTERNATIVES]; /* best first: by exactness, then
								    by cost */
};

extern const struct hook hooks[HOOK_PURPOSES];

/** Index of the best alternative that @caps allow for each purpose, -1 = none. Pure. */
void hooks_choose(const struct kcaps *caps, int chosen[HOOK_PURPOSES]);

/** Whether the chosen programs keep the state of sockets by pointer. */
bool hooks_by_pointer(const int chosen[HOOK_PURPOSES]);

/** Whether @program belongs to what was chosen. */
bool hooks_wants(const int chosen[HOOK_PURPOSES], const char *program);

/** What is not seen for want of @purpose, or is degraded, and what it would need, one sentence into
 *  @dst; false if nothing is to be told. */
bool hooks_note(const struct kcaps *caps, const int chosen[HOOK_PURPOSES], int purpose, char *dst,
		size_t size);

/** The next better alternative than the chosen one, by exactness or else by cost; where there are
 *  several, the one that lacks least. -1 = none is better. */
int hooks_better(const struct kcaps *caps, const int chosen[HOOK_PURPOSES], int purpose);

/** Whether the chosen way of @purpose sees fewer bytes than there are, or cannot tell whose. */
bool hooks_degraded(const int chosen[HOOK_PURPOSES], int purpose);

/** Whether the chosen way of @purpose (or that there is none) leaves nothing unseen. */
bool hooks_exact(const int chosen[HOOK_PURPOSES], int purpose);

/** What alternative @k of @purpose would need that @caps lack, `a, b` into @dst. */
void hooks_lacking(const struct kcaps *caps, int purpose, int k, char *dst, size_t size);

/** A required purpose has no alternative: why and what to do, one line into @dst; else false. */
bool hooks_refusal(const struct kcaps *caps, const int chosen[HOOK_PURPOSES], char *dst,
		   size_t size);

#endif
