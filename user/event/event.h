/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What happened: the one type that crosses layers. Sources make events, the model adds them up. */
#ifndef EVENT_EVENT_H
#define EVENT_EVENT_H

#include "event/addr.h"

enum { EVENT_NAME = 16, EVENT_TEXT = 160 };

enum event_kind {
	EVENT_SEEN,      /* a socket (or a use of it by a process) exists: flow, proc; any change of
			    state */
	EVENT_XFER,      /* bytes moved by proc on flow since the last such event: xfer */
	EVENT_CLOSE,     /* the socket (and with it every use of it) ended: flow, proc */
	EVENT_FAIL,      /* a connect failed: flow, proc, fail; a CLOSE may or may not follow */
	EVENT_BIND_FAIL, /* a bind of proc failed; flow, with what was asked for as local */
	EVENT_EXIT,      /* a process ended: proc.pid, proc.start_ns; its sockets may outlive it */
	EVENT_IDENT,     /* who a process is: proc (its name may have changed by exec) */
	EVENT_USER,      /* name of a user: user */
	EVENT_SERVICE,   /* name of a port: service */
	EVENT_CGROUP,    /* path of a control group: cgroup */
	EVENT_HOST,      /* facts of the host, once at the start: host */
	EVENT_NOTE,      /* something that is not seen, in one sentence for the user: note */
	EVENT_LOST,      /* how many records or bytes were lost, by reason, in total: lost */
	EVENT_DETAIL,    /* what was asked for of one socket or process: detail */
	EVENT_PACE,      /* intervals have another length from now on: pace */
	EVENT_TICK,      /* end of an interval: tick */
};

enum transport { /* what network.transport says */
		 TRANSPORT_TCP,
		 TRANSPORT_UDP,
		 TRANSPORT_ICMP,
		 TRANSPORT_RAW,
		 TRANSPORT_PACKET,
		 TRANSPORT_SCTP,
		 TRANSPORT_MPTCP,
		 TRANSPORT_UDPLITE,
		 TRANSPORT_OTHER,
		 TRANSPORT_COUNT
};

enum role { /* from connect, accept, listen; for UDP from who sent first; never from a port number
	     */
	    ROLE_UNKNOWN,
	    ROLE_CLIENT,
	    ROLE_SERVER,
	    ROLE_LISTENER,
	    ROLE_COUNT
};

enum sock_state { /* TCP states as in the kernel's include/net/tcp_states.h; others use OPEN */
		  STATE_NONE = 0,
		  STATE_ESTABLISHED = 1,
		  STATE_SYN_SENT,
		  STATE_SYN_RECV,
		  STATE_FIN_WAIT1,
		  STATE_FIN_WAIT2,
		  STATE_TIME_WAIT,
		  STATE_CLOSE,
		  STATE_CLOSE_WAIT,
		  STATE_LAST_ACK,
		  STATE_LISTEN,
		  STATE_CLOSING,
		  STATE_NEW_SYN_RECV,
		  STATE_OPEN,  /* a socket without connections: UDP, raw, packet */
		  STATE_BOUND, /* bound to a port, not yet anything else */
		  STATE_COUNT
};

enum unattributed { /* why no process can be named; NONE when one can */
		    UNATTRIBUTED_NONE,
		    UNATTRIBUTED_KERNEL, /* a kernel socket or a kernel thread (NFS, WireGuard ...)
					  */
		    UNATTRIBUTED_NOT_ACCEPTED, /* established, waiting in the backlog of its
						  listener */
		    UNATTRIBUTED_EXITED,       /* its holder is gone */
		    UNATTRIBUTED_BEFORE_START, /* opened before the start, no holder found */
		    UNATTRIBUTED_OVERFLOW, /* more processes or peers on one socket than can be told
					      apart */
		    UNATTRIBUTED_COUNT
};

enum seen_news { /* what an EVENT_SEEN is about, if a process or its peer has just done something */
		 NEWS_NONE,
		 NEWS_CONNECT,
		 NEWS_ESTABLISHED,
		 NEWS_ACCEPT,
		 NEWS_LISTEN,
		 NEWS_BIND,
		 NEWS_RESET, /* the connection broke: flow.end */
};

enum end { /* of a TCP connection: who or what */
	   ENDED_NONE,
	   ENDED_LOCAL,       /* this side closed it first */
	   ENDED_PEER,        /* the peer did */
	   ENDED_RESET_LOCAL, /* this side reset it */
	   ENDED_RESET_PEER,
	   ENDED_TIMEOUT,
	   ENDED_ABORTED, /* by an administrator */
	   ENDED_ERROR,
	   ENDED_COUNT
};

enum lost_reason {
	LOST_RING_FULL, /* records that found the ring buffer full; totals heal by a later record */
	LOST_CLOSE,     /* of these, last records that nothing could heal: bytes may be missing */
	LOST_STORAGE,   /* sockets for which the kernel gave no storage: not counted at all */
	LOST_ACCOUNTS, /* uses of a socket that found the table of accounts full: booked to overflow
			*/
	LOST_RECURSION,  /* runs of our programs that the kernel skipped */
	LOST_CALLS,      /* calls that no return was seen of; TCP's are counted all the same */
	LOST_TABLE,      /* records of sockets beyond user space's own bound */
	LOST_BAD_RECORD, /* records of a length or kind that we do not know */
	LOST_COUNT
};

