/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * What the events add up to: a table of connections, tables of what they are grouped by, and one of
 * failures. Fed by events alone; never reads a clock, opens a file or fails after model_new.
 * At every tick: sum over connections = sum over each table of groups = total, rows `other`
 * included; with a filter too. The same events in give the same tables out.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

enum table_kind {
	TABLE_PROCESSES,
	TABLE_PORTS,
	TABLE_LISTENERS, /* what accepts, with what it has accepted */
	TABLE_PEERS,     /* remote hosts */
	TABLE_USERS,
	TABLE_CGROUPS,     /* units, containers, pods */
	TABLE_NETNS,       /* network namespaces */
	TABLE_CONNECTIONS, /* those before it are groups of these */
	TABLE_FAILURES,    /* connects that failed, by who, where to and why */
	TABLE_COUNT,
	GROUP_KINDS = TABLE_CONNECTIONS
};

enum {
	ROW_USERS = 4 /* processes named in a row of a group; more are counted */
};

enum port_class {
	PORT_CLASS_NONE,
	PORT_CLASS_WELL_KNOWN,
	PORT_CLASS_REGISTERED,
	PORT_CLASS_EPHEMERAL
};

struct counters {
	uint64_t tx_total, rx_total; /* bytes since the start */
	uint64_t tx_tick, rx_tick;  /* bytes in the last whole interval (valid from tick to tick) */
	uint64_t tx_rate, rx_rate;  /* bytes per second over that interval */
	uint64_t tx_now, rx_now;    /* bytes since the last tick; becomes tx_tick at the tick */
	uint32_t open;              /* connections (not listeners) open now */
	uint32_t listening;         /* listeners open now */
	uint64_t opened;            /* connections seen since the start, open ones included */
	uint64_t failed;            /* connects that failed */
	uint64_t first_ns, last_ns; /* boottime; first seen, last changed (bytes or state) */
};

/** A row of any table. Which fields hold is said by the table; all others are zero. Rows of groups
 *  have in proc and flow what all their connections have in common, and no more. */
struct row {
	enum table_kind table;
	struct counters count;
	struct proc proc; /* connections, processes; users: uid; failures: the last one */
	struct flow flow; /* connections; failures: the last one */
	bool is_other;    /* the one row of each table that takes what was ended or evicted */
	bool is_rest;     /* groups: of the connections that have no peer, no process, ... */
	bool ended;   /* connections: closed; stays until the tick after the one that showed it, or
			 longer: see model_keep_ended */
	bool exited;  /* processes: it has ended; goes to `other` when all is shown */
	bool changed; /* bytes or state in the last whole interval */
	int error;    /* connections, failures: errno of a failed connect */
	/* ports, listeners */
	uint16_t port;     /* service port; 0 = none (raw, packet, or not known) */
	uint8_t transport; /* also set in connections, failures */
	uint8_t role;      /* ROLE_SERVER (with its listeners), ROLE_CLIENT or ROLE_UNKNOWN */
	/* Groups but processes: those that have rows of connections or listeners here, ended ones
	 * until they were shown; when there are none any more, the last one that had. */
	uint32_t user_count;
	const struct proc *users; /* min(user_count, ROW_USERS) of them; borrowed like the row */
};

struct model_limits {
	/* rows; 0 = default: 131072 connections, 1024 failures, 16384 of the others */
	uint32_t rows[TABLE_COUNT];
};

struct model_totals {
	struct counters count;         /* all sockets; with a filter, those that match */
	uint64_t lost[LOST_COUNT];     /* as in the last EVENT_LOST */
	uint64_t evicted[TABLE_COUNT]; /* rows folded into `other` before their end was shown */
	uint64_t interval_ns, time_ns, wall_ns; /* of the last tick */
	uint64_t start_ns;                      /* boottime of the first event */
	uint64_t live_ns; /* of EVENT_HOST: what was first seen by then was open before */
	uint64_t cpu_ns, cpu_tick_ns; /* own CPU time in total and in the last interval */
	uint64_t rss_bytes, records_seen, records_delivered;
	struct program_cost programs, programs_tick; /* in total, and in the last interval */
	int programs_error;                          /* errno: asked for and not counted */
	uint64_t ticks;
	uint64_t stretched_ns; /* length of intervals now, where the budget makes them longer; or 0
				*/
	uint64_t budget;       /* billionths of a core */
	bool over_budget;      /* longer than that would not help */
	uint16_t ephemeral_min, ephemeral_max;
	uint32_t note_count; /* sentences of EVENT_NOTE kept */
	char notes[16][EVENT_TEXT];
	char host[EVENT_TEXT];
};

