/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/column.h"

#include "model/cell.h"
#include "model/number.h"
#include "model/order.h"

#include <string.h>

enum {
	PROCESSES = 1 << TABLE_PROCESSES,
	PORTS = 1 << TABLE_PORTS,
	CONNECTIONS = 1 << TABLE_CONNECTIONS,
	LISTENERS = 1 << TABLE_LISTENERS,
	PEERS = 1 << TABLE_PEERS,
	USERS = 1 << TABLE_USERS,
	CGROUPS = 1 << TABLE_CGROUPS,
	NETNS = 1 << TABLE_NETNS,
	FAILURES = 1 << TABLE_FAILURES,
	HOLDERS = PEERS | USERS | CGROUPS | NETNS, /* of whatever is open */
	ALL = PROCESSES | PORTS | CONNECTIONS | LISTENERS | HOLDERS,

	LUXURY = 7,       /* `drop` from which on a column must leave room to others */
	ROOM_PER_GROW = 2 /* cells; so much for each share of a growing column */
};

/* clang-format off */
#define COLUMN(id_, key_, title_, name_) \
	[id_] = { .id = id_, .key = key_, .title = title_, .text = cell_##name_, \
		  .compare = order_##name_,

const struct column columns[COLUMN_COUNT] = {
	COLUMN(COLUMN_PID, "pid", "PID", pid)
		.help = "Process id; - when no process can be named",
		.number = number_pid, .unit = UNIT_ID,
		.width = 7, .drop = 3, .right = true,
		.tables = PROCESSES | CONNECTIONS | FAILURES },
	COLUMN(COLUMN_PROCESS, "name", "PROCESS", process)
		.help = "Name of the process, or in brackets why there is none",
		.width = 11, .grow = 3, .tables = PROCESSES | CONNECTIONS | FAILURES },
	COLUMN(COLUMN_USER, "user", "USER", user)
		.help = "Who the process runs as",
		.width = 8, .grow = 1, .drop = 6, .tables = PROCESSES | USERS | FAILURES },
	COLUMN(COLUMN_OPEN, "open", "OPEN", open)
		.help = "Connections open now, without listeners",
		.width = 6, .drop = 4, .right = true, .descending = true,
		.tables = PROCESSES | PORTS | LISTENERS | HOLDERS },
	COLUMN(COLUMN_OPENED, "opened", "OPENED", opened)
		.help = "Connections seen since the start, open ones included",
		.width = 6, .drop = 12, .right = true, .descending = true,
		.tables = PROCESSES | LISTENERS | HOLDERS },
	COLUMN(COLUMN_LISTENING, "listening", "LISTEN", listening)
		.help = "Listeners open now",
		.width = 6, .drop = 10, .right = true, .descending = true,
		.tables = PROCESSES | USERS | CGROUPS | NETNS },
	COLUMN(COLUMN_FAILED, "failed", "FAILED", failed)
		.help = "Connects that failed since the start",
		.width = 6, .drop = 14, .right = true, .descending = true,
		.tables = PROCESSES | HOLDERS },
	COLUMN(COLUMN_PORT, "port", "PORT", port)
		.help = "Port of the service: the local one of servers, the remote one of clients",
		.width = 11, .tables = PORTS },
	COLUMN(COLUMN_SERVICE, "service", "SERVICE", service)
		.help = "Name that this port has on this host",
		.width = 8, .grow = 1, .drop = 6, .tables = PORTS | LISTENERS },
	COLUMN(COLUMN_CLASS, "class", "CLASS", class)
		.help = "Well-known (below 1024), registered, or in the ephemeral range here",
		.width = 10, .drop = 7, .tables = PORTS },
	COLUMN(COLUMN_ROLE, "role", "ROLE", role)
		.help = "Side of the service: from connect, accept and listen, never guessed",
		.width = 8, .drop = 8, .tables = PORTS | CONNECTIONS },
	COLUMN(COLUMN_PROCESSES, "processes", "PROCESSES", processes)
		.help = "Processes that have connections or listeners here: name[pid], or name(how "
			"many)",
		.width = 12, .grow = 2, .drop = 1, .descending = true,
		.tables = PORTS | LISTENERS | HOLDERS },
	COLUMN(COLUMN_TRANSPORT, "proto", "PROTO", transport)
		.help = "Transport protocol",
		.width = 7, .drop = 5, .tables = CONNECTIONS | FAILURES },
	COLUMN(COLUMN_LOCAL, "local", "LOCAL", local)
		.help = "Address and port of this side",
		.width = 14, .grow = 3, .drop = 6, .tables = CONNECTIONS },
	COLUMN(COLUMN_PEER, "peer", "PEER", peer)
		.help = "Address and port of the other side",
		.width = 14, .grow = 3, .drop = 1, .tables = CONNECTIONS | FAILURES },
	COLUMN(COLUMN_STATE, "state", "STATE", state)
		.help = "State of the connection",
		.width = 12, .drop = 9, .tables = CONNECTIONS },
	COLUMN(COLUMN_NETNS, "netns", "NETNS", netns)
		.help = "Network namespace, by its inode",
		.number = number_netns, .unit = UNIT_ID,
		.width = 10, .drop = 15, .right = true,
		.tables = CONNECTIONS | LISTENERS | NETNS | FAILURES },
	COLUMN(COLUMN_AGE, "age", "AGE", age)
		.help = "Time since the connection was first seen",
		.number = number_age, .unit = UNIT_NS, .ages = true,
		.width = 6, .drop = 13, .right = true, .tables = CONNECTIONS },
	COLUMN(COLUMN_TX_RATE, "tx", "TX/s", tx_rate)
		.help = "Bytes sent per second in the last interval",
		.number = number_tx_rate, .unit = UNIT_BYTES_PER_S,
		.width = 6, .right = true, .descending = true, .tables = ALL },
	COLUMN(COLUMN_RX_RATE, "rx", "RX/s", rx_rate)
		.help = "Bytes received per second in the last interval",
		.number = number_rx_rate, .unit = UNIT_BYTES_PER_S,
		.width = 6, .right = true, .descending = true, .tables = ALL },
	COLUMN(COLUMN_TX_TOTAL, "txtotal", "TX", tx_total)
		.help = "Bytes sent since the start",
		.number = number_tx_total, .unit = UNIT_BYTES,
		.width = 6, .drop = 11, .right = true, .descending = true, .tables = ALL },
	COLUMN(COLUMN_RX_TOTAL, "rxtotal", "RX", rx_total)
		.help = "Bytes received since the start",
		.number = number_rx_total, .unit = UNIT_BYTES,
		.width = 6, .drop = 11, .right = true, .descending = true, .tables = ALL },
	COLUMN(COLUMN_TOTAL, "total", "TOTAL", total)
		.help = "Bytes sent and received since the start",
		.number = number_total, .unit = UNIT_BYTES,
		.width = 6, .drop = 16, .right = true, .descending = true, .tables = ALL },
	[COLUMN_RATE] = { .id = COLUMN_RATE, .key = "rate", .title = "RATE",
		.text = cell_rate, .compare = order_activity,
		.help = "Bytes sent and received per second, then in total, then connections open",
		.number = number_rate, .unit = UNIT_BYTES_PER_S,
		.width = 6, .drop = 16, .right = true, .descending = true, .tables = ALL },
	COLUMN(COLUMN_LISTENER, "listener", "LISTENER", listener)
		.help = "Where connections are accepted, or datagrams served; * is any address",
		.width = 14, .grow = 2, .tables = LISTENERS },
	COLUMN(COLUMN_HOST, "host", "HOST", host)
		.help = "Address of the other side, whatever the port",
		.width = 15, .grow = 2, .tables = PEERS },
	COLUMN(COLUMN_UNIT, "unit", "UNIT", unit)
		.help = "Container, pod or unit of systemd that the control group belongs to",
		.width = 14, .grow = 3, .tables = CGROUPS },
	COLUMN(COLUMN_CGROUP, "cgroup", "CGROUP", cgroup)
		.help = "Path of the control group that the socket was made in",
		.width = 14, .grow = 3, .drop = 15, .tables = CGROUPS },
	COLUMN(COLUMN_ERROR, "error", "ERROR", error)
		.help = "Why it failed",
		.width = 12, .drop = 2, .tables = FAILURES },
	COLUMN(COLUMN_LAST, "last", "LAST", last)
		.help = "Time since it last failed",
		.width = 6, .right = true, .tables = FAILURES },
	COLUMN(COLUMN_TIMES, "times", "TIMES", failed)
		.help = "How often it has failed since the start",
		.width = 6, .drop = 1, .right = true, .descending = true, .tables = FAILURES },
};

