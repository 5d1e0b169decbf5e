/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * What makes two connections members of one row: for each table of groups a key, taken from a row
 * of connections. The rows of groups carry what their key is made of in the same fields, so that
 * the same function gives theirs. A new way to group is a line of the table in key.c.
 */
#ifndef MODEL_KEY_H
#define MODEL_KEY_H

#include "model/model.h"

struct key {             /* without padding, since its bytes are hashed and compared */
	uint64_t number; /* start of a process, or why there is none; control group */
	uint32_t id;     /* pid, user, network namespace */
	uint16_t port;
	uint8_t transport;
	uint8_t role; /* KEY_REST: of what has no key */
	uint8_t ip[16];
};

enum { KEY_REST = 0xff };

/** The key of @row, one of connections or of the table @kind, in that table. */
struct key key_of(const struct row *row, enum table_kind kind);
/** Put what @key stands for into @to, a row of table @kind; @of is a connection that has it. */
void key_fill(struct row *to, const struct key *key, const struct row *of, enum table_kind kind);

/** For flows, what model_service_port() says, as it is its heart. */
uint16_t key_service_port(const struct flow *flow);

#endif