struct proc {
	uint64_t start_ns; /* boottime of the group leader's start; with pid the key of a process */
	uint32_t pid;      /* tgid in the initial pid namespace; 0 = unattributed */
	uint32_t uid;      /* real user id; of the socket when unattributed */
	uint8_t unattributed;  /* enum unattributed */
	char name[EVENT_NAME]; /* comm of the group leader, raw bytes, NUL-terminated: hostile */
};

struct flow {
	uint64_t cookie;    /* the key of a socket, never 0 */
	uint64_t so_cookie; /* as getsockopt(SO_COOKIE) says: not always a key */
	uint64_t cgroup_id; /* of the socket; 0 = not known */
	uint32_t netns;     /* inode of the network namespace */
	uint16_t protocol;  /* IP protocol number; ethertype for packet sockets */
	uint8_t transport;  /* enum transport */
	uint8_t family; /* 4, 6, or 0 for packet sockets; 4 for v4-mapped traffic of an IPv6 socket
			 */
	uint8_t role;   /* enum role */
	uint8_t state;  /* enum sock_state */
	bool per_peer;  /* unconnected UDP: the peer is part of the key of the row */
	bool shared;    /* not the first process (or peer) seen on this socket */
	bool reuse_addr, reuse_port; /* as set when it was bound */
	uint8_t end;                 /* enum end */
	bool v6_socket;              /* AF_INET6 socket, also when the traffic is IPv4 */
	struct addr local;
	struct addr peer;             /* all zero and port 0 = none or not known (`*`) */
	uint32_t rtt_us, retransmits; /* of TCP, at its end */
};

struct program_cost { /* of our programs in other processes' calls, while the kernel counts it */
	uint64_t runs, ns;
	uint64_t counted_ns; /* for so long it was counted; 0 = not known */
};

struct detail;

struct event {
	enum event_kind kind;
	uint64_t time_ns; /* boottime; of the kernel's record, or of the tick */
	struct proc proc; /* SEEN XFER CLOSE FAIL IDENT */
	struct flow flow; /* SEEN XFER CLOSE FAIL */
	union {
		struct {
			bool was_open; /* open before the start: no news for a log */
			uint8_t news;  /* enum seen_news */
		} seen;
		struct { /* since the last XFER of this proc on this flow */
			uint64_t tx_bytes, rx_bytes;
		} xfer;
		struct {
			int error; /* positive errno; 0 = not known */
		} fail;
		struct {
			uint32_t uid;
			char name[EVENT_TEXT];
		} user;
		struct {
			uint16_t port;
			uint8_t transport;
			char name[EVENT_TEXT];
		} service;
		struct {
			uint64_t id;
			const char *path; /* borrowed like the event; `/` is the root */
		} cgroup;
		struct {
			uint16_t ephemeral_min, ephemeral_max;
			char name[EVENT_TEXT];
		} host;
		struct {
			char text[EVENT_TEXT];
		} note;
		struct {
			uint64_t total[LOST_COUNT];
		} lost;
		const struct detail *detail; /* borrowed like the event */
		struct {
			uint64_t interval_ns;
			uint64_t budget; /* billionths of a core that we may use: the reason */
			bool stretched;  /* longer than asked for */
			bool over;       /* the longest there is, and still too short */
		} pace;
		struct {
			uint64_t interval_ns;         /* since the tick before, or the start */
			uint64_t wall_ns;             /* CLOCK_REALTIME of this tick */
			uint64_t cpu_ns;              /* own CPU time since the start */
			uint64_t rss_bytes;           /* own resident memory */
			uint64_t records_seen;        /* the kernel side tried to send, in total */
			uint64_t records_delivered;   /* arrived, in total: seen less ring_full */
			struct program_cost programs; /* in total */
			int programs_error; /* why that is not counted though asked for: errno */
			bool last;          /* the end of the run */
		} tick;
	};
};

/** Called with each event in order; @ev is borrowed until return. */
typedef void event_fn(const struct event *ev, void *arg);

/** Lower-case name as in logs: `tcp`, `udp`, ... Never NULL. */
const char *transport_name(uint8_t transport);
/** `client`, `server`, `listener`, `unknown`. */
const char *role_name(uint8_t role);
/** `established`, `syn_sent`, `closed`, ... as in OpenTelemetry; `open`, `bound`, `none`. */
const char *state_name(uint8_t state);
/** `local`, `peer`, `reset_by_local`, `reset_by_peer`, `timeout`, `aborted`, `error`; `` for NONE.
 */
const char *end_name(uint8_t end);
/** `kernel`, `not_accepted`, `exited`, `before_start`, `overflow`; `` for NONE. */
const char *unattributed_name(uint8_t reason);
/** `ring_full`, `close`, `storage`, `accounts`, `recursion`, `calls`, `table`, `bad_record`. */
const char *lost_name(uint8_t reason);

#endif
