/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE /* strerrorname_np() */
#include "sink/value.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "sink/field.h"
#include "sink/trace.h"

static void put_number(struct value *v, uint64_t number)
{
	v->kind = VALUE_NUMBER;
	v->number = number;
}

static void put_word(struct value *v, const char *word)
{
	v->kind = VALUE_WORD;
	v->text = word;
}

static void put_text(struct value *v, const char *text, size_t size)
{
	if (!text)
		return;
	v->kind = VALUE_TEXT;
	v->text = text;
	v->size = size;
}

/* Numbers that nothing has are not told. */
static void put_known(struct value *v, uint64_t number)
{
	if (number)
		put_number(v, number);
}

/* ---- of any record ---- */

void value_timestamp(struct value *v, const struct record *r)
{
	put_word(v, r->timestamp);
}

void value_record(struct value *v, const struct record *r)
{
	put_word(v, record_name(r->kind));
}

void value_seq(struct value *v, const struct record *r)
{
	put_known(v, r->seq);
}

void value_boottime(struct value *v, const struct record *r)
{
	put_number(v, r->time_ns);
}

void value_dropped(struct value *v, const struct record *r)
{
	put_number(v, r->dropped);
}

void value_folded(struct value *v, const struct record *r)
{
	put_known(v, r->folded);
}

void value_note(struct value *v, const struct record *r)
{
	put_text(v, r->note, EVENT_TEXT);
}

void value_losses(struct value *v, const struct record *r)
{
	const uint64_t *lost = model_totals(r->model)->lost;
	uint64_t sum = 0;

	for (int i = 0; i < LOST_COUNT; i++)
		sum += i == LOST_CLOSE ? 0 : lost[i]; /* counted as ring_full already */
	put_number(v, sum);
}

void value_host(struct value *v, const struct record *r)
{
	const char *host = model_totals(r->model)->host;

	if (*host)
		put_text(v, host, EVENT_TEXT);
}

/* ---- who ---- */

void value_pid(struct value *v, const struct record *r)
{
	put_known(v, r->row->proc.pid);
}

void value_process_name(struct value *v, const struct record *r)
{
	if (r->row->proc.pid)
		put_text(v, r->row->proc.name, EVENT_NAME);
}

void value_process_start(struct value *v, const struct record *r)
{
	if (r->row->proc.pid)
		put_known(v, r->row->proc.start_ns);
}

void value_uid(struct value *v, const struct record *r)
{
	put_number(v, r->row->proc.uid);
}

void value_uid_text(struct value *v, const struct record *r)
{
	snprintf(v->space, sizeof(v->space), "%u", r->row->proc.uid);
	put_word(v, v->space);
}

void value_user(struct value *v, const struct record *r)
{
	put_text(v, model_user(r->model, r->row->proc.uid), EVENT_TEXT);
}

void value_unattributed(struct value *v, const struct record *r)
{
	if (!r->row->proc.pid && r->row->proc.unattributed)
		put_word(v, unattributed_name(r->row->proc.unattributed));
}

/* ---- where ---- */

void value_transport(struct value *v, const struct record *r)
{
	bool port = r->kind == RECORD_PORT;

	put_word(v, transport_name(port ? r->row->transport : r->row->flow.transport));
}

void value_type(struct value *v, const struct record *r)
{
	uint8_t family = r->row->flow.family;

	if (r->kind == RECORD_PEER && !r->row->is_rest)
		family = addr_is_v4(&r->row->flow.peer) ? 4 : 6;
	if (family == 4 || family == 6)
		put_word(v, family == 4 ? "ipv4" : "ipv6");
}

void value_role(struct value *v, const struct record *r)
{
	put_word(v, role_name(r->kind == RECORD_PORT ? r->row->role : r->row->flow.role));
}

void value_state(struct value *v, const struct record *r)
{
	put_word(v, state_name(r->row->flow.state));
}

void value_netns(struct value *v, const struct record *r)
{
	put_number(v, r->row->flow.netns);
}

void value_cookie(struct value *v, const struct record *r)
{
	const struct flow *f = &r->row->flow;

	put_number(v, f->so_cookie ? f->so_cookie : f->cookie);
}

/* "Any" may be stored as all zero: the family says how it is written. */
static void put_ip(struct value *v, const struct addr *a, uint8_t family)
{
	if (addr_is_any(a))
		put_word(v, family == 4 ? "0.0.0.0" : "::");
	else
		put_word(v, addr_format_ip(v->space, sizeof(v->space), a));
}