#define C(id) &columns[COLUMN_##id]

static const struct column *const process_columns[] = {
	C(PID), C(PROCESS), C(USER), C(OPEN), C(OPENED), C(LISTENING), C(FAILED),
	C(TX_RATE), C(RX_RATE), C(TX_TOTAL), C(RX_TOTAL), NULL
};

static const struct column *const port_columns[] = {
	C(PORT), C(SERVICE), C(CLASS), C(ROLE), C(OPEN), C(PROCESSES),
	C(TX_RATE), C(RX_RATE), C(TX_TOTAL), C(RX_TOTAL), NULL
};

static const struct column *const connection_columns[] = {
	C(PROCESS), C(PID), C(TRANSPORT), C(LOCAL), C(PEER), C(ROLE), C(STATE),
	C(TX_RATE), C(RX_RATE), C(TX_TOTAL), C(RX_TOTAL), C(AGE), C(NETNS), NULL
};
static const struct column *const listener_columns[] = {
	C(LISTENER), C(SERVICE), C(OPEN), C(OPENED), C(PROCESSES),
	C(TX_RATE), C(RX_RATE), C(TX_TOTAL), C(RX_TOTAL), C(NETNS), NULL
};

static const struct column *const peer_columns[] = {
	C(HOST), C(OPEN), C(OPENED), C(FAILED), C(PROCESSES),
	C(TX_RATE), C(RX_RATE), C(TX_TOTAL), C(RX_TOTAL), NULL
};

