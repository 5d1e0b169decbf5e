/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE /* strerrorname_np() */
#include "sink/field.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "sink/value.h"
#include "util/buf.h"

enum {
	C = 1 << RECORD_CONNECTION,
	P = 1 << RECORD_PROCESS,
	S = 1 << RECORD_PORT, /* of a service */
	H = 1 << RECORD_PEER, /* a host */
	T = 1 << RECORD_TOTAL,
	E = 1 << RECORD_EVENT,
	O = 1 << RECORD_OTHER,
	META = 1 << RECORD_META,
	NOTE = 1 << RECORD_NOTE,
	INTERVAL = 1 << RECORD_INTERVAL,
	COST = 1 << RECORD_COST,
	DROPPED = 1 << RECORD_DROPPED,
	END = 1 << RECORD_END,
	ROWS = C | P | S | H | T | O,
	ALL = (1 << RECORD_COUNT) - 1
};

#define SAME(name_) .name = name_, .ecs = name_
#define OWN(name_) .name = name_
#define ECS(name_) .ecs = name_
#define INTEGER .type = "integer"
#define BYTES .type = "integer", .unit = "By"
#define NANOSECONDS .type = "integer", .unit = "ns"
#define STRING .type = "string"
#define TEXT(title_, width_) .title = title_, .width = width_
#define TEXT_RIGHT(title_, width_) .title = title_, .width = width_, .right = true

