/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * Whether bind() would succeed, and what is in its way: the kernel's rules over a census. Pure.
 * Rules of TCP: inet_csk_get_port, inet_bind_conflict, inet_rcv_saddr_equal
 * (net/ipv4/inet_connection_sock.c); of UDP: udp_lib_lport_inuse (net/ipv4/udp.c). Not told by
 * sockets, and so not known here: a port remembers the last socket that shared it by SO_REUSEPORT
 * (sk_reuseport_match), and may then let in one more like that than the rules would.
 */
#ifndef WHO_BIND_H
#define WHO_BIND_H

#include "event/census.h"

struct bind_ask { /* the socket that would be bound */
	struct addr addr;
	uint8_t transport; /* TCP or UDP */
	bool v6;           /* an AF_INET6 socket */
	bool v6only, reuseaddr, reuseport;
	uint32_t uid;    /* whose it would be */
	bool privileged; /* CAP_NET_BIND_SERVICE */
	uint32_t netns;
};

struct bind_place { /* what the network namespace says */
	uint32_t netns;
	int error;   /* of binding that address with any port: EADDRNOTAVAIL, EAFNOSUPPORT ...; 0 */
	bool v6only; /* net.ipv6.bindv6only */
	uint16_t unprivileged; /* net.ipv4.ip_unprivileged_port_start */
	uint16_t ephemeral_min, ephemeral_max;
	bool reserved; /* the port is in net.ipv4.ip_local_reserved_ports */
};

enum bind_reason { /* in the order in which one is told if several hold */
		   BIND_FREE,
		   BIND_NO_ADDRESS, /* it is not one of this host, or the family is off */
		   BIND_PRIVILEGED, /* below ip_unprivileged_port_start */
		   BIND_HELD,       /* by a socket with the same address */
		   BIND_WILDCARD,   /* by one that is bound to all addresses of the family */
		   BIND_DUAL,       /* by an IPv6 wildcard that takes IPv4 too */
		   BIND_COVERS,     /* we ask for all, somebody holds one of them */
		   BIND_CONNECTION, /* a connection of a server that is gone, or that we restart */
		   BIND_OUTGOING,   /* an outgoing connection has it as its local port */
		   BIND_TIME_WAIT,  /* nothing else is in the way */
		   BIND_REASONS
};

struct bind_verdict {
	enum bind_reason reason;
	int error;         /* that bind() would give; 0 = it succeeds */
	size_t *conflicts; /* owned; sockets in the way, the gravest reason first */
	size_t count;
	bool reuseaddr_helps, reuseport_helps, v6only_helps; /* if that alone were set as well */
	bool other_user; /* SO_REUSEPORT is set on both, by different users */
};

/** 0 or -ENOMEM. */
int bind_judge(struct bind_verdict *v, const struct bind_ask *ask, const struct bind_place *place,
	       const struct census *c);
void bind_done(struct bind_verdict *v);

/** For scripts: `free`, `held`, `wildcard`, `time_wait` ... */
const char *bind_reason_name(enum bind_reason reason);

#endif