static const struct column *const user_columns[] = {
	C(USER), C(OPEN), C(OPENED), C(LISTENING), C(FAILED), C(PROCESSES),
	C(TX_RATE), C(RX_RATE), C(TX_TOTAL), C(RX_TOTAL), NULL
};

static const struct column *const cgroup_columns[] = {
	C(UNIT), C(OPEN), C(OPENED), C(LISTENING), C(FAILED), C(PROCESSES),
	C(TX_RATE), C(RX_RATE), C(TX_TOTAL), C(RX_TOTAL), C(CGROUP), NULL
};

static const struct column *const netns_columns[] = {
	C(NETNS), C(OPEN), C(OPENED), C(LISTENING), C(FAILED), C(PROCESSES),
	C(TX_RATE), C(RX_RATE), C(TX_TOTAL), C(RX_TOTAL), NULL
};

static const struct column *const failure_columns[] = {
	C(PROCESS), C(PID), C(USER), C(TRANSPORT), C(PEER), C(ERROR), C(TIMES), C(LAST),
	C(NETNS), NULL
};

#define TABLE(id_, key_, title_, brief_, one_, name_, rest_, list_) \
	[TABLE_##id_] = { .key = key_, .title = title_, .brief = brief_, .one = one_, \
		.rest = rest_, \
		.name = COLUMN_##name_, .sort = COLUMN_RATE, .sort_text = "activity", \
		.columns = list_ }

