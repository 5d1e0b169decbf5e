/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Addresses as they are bound, in words that tell the wildcards apart. Pure. */
#ifndef WHO_BOUND_H
#define WHO_BOUND_H

#include "event/census.h"

enum { BOUND_TEXT = 96 };

/** `0.0.0.0:80` for all of IPv4, `[::]:80` for all of IPv6 alone, `*:80` for both, or the address.
 *  @size at least ADDR_TEXT + 8. Returns dst. */
char *bound_address(char *dst, size_t size, const struct census_sock *s);
/** `loopback only`, `all IPv4 addresses`, `all addresses, IPv6 and IPv4` ... @size BOUND_TEXT. */
char *bound_text(char *dst, size_t size, const struct census_sock *s);
/** For scripts: `loopback`, `ipv4_wildcard`, `ipv6_wildcard`, `dual_wildcard`, `address`. */
const char *bound_name(const struct census_sock *s);
/** What is left of a connection: `TIME_WAIT`, `FIN_WAIT1`, `not accepted yet` ... */
const char *remains_name(const struct census_sock *s);

#endif
