/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** IP endpoints: 16 address bytes and a port, IPv4 stored as v4-mapped. Knows no sockets. */
#ifndef EVENT_ADDR_H
#define EVENT_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes; longest address text with its NUL (46), rounded up. */
enum { ADDR_TEXT = 48 };

struct addr {
	uint8_t ip[16]; /* network order; IPv4 as ::ffff:a.b.c.d; all zero = any */
	uint16_t port;  /* host order; 0 = none */
};

/** True for ::ffff:0:0/96, which is how every IPv4 address is stored. */
bool addr_is_v4(const struct addr *a);

/** True for 0.0.0.0 and ::, whatever the port. */
bool addr_is_any(const struct addr *a);

/** True for 127.0.0.0/8 and ::1. */
bool addr_is_loopback(const struct addr *a);

/** Order by address, then port: <0, 0, >0. IPv4 sorts before IPv6. */
int addr_cmp(const struct addr *a, const struct addr *b);

/** Write the address without its port: `127.0.0.1`, `::1`. Returns dst.
 *  @size at least ADDR_TEXT. */
char *addr_format_ip(char *dst, size_t size, const struct addr *a);

/** Write `127.0.0.1:80`, `[::1]:80`, `*:80` for any, `*` for any without a port. Returns dst.
 *  @size at least ADDR_TEXT + 8. */
char *addr_format(char *dst, size_t size, const struct addr *a);

#endif