struct detail;
struct model;

/** Allocates all tables at their start size; they grow up to @limits (NULL = defaults).
 *  NULL when out of memory. Owned by the caller. */
struct model *model_new(const struct model_limits *limits);
/** NULL is a no-op. */
void model_free(struct model *m);

void model_apply(struct model *m, const struct event *ev);

/** Connections that have ended stay until they were shown for an interval, and besides for @ns
 * since their end: 0, as at the start, for those who read changes; UINT64_MAX = until there is no
 * room. */
void model_keep_ended(struct model *m, uint64_t ns);

struct filter;

/** From now on show and count only connections that match @f, borrowed until the next call and for
 *  as long as the model lives; NULL = all. Rows of processes and ports, `other` and totals become
 *  sums over those that match now, or did when they were last shown; of what ended before this
 *  call nothing is known. Loss and own cost stay whole. Linear in the rows there are. */
void model_set_filter(struct model *m, const struct filter *f);
enum {
	MODEL_SCOPES = 8 /* rows that can be gone into at once */
};

/** The same, and besides only what belongs to each of the @count rows at @rows, of groups or of
 *  failures, which need not be there any more. What matches a row of failures is what the same
 *  program has with the same peer. 0, or -EINVAL: `other` and connections have no members, or there
 *  are more than MODEL_SCOPES; then nothing has changed. */
int model_choose(struct model *m, const struct filter *f, const struct row *rows, size_t count);
/** NULL = none. */
const struct filter *model_filter(const struct model *m);
/** All sockets, whatever the filter. */
const struct counters *model_everything(const struct model *m);

/** Rows of a table, `other` last if it holds anything; borrowed until the next model_apply.
 *  Calls @fn for each; no order. */
void model_each(const struct model *m, enum table_kind table,
		void (*fn)(const struct row *row, void *arg), void *arg);
/** Connections of @row, one of processes as lent; with a filter those that match. None of `other`.
 *  Same lending as model_each. */
void model_each_member(const struct model *m, const struct row *row,
		       void (*fn)(const struct row *row, void *arg), void *arg);
/** Connections that moved bytes or changed state in the last whole interval, ended ones included:
 *  linear in what changed. Same lending as model_each. `other` is not among them. */
void model_each_changed(const struct model *m, void (*fn)(const struct row *row, void *arg),
			void *arg);
/** A place in the changes of a table, for one reader; all zero is none. */
struct model_mark {
	uint64_t model, version, tick;
};

/** Move @mark to now, and call @fn with each row that may stand elsewhere in some order than at
 *  @mark, that is new or (!@is_there, its fields mean nothing) that is gone; some rows twice.
 * Linear in what changed. False if that is not known: then all rows have to be looked at. */
bool model_changes(const struct model *m, enum table_kind table, struct model_mark *mark,
		   void (*fn)(const struct row *row, bool is_there, void *arg), void *arg);
/** The row `other`, or NULL if it holds nothing; borrowed until the next model_apply. */
const struct row *model_other(const struct model *m, enum table_kind table);
/** Number of rows, `other` included if it holds anything. At once. */
size_t model_rows(const struct model *m, enum table_kind table);
/** What was told last of the one socket or process that somebody looks at; NULL = nothing. Borrowed
 *  until the next model_apply. */
const struct detail *model_detail(const struct model *m);
const struct model_totals *model_totals(const struct model *m);
/** Name of a user or NULL; borrowed until the next model_apply. */
const char *model_user(const struct model *m, uint32_t uid);
/** Path of a control group or NULL; borrowed likewise. */
const char *model_cgroup(const struct model *m, uint64_t id);
/** Name of a service or NULL; borrowed likewise. */
const char *model_service(const struct model *m, uint8_t transport, uint16_t port);
/** The port that names the service of a flow: local of servers and listeners, peer of clients,
 *  0 when neither is known. Never an ephemeral client port. */
uint16_t model_service_port(const struct flow *flow);
enum port_class model_port_class(const struct model *m, uint16_t port);

#endif
