/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/failure.h"

#include "model/match.h"
#include "model/state.h"

#include <string.h>

/* Without padding, since its bytes are hashed. A program that tries again from a new process each
 * minute has one row. */
struct failure_key {
	char name[EVENT_NAME];
	uint8_t peer_ip[16];
	uint64_t unattributed;
	uint32_t netns, uid;
	int32_t error;
	uint16_t peer_port;
	uint8_t transport, has_pid;
};

static struct failure_key key_of_row(const struct row *row)
{
	struct failure_key key = {
		.unattributed = row->proc.unattributed,
		.netns = row->flow.netns,
		.uid = row->proc.uid,
		.error = row->error,
		.peer_port = row->flow.peer.port,
		.transport = row->flow.transport,
		.has_pid = row->proc.pid != 0,
	};

	memcpy(key.name, row->proc.name, strnlen(row->proc.name, EVENT_NAME));
	memcpy(key.peer_ip, row->flow.peer.ip, sizeof(key.peer_ip));
	return key;
}

static bool is_failure(const struct entry *e, const void *key)
{
	struct failure_key own = key_of_row(&e->row);

	return !memcmp(&own, key, sizeof(own));
}

static struct entry *create(struct model *m, uint32_t hash)
{
	struct table *t = &m->tables[TABLE_FAILURES];
	struct entry *e;

	while (!(e = table_add(t, hash))) {
		struct entry *victim = table_victim(t);

		m->totals.evicted[TABLE_FAILURES]++;
		t->matched -= victim->match != NULL;
		table_fold(t, victim, m->totals.interval_ns);
		table_remove(t, victim);
	}
	return e;
}

void failure_add(struct model *m, const struct conn *c, int error, uint64_t time_ns)
{
	struct table *t = &m->tables[TABLE_FAILURES];
	struct row row = c->e.row;
	struct failure_key key;
	struct entry *e;
	uint32_t hash;

	row.error = error;
	key = key_of_row(&row);
	hash = (uint32_t)hash_bytes(&m->key, &key, sizeof(key));
	e = table_find(t, hash, is_failure, &key);
	if (!e) {
		e = create(m, hash);
		e->row.count.first_ns = time_ns;
	}
	e->row.proc = row.proc;
	e->row.flow = row.flow;
	e->row.transport = row.transport;
	e->row.role = row.flow.role;
	e->row.error = error;
	e->row.count.failed++;
	e->row.count.last_ns = time_ns;
	table_touch(t, e);
	match_failure(m, e);
}
