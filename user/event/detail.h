/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What is told of one socket, or of one process, while somebody looks at it. */
#ifndef EVENT_DETAIL_H
#define EVENT_DETAIL_H

#include "event/event.h"

enum {
	DETAIL_HOLDERS = 64,   /* that are told one by one */
	DETAIL_COMMAND = 1024, /* bytes of a command line */
	DETAIL_EXE = 256,      /* of the path of an executable */
	DETAIL_CA = 16,        /* of the name of a congestion control */
	DETAIL_SHARES = 3,     /* sending, limited by the receiver, by the send buffer */
};

/** Whose details are wanted; all zero = nobody's. */
struct detail_wish {
	uint64_t cookie;   /* key of a socket; 0 = none */
	uint64_t start_ns; /* of the process, with pid */
	uint32_t pid;      /* 0 = none */
	uint32_t pad;
};

enum detail_wait { /* what a TCP connection waits for */
		   WAIT_UNKNOWN,
		   WAIT_NOTHING,  /* this side has nothing to send, and nothing is unread */
		   WAIT_READER,   /* bytes have arrived that our process has not read */
		   WAIT_PEER,     /* SYN_SENT: an answer */
		   WAIT_NETWORK,  /* acknowledgements of what is on its way */
		   WAIT_LOSS,     /* the same, after a loss: it is sent again */
		   WAIT_RECEIVER, /* room in the peer's receive window */
		   WAIT_SNDBUF,   /* the send buffer is too small for the path */
		   WAIT_COUNT
};

struct detail_holder { /* an open file of a process */
	struct proc proc;
	uint32_t fd;
};

struct detail_tcp {
	uint64_t pacing_rate;   /* bytes a second; UINT64_MAX = not limited */
	uint64_t delivery_rate; /* bytes a second as last measured; 0 = not known */
	uint64_t bytes_retrans;
	uint32_t srtt_us, rttvar_us, min_rtt_us; /* min: UINT32_MAX = not known */
	uint32_t cwnd, ssthresh, mss;            /* packets, packets, bytes */
	uint32_t unacked, sacked, lost, retrans_out, total_retrans; /* packets */
	uint32_t snd_wnd, rcv_wnd;                                  /* bytes */
	uint32_t retransmits; /* of the packet that is sent again now */
	uint8_t wait;         /* enum detail_wait */
	bool app_limited;     /* delivery_rate is what the process gave, not what the path can */
	bool has_shares;
	uint16_t share[DETAIL_SHARES]; /* thousandths of the time since the last look */
	char ca[DETAIL_CA];            /* congestion control */
};

struct detail {
	struct detail_wish wish;
	uint64_t time_ns;    /* boottime */
	bool found;          /* the socket was; all but holders and command hold */
	bool has_tcp;        /* so does tcp */
	bool is_listener;    /* the queues are backlogs: connections */
	uint8_t state;       /* enum sock_state */
	uint32_t recv_queue; /* bytes; not accepted yet */
	uint32_t send_queue; /* bytes; the most of those */
	uint32_t unsent;     /* of TCP's send_queue, not sent once */
	uint32_t drops;      /* packets, or connections refused by a listener */
	uint32_t sndbuf, rcvbuf;
	struct detail_tcp tcp;
	uint32_t holder_count; /* all there are, also beyond holders[] */
	struct detail_holder holders[DETAIL_HOLDERS];
	/* of wish.pid; hostile; empty = not known */
	char command[DETAIL_COMMAND]; /* arguments with blanks between them */
	char exe[DETAIL_EXE];
};

#endif
