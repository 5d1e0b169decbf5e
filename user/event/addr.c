/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "event/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* Where the four bytes of an IPv4 address start. */
enum { V4_AT = 12 };

static const uint8_t v4_prefix[V4_AT] = {[10] = 0xff, [11] = 0xff};
static const uint8_t any_ip[16];
static const uint8_t loopback_v6[16] = {[15] = 1};

bool addr_is_v4(const struct addr *a)
{
	return !memcmp(a->ip, v4_prefix, sizeof(v4_prefix));
}

bool addr_is_any(const struct addr *a)
{
	if (addr_is_v4(a))
		return !memcmp(a->ip + V4_AT, any_ip, 4);
	return !memcmp(a->ip, any_ip, sizeof(any_ip));
}

bool addr_is_loopback(const struct addr *a)
{
	if (addr_is_v4(a))
		return a->ip[V4_AT] == 127;
	return !memcmp(a->ip, loopback_v6, sizeof(loopback_v6));
}

int addr_cmp(const struct addr *a, const struct addr *b)
{
	int v4_a = addr_is_v4(a), v4_b = addr_is_v4(b);
	int order;

	if (v4_a != v4_b)
		return v4_b - v4_a;
	order = memcmp(a->ip, b->ip, sizeof(a->ip));
	return order ? order : (a->port > b->port) - (a->port < b->port);
}

char *addr_format_ip(char *dst, size_t size, const struct addr *a)
{
	bool v4 = addr_is_v4(a);

	if (!inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->ip + V4_AT : a->ip, dst, (socklen_t)size))
		snprintf(dst, size, "?"); /* @size is too small */
	return dst;
}

char *addr_format(char *dst, size_t size, const struct addr *a)
{
	char ip[ADDR_TEXT] = "*";
	bool brackets = !addr_is_any(a) && !addr_is_v4(a);

	if (!addr_is_any(a))
		addr_format_ip(ip, sizeof(ip), a);
	if (a->port)
		snprintf(dst, size, brackets ? "[%s]:%u" : "%s:%u", ip, (unsigned int)a->port);
	else
		snprintf(dst, size, "%s", ip);
	return dst;
}