/* clang-format off */
const struct field fields[] = {
	{ SAME("@timestamp"), STRING, .records = ALL, .get = value_timestamp, TEXT("TIME", 27),
	  .help = "End of the interval, RFC 3339 in UTC with six decimals" },
	{ SAME("sockwatch.record"), STRING, .records = ALL, .get = value_record,
	  TEXT("RECORD", 10), .help = "What the record is about: see the column of records" },
	{ SAME("process.pid"), INTEGER, .records = C | E | P, .get = value_pid,
	  TEXT_RIGHT("PID", 7), .help = "Process id in the initial pid namespace" },
	{ SAME("process.name"), STRING, .records = C | E | P, .get = value_process_name,
	  TEXT("PROCESS", 16), .help = "Name of the process's first thread (comm)" },
	{ OWN("user.id"), INTEGER, .records = C | E | P, .get = value_uid,
	  .help = "Real user id of the process; of the socket when there is no process" },
	{ SAME("user.name"), STRING, .records = C | E | P, .get = value_user, TEXT("USER", 10),
	  .help = "Its name in /etc/passwd" },
	{ SAME("network.transport"), STRING, .records = C | E | S, .get = value_transport,
	  TEXT("PROTO", 7), .help = "tcp, udp, icmp, raw, packet, sctp, mptcp, udplite, other" },
	{ SAME("network.type"), STRING, .records = C | E | H, .get = value_type,
	  .help = "ipv4 or ipv6; v4-mapped traffic is ipv4" },
	{ OWN("network.local.address"), STRING, .records = C | E, .get = value_local_address,
	  TEXT("LOCAL", 15), .help = "Address of this side" },
	{ OWN("network.local.port"), INTEGER, .records = C | E, .get = value_local_port,
	  TEXT_RIGHT("PORT", 5), .help = "Port of this side" },
	{ OWN("network.peer.address"), STRING, .records = C | E | H, .get = value_peer_address,
	  TEXT("PEER", 15), .help = "Address of the other side" },
	{ OWN("network.peer.port"), INTEGER, .records = C | E, .get = value_peer_port,
	  TEXT_RIGHT("PORT", 5), .help = "Port of the other side" },
	{ SAME("sockwatch.role"), STRING, .records = C | E | S, .get = value_role, TEXT("ROLE", 8),
	  .help = "client, server, listener or unknown: from connect, accept and listen, for UDP "
		  "from who sent first" },
	{ SAME("sockwatch.state"), STRING, .records = C | E, .get = value_state, TEXT("STATE", 12),
	  .help = "TCP state as in network.connection.state of OpenTelemetry; open, bound" },
	{ SAME("sockwatch.netns"), INTEGER, .records = C | E, .get = value_netns,
	  .help = "Inode of the network namespace" },
	{ SAME("sockwatch.cookie"), INTEGER, .records = C | E, .get = value_cookie,
	  .help = "Cookie of the socket, as getsockopt(SO_COOKIE) says" },
	{ SAME("sockwatch.port"), INTEGER, .records = S, .get = value_port,
	  TEXT_RIGHT("PORT", 5), .help = "Port of the service: the local one of servers, the "
					 "remote one of clients" },
	{ SAME("sockwatch.service"), STRING, .records = S, .get = value_service,
	  TEXT("SERVICE", 12), .help = "Name of that port in /etc/services" },
	{ SAME("sockwatch.port_class"), STRING, .records = S, .get = value_port_class,
	  .help = "well-known, registered or ephemeral" },
	{ SAME("sockwatch.processes"), INTEGER, .records = S | H, .get = value_processes,
	  TEXT_RIGHT("PROCS", 5), .help = "Processes that use the port, or talk to the peer" },
	{ SAME("sockwatch.connections_open"), INTEGER, .records = P | S | H | T | O,
	  .get = value_open, TEXT_RIGHT("OPEN", 6), .help = "Connections open now" },
	{ SAME("sockwatch.listening"), INTEGER, .records = P | S | H | T | O,
	  .get = value_listening, TEXT_RIGHT("LISTEN", 6), .help = "Listeners open now" },
	{ SAME("sockwatch.connections_opened"), INTEGER, .records = P | S | H | T | O | END,
	  .get = value_opened, .help = "Connections seen since the start, open ones included" },
	{ SAME("sockwatch.connects_failed"), INTEGER, .records = P | S | H | T | O,
	  .get = value_failed, .help = "Connects that failed since the start" },
	{ OWN("sockwatch.tx_bytes"), BYTES, .records = ROWS, .get = value_tx,
	  TEXT_RIGHT("TX", 12), .help = "Payload bytes sent in the interval" },
	{ OWN("sockwatch.rx_bytes"), BYTES, .records = ROWS, .get = value_rx,
	  TEXT_RIGHT("RX", 12), .help = "Payload bytes received in the interval" },
	{ SAME("sockwatch.tx_bytes_total"), BYTES, .records = ROWS | E | END, .get = value_tx_total,
	  TEXT_RIGHT("TX-TOTAL", 14), .help = "Payload bytes sent since the start" },
	{ SAME("sockwatch.rx_bytes_total"), BYTES, .records = ROWS | E | END, .get = value_rx_total,
	  TEXT_RIGHT("RX-TOTAL", 14), .help = "Payload bytes received since the start" },
	{ SAME("sockwatch.unattributed"), STRING, .records = C | E | P, .get = value_unattributed,
	  TEXT("NO-PROCESS", 10), .help = "Why no process can be named: kernel, not_accepted, "
					  "exited, before_start, overflow" },
	{ SAME("sockwatch.cgroup_id"), INTEGER, .records = C | E, .get = value_cgroup_id,
	  .help = "Id of the control group of the socket" },
	{ SAME("sockwatch.error"), STRING, .records = C | E, .get = value_error, TEXT("ERROR", 12),
	  .help = "Why a connect or bind failed: name of the errno. Of a bind it is known only "
		  "where somebody has the port" },
	{ SAME("sockwatch.cgroup_path"), STRING, .records = C | E, .get = value_cgroup_path,
	  .help = "Path of that control group" },
	{ OWN("client.address"), STRING, .records = C | E, .get = value_client_address,
	  .help = "Address of the side that connected, where that is known" },
	{ OWN("client.port"), INTEGER, .records = C | E, .get = value_client_port,
	  .help = "Its port" },
	{ OWN("server.address"), STRING, .records = C | E, .get = value_server_address,
	  .help = "Address of the side that was connected to, where that is known" },
	{ OWN("server.port"), INTEGER, .records = C | E, .get = value_server_port,
	  .help = "Its port" },
	{ SAME("sockwatch.process.start_ns"), NANOSECONDS, .records = C | E | P,
	  .get = value_process_start,
	  .help = "Start of the process since boot: with process.pid its identity" },
	{ OWN("sockwatch.age_ns"), NANOSECONDS, .records = C | P | S | H | T, .get = value_age,
	  .help = "Time since it was first seen" },
	{ SAME("sockwatch.boottime_ns"), NANOSECONDS, .records = ROWS | E, .get = value_boottime,
	  .help = "End of the interval since boot: never set back, as the time of day may be" },
	{ SAME("sockwatch.losses"), INTEGER, .records = T | END, .get = value_losses,
	  .help = "What was lost, all of sockwatch.lost added up" },
	{ SAME("sockwatch.folded"), INTEGER, .records = O, .get = value_folded,
	  .help = "Rows that --top left out of this interval and that are in here" },
	{ SAME("sockwatch.dropped"), INTEGER, .records = DROPPED | END, .get = value_dropped,
	  .help = "Records of this run that could not be written so far: numbers missing in "
		  "sockwatch.seq" },
	{ SAME("sockwatch.note"), STRING, .records = NOTE, .get = value_note,
	  .help = "Something that is not seen, in one sentence" },
	{ OWN("sockwatch.seq"), INTEGER, .records = ALL, .get = value_seq,
	  .help = "Number of the record in its run, from 1; a number that is missing is a record "
		  "that was dropped. None where a new file begins with the first record again" },

	{ OWN("sockwatch.event"), STRING, .records = E, .get = value_event,
	  .help = "What happened: connect, established, accept, listen, bind, close, reset, "
		  "connect_failed, bind_failed" },
	{ SAME("sockwatch.latency_ns"), NANOSECONDS, .records = E, .get = value_latency,
	  .help = "From the SYN until the connect succeeded or failed" },
	{ OWN("sockwatch.duration_ns"), NANOSECONDS, .records = E, .get = value_duration,
	  .help = "From connect, accept or first sight to the end; none if open before the start" },
	{ SAME("sockwatch.end"), STRING, .records = E, .get = value_end,
	  .help = "Who ended a TCP connection: local or peer (closed it first), reset_by_local, "
		  "reset_by_peer, timeout, aborted, error" },
	{ SAME("sockwatch.rtt_us"), INTEGER, .unit = "us", .records = E, .get = value_rtt,
	  .help = "Smoothed round trip of a TCP connection at its end" },
	{ SAME("sockwatch.retransmits"), INTEGER, .records = E, .get = value_retransmits,
	  .help = "Segments that it has sent again" },
	{ SAME("sockwatch.holder.pid"), INTEGER, .records = E, .get = value_holder_pid,
	  .help = "Who has the port that a bind asked for: process id" },
	{ SAME("sockwatch.holder.name"), STRING, .records = E, .get = value_holder_name,
	  .help = "Name of that process" },
	{ SAME("sockwatch.holder.address"), STRING, .records = E, .get = value_holder_address,
	  .help = "Address that it is bound to" },
	{ SAME("sockwatch.holder.state"), STRING, .records = E, .get = value_holder_state,
	  .help = "State of its socket" },
	{ SAME("sockwatch.holder.netns"), INTEGER, .records = E, .get = value_holder_netns,
	  .help = "Inode of its network namespace" },
	{ SAME("sockwatch.holder.options"), STRING, .records = E, .get = value_holder_options,
	  .help = "What it has set: SO_REUSEADDR, SO_REUSEPORT, both or none" },

	/* by hand, in JSON alone */
	{ SAME("sockwatch.schema"), INTEGER, .records = META,
	  .help = "Version of these fields: grows when one changes its meaning" },
	{ SAME("sockwatch.version"), STRING, .records = META, .help = "Version of sockwatch" },
	{ SAME("host.name"), STRING, .records = META, .help = "Name of this host" },
	{ SAME("sockwatch.boot_id"), STRING, .records = META,
	  .help = "Boot of this host: sockwatch.boottime_ns counts from there" },
	{ SAME("sockwatch.by"), STRING, .records = META, .help = "What the records are by" },
	{ SAME("sockwatch.continued"), .type = "boolean", .records = META,
	  .help = "A new file of a run that began in another" },
	{ SAME("sockwatch.interval_s"), .type = "number", .unit = "s",
	  .records = META | INTERVAL | COST, .help = "Length of an interval" },
	{ SAME("sockwatch.notes"), .type = "array of string", .records = META,
	  .help = "What is not seen, in sentences" },
	{ SAME("sockwatch.filter"), STRING, .records = META, .help = "Filter that was given" },
	{ SAME("sockwatch.cpu_budget_percent"), .type = "number", .unit = "%",
	  .records = INTERVAL, .help = "Share of a core that --cpu-budget allows" },
	{ SAME("sockwatch.over_budget"), .type = "boolean", .records = INTERVAL,
	  .help = "The longest interval is too short for that" },
	{ SAME("sockwatch.cpu_ns"), NANOSECONDS, .records = COST | END,
	  .help = "CPU time of sockwatch; at the end that of the whole run" },
	{ SAME("sockwatch.cpu_percent"), .type = "number", .unit = "%", .records = COST,
	  .help = "The same as a share of a core" },
	{ SAME("sockwatch.rss_bytes"), BYTES, .records = COST | END,
	  .help = "Resident memory of sockwatch" },
	{ SAME("sockwatch.programs.counted_s"), .type = "number", .unit = "s",
	  .records = COST | END, .help = "How long the runs of its programs were counted" },
	{ SAME("sockwatch.programs.events"), INTEGER, .records = COST | END,
	  .help = "Runs of its programs in the calls of others" },
	{ SAME("sockwatch.programs.ns"), NANOSECONDS, .records = COST | END,
	  .help = "Time that they took there" },
	{ SAME("sockwatch.programs.ns_per_event"), NANOSECONDS, .records = COST | END,
	  .help = "The same for each run" },
	{ SAME("sockwatch.programs.percent"), .type = "number", .unit = "%",
	  .records = COST | END, .help = "The same as a share of a core" },
	{ SAME("sockwatch.programs.error"), STRING, .records = COST,
	  .help = "Why they are not counted: name of the errno" },
	{ SAME("sockwatch.records.seen"), INTEGER, .records = COST | END,
	  .help = "Records that the kernel side was to send" },
	{ SAME("sockwatch.records.delivered"), INTEGER, .records = COST | END,
	  .help = "Of these, arrived" },
	{ SAME("sockwatch.records.lost"), INTEGER, .records = END,
	  .help = "Of these, found the ring buffer full" },
	{ SAME("sockwatch.lost"), .type = "object of integer", .records = COST | END,
	  .help = "Losses by reason: ring_full, close, storage, accounts, recursion, table, "
		  "bad_record" },
	{ SAME("sockwatch.evicted"), INTEGER, .records = END,
	  .help = "Rows that made room for others before their end was shown" },

	/* in Elastic's schema alone */
	{ ECS("ecs.version"), STRING, .records = ROWS | E, .get = value_ecs_version,
	  .help = "Version of that schema" },
	{ ECS("event.kind"), STRING, .records = ROWS | E, .get = value_ecs_kind,
	  .help = "metric; event of what happened" },
	{ ECS("event.action"), STRING, .records = E, .get = value_event,
	  .help = "sockwatch.event" },
	{ ECS("event.duration"), NANOSECONDS, .records = E, .get = value_duration,
	  .help = "sockwatch.duration_ns" },
	{ ECS("event.category"), .type = "array of string", .records = ROWS | E,
	  .get = value_ecs_category, .help = "network" },
	{ ECS("event.dataset"), STRING, .records = ROWS | E, .get = value_ecs_dataset,
	  .help = "sockwatch.connection and so on" },
	{ ECS("event.sequence"), INTEGER, .records = ALL, .get = value_seq,
	  .help = "sockwatch.seq" },
	{ ECS("event.duration"), NANOSECONDS, .records = C | P | S | H | T, .get = value_age,
	  .help = "sockwatch.age_ns" },
	{ ECS("host.name"), STRING, .records = ROWS | E, .get = value_host,
	  .help = "Name of this host" },
	{ ECS("user.id"), STRING, .records = C | E | P, .get = value_uid_text,
	  .help = "user.id as text" },
	{ ECS("network.direction"), STRING, .records = C | E, .get = value_ecs_direction,
	  .help = "egress of clients, ingress of servers, unknown" },
	{ ECS("network.bytes"), BYTES, .records = ROWS, .get = value_both,
	  .help = "Payload bytes of the interval, both ways" },
	{ ECS("source.ip"), STRING, .records = C | E, .get = value_source_ip,
	  .help = "Address of the client; of this side where that is not known" },
	{ ECS("source.port"), INTEGER, .records = C | E, .get = value_source_port,
	  .help = "Its port" },
	{ ECS("source.bytes"), BYTES, .records = ROWS, .get = value_source_bytes,
	  .help = "Payload bytes from there in the interval" },
	{ ECS("destination.ip"), STRING, .records = C | E | H, .get = value_destination_ip,
	  .help = "Address of the server; of the other side where that is not known" },
	{ ECS("destination.port"), INTEGER, .records = C | E, .get = value_destination_port,
	  .help = "Its port" },
	{ ECS("destination.bytes"), BYTES, .records = ROWS, .get = value_destination_bytes,
	  .help = "Payload bytes from there in the interval" },
};
/* clang-format on */