const struct table_info table_info[TABLE_COUNT] = {
	TABLE(PROCESSES, "processes", "Processes", "Proc", "process", PROCESS, NULL,
	      process_columns),
	TABLE(PORTS, "ports", "Ports", "Port", "port", PORT, NULL, port_columns),
	TABLE(CONNECTIONS, "connections", "Connections", "Conn", "connection", PROCESS, NULL,
	      connection_columns),
	TABLE(LISTENERS, "listeners", "Listeners", "Lstn", "listener", LISTENER, "(not accepted)",
	      listener_columns),
	TABLE(PEERS, "peers", "Peers", "Peer", "host", HOST, "(no peer)", peer_columns),
	TABLE(USERS, "users", "Users", "User", "user", USER, "(no process)", user_columns),
	TABLE(CGROUPS, "units", "Units", "Unit", "unit", UNIT, "(not known)", cgroup_columns),
	TABLE(NETNS, "netns", "Netns", "Net", "netns", NETNS, "(not known)", netns_columns),
	[TABLE_FAILURES] = { .key = "failures", .title = "Failures", .brief = "Fail",
		.one = "failures of",
		.name = COLUMN_PROCESS, .sort = COLUMN_LAST, .sort_text = "last",
		.columns = failure_columns },
};
/* clang-format on */

const enum table_kind table_order[TABLE_COUNT] = {
	TABLE_PROCESSES, TABLE_PORTS,   TABLE_CONNECTIONS, TABLE_LISTENERS, TABLE_PEERS,
	TABLE_USERS,     TABLE_CGROUPS, TABLE_NETNS,       TABLE_FAILURES,
};

enum table_kind table_by_key(const char *key)
{
	int table = 0;

	while (table < TABLE_COUNT && strcmp(table_info[table].key, key) != 0)
		table++;
	return (enum table_kind)table;
}

const struct column *column_find(enum table_kind table, const char *key)
{
	int i;

	for (i = 0; i < COLUMN_COUNT; i++) {
		if ((columns[i].tables & 1U << table) && !strcmp(columns[i].key, key))
			return &columns[i];
	}
	return NULL;
}

const struct column *const *column_list(enum table_kind table)
{
	return table_info[table].columns;
}

/* Cells that the shown columns take with the blanks between them. */
static int cells_taken(const struct column *const *list, const int widths[COLUMN_COUNT])
{
	int sum = 0;

	for (; *list; list++) {
		if (widths[(*list)->id])
			sum += widths[(*list)->id] + (sum > 0);
	}
	return sum;
}

static int shares(const struct column *const *list, const int widths[COLUMN_COUNT])
{
	int sum = 0;

	for (; *list; list++)
		sum += widths[(*list)->id] ? (*list)->grow : 0;
	return sum;
}

static int drop_of(const struct column *c, enum column_id name)
{
	return c->id == name ? 0 : c->drop;
}

/* The column to go next: of the highest drop, the rightmost. NULL when none is shown. */
static const struct column *next_to_drop(const struct column *const *list, enum column_id name,
					 const int widths[COLUMN_COUNT])
{
	const struct column *next = NULL;

	for (; *list; list++) {
		if (widths[(*list)->id] && (!next || drop_of(*list, name) >= drop_of(next, name)))
			next = *list;
	}
	return next;
}

static void drop_columns(const struct column *const *list, enum column_id name, int cells,
			 int widths[COLUMN_COUNT])
{
	const struct column *next;

	while ((next = next_to_drop(list, name, widths))) {
		int need = cells_taken(list, widths);

		if (drop_of(next, name) >= LUXURY)
			need += ROOM_PER_GROW * shares(list, widths);
		if (need <= cells)
			break;
		widths[next->id] = 0;
	}
}

/* Each share rounds up of what is left then, so that nothing remains. */
static void share_spare(const struct column *const *list, int spare, int widths[COLUMN_COUNT])
{
	int left = shares(list, widths);

	for (; *list && left > 0; list++) {
		int grow = widths[(*list)->id] ? (*list)->grow : 0, more;

		more = (spare * grow + left - 1) / left;
		widths[(*list)->id] += more;
		spare -= more;
		left -= grow;
	}
}

void column_widths(enum table_kind table, int cells, int widths[COLUMN_COUNT])
{
	const struct column *const *list = column_list(table);
	const struct column *const *c;

	memset(widths, 0, COLUMN_COUNT * sizeof(widths[0]));
	for (c = list; *c; c++)
		widths[(*c)->id] = (*c)->width;
	drop_columns(list, table_info[table].name, cells, widths);
	share_spare(list, cells - cells_taken(list, widths), widths);
}
