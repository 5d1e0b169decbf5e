/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "who/bound.h"

#include <stdio.h>
#include <string.h>

char *bound_address(char *dst, size_t size, const struct census_sock *s)
{
	const struct addr *a = &s->local;

	if (!addr_is_any(a))
		return addr_format(dst, size, a);
	snprintf(dst, size, "%s:%u",
		 addr_is_v4(a) ? "0.0.0.0"
		 : s->v6only   ? "[::]"
			       : "*",
		 (unsigned int)a->port);
	return dst;
}

const char *bound_name(const struct census_sock *s)
{
	if (addr_is_loopback(&s->local))
		return "loopback";
	if (!addr_is_any(&s->local))
		return "address";
	if (addr_is_v4(&s->local))
		return "ipv4_wildcard";
	return s->v6only ? "ipv6_wildcard" : "dual_wildcard";
}

char *bound_text(char *dst, size_t size, const struct census_sock *s)
{
	static const struct {
		const char *name, *text;
	} texts[] = {
		{"loopback", "loopback only: not reachable from other hosts"},
		{"address", "this address only"},
		{"ipv4_wildcard", "all IPv4 addresses"},
		{"ipv6_wildcard", "all IPv6 addresses, no IPv4 (IPV6_V6ONLY)"},
		{"dual_wildcard", "all addresses, IPv6 and IPv4"},
	};
	const char *name = bound_name(s);

	dst[0] = '\0';
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (!strcmp(texts[i].name, name))
			snprintf(dst, size, "%s", texts[i].text);
	if (s->ifindex)
		snprintf(dst + strlen(dst), size - strlen(dst), ", interface %u only",
			 (unsigned int)s->ifindex);
	return dst;
}

const char *remains_name(const struct census_sock *s)
{
	static const char *const names[STATE_COUNT] = {
		[STATE_ESTABLISHED] = "established", [STATE_SYN_RECV] = "SYN_RECV",
		[STATE_FIN_WAIT1] = "FIN_WAIT1",     [STATE_FIN_WAIT2] = "FIN_WAIT2",
		[STATE_TIME_WAIT] = "TIME_WAIT",     [STATE_CLOSE_WAIT] = "CLOSE_WAIT",
		[STATE_LAST_ACK] = "LAST_ACK",       [STATE_CLOSING] = "CLOSING",
		[STATE_NEW_SYN_RECV] = "SYN_RECV",   [STATE_SYN_SENT] = "SYN_SENT",
	};

	if (s->not_accepted && s->state == STATE_ESTABLISHED)
		return "not accepted yet";
	return s->state < STATE_COUNT && names[s->state] ? names[s->state] : "closed";
}