const size_t field_count = sizeof(fields) / sizeof(fields[0]);

static const char *const names[RECORD_COUNT] = {
	[RECORD_CONNECTION] = "connection",
	[RECORD_PROCESS] = "process",
	[RECORD_PORT] = "port",
	[RECORD_PEER] = "peer",
	[RECORD_TOTAL] = "total",
	[RECORD_EVENT] = "event",
	[RECORD_OTHER] = "other",
	[RECORD_META] = "meta",
	[RECORD_NOTE] = "note",
	[RECORD_INTERVAL] = "interval",
	[RECORD_COST] = "cost",
	[RECORD_DROPPED] = "dropped",
	[RECORD_END] = "end",
};

const char *record_name(enum record_kind kind)
{
	return names[kind];
}

const char *field_name(const struct field *f, enum schema schema)
{
	return schema == SCHEMA_ECS ? f->ecs : f->name;
}

bool field_in(const struct field *f, enum record_kind kind, enum schema schema)
{
	return f->records & 1U << kind && field_name(f, schema);
}

struct value *field_value(const struct field *f, const struct record *r, struct value *v)
{
	v->kind = VALUE_NONE;
	if (f->get)
		f->get(v, r);
	return v;
}

static void put_records(struct buf *b, uint32_t records)
{
	const char *comma = "";

	if (records == ALL) {
		buf_puts(b, "all");
		return;
	}
	for (int i = 0; i < RECORD_COUNT; i++)
		if (records & 1U << i) {
			buf_printf(b, "%s%s", comma, names[i]);
			comma = ", ";
		}
}

void field_list(struct buf *b)
{
	buf_puts(b, "| name | with `--schema ecs` | type | unit | records | meaning |\n"
		    "| --- | --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < field_count; i++) {
		const struct field *f = &fields[i];

		buf_printf(b, "| %s | %s | %s | %s | ", f->name ? f->name : "-",
			   f->ecs ? f->ecs : "-", f->type, f->unit ? f->unit : "-");
		put_records(b, f->records);
		buf_printf(b, " | %s |\n", f->help);
	}
}
