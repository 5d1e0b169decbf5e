/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What `sockwatch who` is asked for, word by word. Pure. */
#ifndef WHO_TARGET_H
#define WHO_TARGET_H

#include "event/census.h"

enum { TARGET_WHY = 160 };

enum target_kind { TARGET_PORT, TARGET_PID, TARGET_NAME };

struct target {
	enum target_kind kind;
	uint8_t transport; /* of a port; TRANSPORT_COUNT = any */
	bool has_address;  /* of a port: */
	struct addr addr;  /* its port always, the address if has_address */
	uint32_t pid;
	char name[EVENT_NAME]; /* as the kernel keeps it: cut after 15 bytes */
};

/** Port of a service by its name, 0 = none: service_port(). */
typedef uint16_t target_service_fn(const char *name);

/**
 * Parse @text: PORT, ADDR:PORT, PROTO/ either, either /PROTO, a service for PORT, pid:N, name:NAME,
 * a number above 65535 (a pid), or the name of a process where there is no such service. A number
 * up to 65535 is never a pid: who kills what -q prints must be sure.
 * 0, or -EINVAL with one line in @why (@text in it as it is: not sanitised).
 */
int target_parse(struct target *t, const char *text, target_service_fn *service,
		 char why[TARGET_WHY]);

/** Parse ADDR:PORT, [ADDR]:PORT, *:PORT, :PORT or PORT, PORT being a number or a service. @a is
 *  `::` and *@has_address false where none is given. 0 or -EINVAL. */
int target_parse_endpoint(struct addr *a, bool *has_address, const char *text,
			  target_service_fn *service);

/** Add what the target needs to the question. 0, or -E2BIG: too many processes. */
int target_ask(const struct target *t, struct census_ask *ask);

/** Whether socket @sock of @c is what is asked for. */
bool target_holds(const struct target *t, const struct census *c, size_t sock);

/** Whether what comes to address @a can arrive at @s: it is bound to it, or to all. */
bool target_covers(const struct census_sock *s, const struct addr *a);

#endif