void value_local_address(struct value *v, const struct record *r)
{
	const struct flow *f = &r->row->flow;

	if (f->family == 4 || f->family == 6)
		put_ip(v, &f->local, f->family);
}

void value_local_port(struct value *v, const struct record *r)
{
	put_known(v, r->row->flow.local.port);
}

void value_peer_address(struct value *v, const struct record *r)
{
	if (!addr_is_any(&r->row->flow.peer))
		put_ip(v, &r->row->flow.peer, r->row->flow.family);
}

void value_peer_port(struct value *v, const struct record *r)
{
	put_known(v, r->row->flow.peer.port);
}

/* The sides are known of connections alone. */
static bool has_sides(const struct record *r)
{
	return r->row->flow.role == ROLE_CLIENT || r->row->flow.role == ROLE_SERVER;
}

static bool is_server(const struct record *r)
{
	return r->row->flow.role == ROLE_SERVER;
}

void value_client_address(struct value *v, const struct record *r)
{
	if (has_sides(r))
		(is_server(r) ? value_peer_address : value_local_address)(v, r);
}

void value_client_port(struct value *v, const struct record *r)
{
	if (has_sides(r))
		(is_server(r) ? value_peer_port : value_local_port)(v, r);
}

void value_server_address(struct value *v, const struct record *r)
{
	if (has_sides(r))
		(is_server(r) ? value_local_address : value_peer_address)(v, r);
}

void value_server_port(struct value *v, const struct record *r)
{
	if (has_sides(r))
		(is_server(r) ? value_local_port : value_peer_port)(v, r);
}

void value_cgroup_id(struct value *v, const struct record *r)
{
	put_known(v, r->row->flow.cgroup_id);
}

void value_cgroup_path(struct value *v, const struct record *r)
{
	uint64_t id = r->row->flow.cgroup_id;

	if (id)
		put_text(v, model_cgroup(r->model, id), PATH_MAX);
}

void value_error(struct value *v, const struct record *r)
{
	const char *name = strerrorname_np(r->row->error);

	if (!r->row->error)
		return;
	if (!name)
		snprintf(v->space, sizeof(v->space), "%d", r->row->error);
	put_word(v, name ? name : v->space);
}

void value_age(struct value *v, const struct record *r)
{
	uint64_t first_ns = r->row->count.first_ns;

	if (first_ns && r->time_ns >= first_ns)
		put_number(v, r->time_ns - first_ns);
}

/* ---- services ---- */

void value_port(struct value *v, const struct record *r)
{
	put_known(v, r->row->port);
}

void value_service(struct value *v, const struct record *r)
{
	if (r->row->port)
		put_text(v, model_service(r->model, r->row->transport, r->row->port), EVENT_TEXT);
}

void value_port_class(struct value *v, const struct record *r)
{
	static const char *const classes[] = {
		[PORT_CLASS_WELL_KNOWN] = "well-known",
		[PORT_CLASS_REGISTERED] = "registered",
		[PORT_CLASS_EPHEMERAL] = "ephemeral",
	};
	enum port_class class = model_port_class(r->model, r->row->port);

	if (class != PORT_CLASS_NONE)
		put_word(v, classes[class]);
}

void value_processes(struct value *v, const struct record *r)
{
	put_number(v, r->row->user_count);
}

/* ---- how much ---- */

/* Of `other` these are told where the rows beside it tell them. */
static void put_count(struct value *v, const struct record *r, uint64_t count)
{
	if (r->row->table != TABLE_CONNECTIONS)
		put_number(v, count);
}

void value_open(struct value *v, const struct record *r)
{
	put_count(v, r, r->row->count.open);
}

void value_listening(struct value *v, const struct record *r)
{
	put_count(v, r, r->row->count.listening);
}

void value_opened(struct value *v, const struct record *r)
{
	put_count(v, r, r->row->count.opened);
}

void value_failed(struct value *v, const struct record *r)
{
	put_count(v, r, r->row->count.failed);
}

void value_tx(struct value *v, const struct record *r)
{
	put_number(v, r->row->count.tx_tick);
}

void value_rx(struct value *v, const struct record *r)
{
	put_number(v, r->row->count.rx_tick);
}

/* Of what happens, an end tells bytes. */
static bool has_totals(const struct record *r)
{
	return r->kind != RECORD_EVENT || r->facts->has_bytes;
}

void value_tx_total(struct value *v, const struct record *r)
{
	if (has_totals(r))
		put_number(v, r->row->count.tx_total);
}

