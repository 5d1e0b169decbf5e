/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/key.h"

#include <string.h>

static bool has_ports(uint8_t transport)
{
	switch (transport) {
	case TRANSPORT_TCP:
	case TRANSPORT_UDP:
	case TRANSPORT_SCTP:
	case TRANSPORT_MPTCP:
	case TRANSPORT_UDPLITE:
		return true;
	default:
		return false;
	}
}

uint16_t key_service_port(const struct flow *flow)
{
	if (!has_ports(flow->transport))
		return 0;
	switch (flow->role) {
	case ROLE_SERVER:
	case ROLE_LISTENER:
		return flow->local.port;
	case ROLE_CLIENT:
		return flow->peer.port;
	default:
		return 0;
	}
}

static bool process_key(struct key *key, const struct row *row)
{
	key->id = row->proc.pid;
	key->number = row->proc.pid ? row->proc.start_ns : row->proc.unattributed;
	return true;
}

/* Which side of the service the socket is on: a listener is its server's. */
static uint8_t side_of(uint8_t role)
{
	return role == ROLE_LISTENER ? ROLE_SERVER : role;
}

static bool port_key(struct key *key, const struct row *row)
{
	key->port = key_service_port(&row->flow);
	key->transport = row->flow.transport;
	key->role = side_of(row->flow.role);
	return true;
}

/* What can be accepted on, and what was: with the address of its own, until group.c finds the
 * listener. */
static bool listener_key(struct key *key, const struct row *row)
{
	const struct flow *f = &row->flow;

	if (side_of(f->role) != ROLE_SERVER || !has_ports(f->transport))
		return false;
	key->id = f->netns;
	key->port = f->local.port;
	key->transport = f->transport;
	memcpy(key->ip, f->local.ip, sizeof(key->ip));
	return true;
}

static bool peer_key(struct key *key, const struct row *row)
{
	memcpy(key->ip, row->flow.peer.ip, sizeof(key->ip));
	return !addr_is_any(&row->flow.peer);
}

static bool user_key(struct key *key, const struct row *row)
{
	key->id = row->proc.uid;
	return row->table == TABLE_USERS || row->proc.pid;
}

static bool cgroup_key(struct key *key, const struct row *row)
{
	key->number = row->flow.cgroup_id;
	return key->number;
}

static bool netns_key(struct key *key, const struct row *row)
{
	key->id = row->flow.netns;
	return key->id;
}

/* False: the row has no key of this kind. */
static bool (*const keys[GROUP_KINDS])(struct key *key, const struct row *row) = {
	[TABLE_PROCESSES] = process_key, [TABLE_PORTS] = port_key, [TABLE_LISTENERS] = listener_key,
	[TABLE_PEERS] = peer_key,        [TABLE_USERS] = user_key, [TABLE_CGROUPS] = cgroup_key,
	[TABLE_NETNS] = netns_key,
};

struct key key_of(const struct row *row, enum table_kind kind)
{
	struct key key = {0};

	if (!row->is_rest && keys[kind](&key, row))
		return key;
	return (struct key){.role = KEY_REST};
}

void key_fill(struct row *to, const struct key *key, const struct row *of, enum table_kind kind)
{
	to->is_rest = key->role == KEY_REST;
	if (to->is_rest)
		return;
	switch (kind) {
	case TABLE_PROCESSES:
		to->proc = of->proc;
		break;
	case TABLE_PORTS:
		to->role = to->flow.role = key->role;
		to->transport = to->flow.transport = key->transport;
		to->port = to->flow.local.port = to->flow.peer.port = key->port;
		break;
	case TABLE_LISTENERS:
		to->role = to->flow.role = ROLE_SERVER;
		to->transport = to->flow.transport = key->transport;
		to->port = to->flow.local.port = key->port;
		to->flow.netns = key->id;
		memcpy(to->flow.local.ip, key->ip, sizeof(key->ip));
		break;
	case TABLE_PEERS:
		memcpy(to->flow.peer.ip, key->ip, sizeof(key->ip));
		break;
	case TABLE_USERS:
		to->proc.uid = key->id;
		break;
	case TABLE_CGROUPS:
		to->flow.cgroup_id = key->number;
		break;
	default:
		to->flow.netns = key->id;
	}
}
