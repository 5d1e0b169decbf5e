/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The values of fields. What field.get points to: see there. */
#ifndef SINK_VALUE_H
#define SINK_VALUE_H

struct value;
struct record;

typedef void value_fn(struct value *v, const struct record *r);

value_fn value_timestamp, value_record, value_seq, value_boottime, value_dropped, value_folded;
value_fn value_note, value_losses, value_host;
value_fn value_pid, value_process_name, value_process_start, value_uid, value_uid_text, value_user;
value_fn value_unattributed;
value_fn value_transport, value_type, value_role, value_state, value_netns, value_cookie;
value_fn value_local_address, value_local_port, value_peer_address, value_peer_port;
value_fn value_client_address, value_client_port, value_server_address, value_server_port;
value_fn value_cgroup_id, value_cgroup_path, value_error, value_age;
value_fn value_port, value_service, value_port_class, value_processes;
value_fn value_open, value_listening, value_opened, value_failed;
value_fn value_tx, value_rx, value_tx_total, value_rx_total, value_both;
value_fn value_event, value_latency, value_duration, value_end, value_rtt, value_retransmits;
value_fn value_holder_pid, value_holder_name, value_holder_address, value_holder_state;
value_fn value_holder_netns, value_holder_options;
value_fn value_ecs_version, value_ecs_kind, value_ecs_category, value_ecs_dataset;
value_fn value_ecs_direction, value_source_ip, value_source_port, value_source_bytes;
value_fn value_destination_ip, value_destination_port, value_destination_bytes;

#endif
