/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "event/event.h"

static const char *const transport_names[TRANSPORT_COUNT] = {
	[TRANSPORT_TCP] = "tcp",     [TRANSPORT_UDP] = "udp",         [TRANSPORT_ICMP] = "icmp",
	[TRANSPORT_RAW] = "raw",     [TRANSPORT_PACKET] = "packet",   [TRANSPORT_SCTP] = "sctp",
	[TRANSPORT_MPTCP] = "mptcp", [TRANSPORT_UDPLITE] = "udplite", [TRANSPORT_OTHER] = "other",
};

static const char *const role_names[ROLE_COUNT] = {
	[ROLE_UNKNOWN] = "unknown",
	[ROLE_CLIENT] = "client",
	[ROLE_SERVER] = "server",
	[ROLE_LISTENER] = "listener",
};

/* network.connection.state of the OpenTelemetry conventions where it has a name for it */
static const char *const state_names[STATE_COUNT] = {
	[STATE_NONE] = "none",
	[STATE_ESTABLISHED] = "established",
	[STATE_SYN_SENT] = "syn_sent",
	[STATE_SYN_RECV] = "syn_received",
	[STATE_FIN_WAIT1] = "fin_wait_1",
	[STATE_FIN_WAIT2] = "fin_wait_2",
	[STATE_TIME_WAIT] = "time_wait",
	[STATE_CLOSE] = "closed",
	[STATE_CLOSE_WAIT] = "close_wait",
	[STATE_LAST_ACK] = "last_ack",
	[STATE_LISTEN] = "listen",
	[STATE_CLOSING] = "closing",
	[STATE_NEW_SYN_RECV] = "syn_received",
	[STATE_OPEN] = "open",
	[STATE_BOUND] = "bound",
};

static const char *const end_names[ENDED_COUNT] = {
	[ENDED_NONE] = "",
	[ENDED_LOCAL] = "local",
	[ENDED_PEER] = "peer",
	[ENDED_RESET_LOCAL] = "reset_by_local",
	[ENDED_RESET_PEER] = "reset_by_peer",
	[ENDED_TIMEOUT] = "timeout",
	[ENDED_ABORTED] = "aborted",
	[ENDED_ERROR] = "error",
};

static const char *const unattributed_names[UNATTRIBUTED_COUNT] = {
	[UNATTRIBUTED_NONE] = "",
	[UNATTRIBUTED_KERNEL] = "kernel",
	[UNATTRIBUTED_NOT_ACCEPTED] = "not_accepted",
	[UNATTRIBUTED_EXITED] = "exited",
	[UNATTRIBUTED_BEFORE_START] = "before_start",
	[UNATTRIBUTED_OVERFLOW] = "overflow",
};

static const char *const lost_names[LOST_COUNT] = {
	[LOST_RING_FULL] = "ring_full", [LOST_CLOSE] = "close",
	[LOST_STORAGE] = "storage",     [LOST_ACCOUNTS] = "accounts",
	[LOST_RECURSION] = "recursion", [LOST_CALLS] = "calls",
	[LOST_TABLE] = "table",         [LOST_BAD_RECORD] = "bad_record",
};

/** A value of an enum may come from the kernel or a file: never trust it as an index. */
static const char *name_of(const char *const *names, unsigned int count, unsigned int value)
{
	return value < count && names[value] ? names[value] : "unknown";
}

const char *transport_name(uint8_t transport)
{
	return transport < TRANSPORT_COUNT ? transport_names[transport] : "other";
}

const char *role_name(uint8_t role)
{
	return name_of(role_names, ROLE_COUNT, role);
}

const char *state_name(uint8_t state)
{
	return name_of(state_names, STATE_COUNT, state);
}

const char *end_name(uint8_t end)
{
	return name_of(end_names, ENDED_COUNT, end);
}

const char *unattributed_name(uint8_t reason)
{
	return name_of(unattributed_names, UNATTRIBUTED_COUNT, reason);
}

const char *lost_name(uint8_t reason)
{
	return name_of(lost_names, LOST_COUNT, reason);
}