void value_rx_total(struct value *v, const struct record *r)
{
	if (has_totals(r))
		put_number(v, r->row->count.rx_total);
}

void value_both(struct value *v, const struct record *r)
{
	put_number(v, r->row->count.tx_tick + r->row->count.rx_tick);
}

/* ---- what happens ---- */

void value_event(struct value *v, const struct record *r)
{
	put_word(v, trace_name(r->facts->kind));
}

void value_latency(struct value *v, const struct record *r)
{
	put_known(v, r->facts->latency_ns);
}

void value_duration(struct value *v, const struct record *r)
{
	if (r->facts->has_duration)
		put_number(v, r->facts->duration_ns);
}

static bool is_end(const struct record *r)
{
	return (r->facts->kind == TRACE_CLOSE || r->facts->kind == TRACE_RESET) && r->row->flow.end;
}

void value_end(struct value *v, const struct record *r)
{
	if (is_end(r))
		put_word(v, end_name(r->row->flow.end));
}

void value_rtt(struct value *v, const struct record *r)
{
	if (is_end(r))
		put_known(v, r->row->flow.rtt_us);
}

void value_retransmits(struct value *v, const struct record *r)
{
	if (is_end(r))
		put_number(v, r->row->flow.retransmits);
}

static const struct row *holder(const struct record *r)
{
	return r->facts->holder.flow.cookie ? &r->facts->holder : NULL;
}

void value_holder_pid(struct value *v, const struct record *r)
{
	if (holder(r))
		put_known(v, holder(r)->proc.pid);
}

void value_holder_name(struct value *v, const struct record *r)
{
	if (holder(r) && holder(r)->proc.pid)
		put_text(v, holder(r)->proc.name, EVENT_NAME);
}

void value_holder_address(struct value *v, const struct record *r)
{
	if (holder(r))
		put_ip(v, &holder(r)->flow.local, holder(r)->flow.family);
}

void value_holder_state(struct value *v, const struct record *r)
{
	if (holder(r))
		put_word(v, state_name(holder(r)->flow.state));
}

void value_holder_netns(struct value *v, const struct record *r)
{
	if (holder(r))
		put_number(v, holder(r)->flow.netns);
}

void value_holder_options(struct value *v, const struct record *r)
{
	static const char *const options[] = {"none", "SO_REUSEADDR", "SO_REUSEPORT",
					      "SO_REUSEADDR SO_REUSEPORT"};

	if (holder(r))
		put_word(v, options[holder(r)->flow.reuse_addr + 2 * holder(r)->flow.reuse_port]);
}

/* ---- Elastic's schema: a flow from its client to its server ---- */

void value_ecs_version(struct value *v, const struct record *r)
{
	(void)r;
	put_word(v, "8.11.0");
}

void value_ecs_kind(struct value *v, const struct record *r)
{
	put_word(v, r->kind == RECORD_EVENT ? "event" : "metric");
}

void value_ecs_category(struct value *v, const struct record *r)
{
	(void)r;
	put_word(v, "network");
	v->kind = VALUE_LIST;
}

void value_ecs_dataset(struct value *v, const struct record *r)
{
	snprintf(v->space, sizeof(v->space), "sockwatch.%s", record_name(r->kind));
	put_word(v, v->space);
}

void value_ecs_direction(struct value *v, const struct record *r)
{
	put_word(v, !has_sides(r) ? "unknown" : is_server(r) ? "ingress" : "egress");
}

/* The client is the source, and this side where no side is known. */
static bool is_destination(const struct record *r)
{
	return (r->kind == RECORD_CONNECTION || r->kind == RECORD_EVENT) && is_server(r);
}

void value_source_ip(struct value *v, const struct record *r)
{
	(is_destination(r) ? value_peer_address : value_local_address)(v, r);
}

void value_source_port(struct value *v, const struct record *r)
{
	(is_destination(r) ? value_peer_port : value_local_port)(v, r);
}

void value_source_bytes(struct value *v, const struct record *r)
{
	(is_destination(r) ? value_rx : value_tx)(v, r);
}

void value_destination_ip(struct value *v, const struct record *r)
{
	(is_destination(r) ? value_local_address : value_peer_address)(v, r);
}

void value_destination_port(struct value *v, const struct record *r)
{
	(is_destination(r) ? value_local_port : value_peer_port)(v, r);
}

void value_destination_bytes(struct value *v, const struct record *r)
{
	(is_destination(r) ? value_tx : value_rx)(v, r);
}
