/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/filter_parts.h"

#include "util/num.h"

#include <arpa/inet.h>
#include <string.h>

enum { PORT_MAX = 65535, IP_BITS = 128, V4_BITS = 32, MAX_DECIMALS = 9 };

static const char not_a_port[] =
	"no port (1 to 65535, a range like 8000-8100, or the name of a service)";
static const char not_an_address[] =
	"no address (10.0.0.1, 10.0.0.0/8, 2001:db8::/32, 10.0.0.1:443, [::1]:443, :443); "
	"names of hosts are not looked up";
static const char not_a_state[] =
	"no state (established, syn_sent, syn_received, fin_wait_1, fin_wait_2, time_wait, closed, "
	"close_wait, last_ack, listen, closing, open, bound, none)";

/* ---- ranges ---- */

static const struct filter_range nothing = {.min = 1, .max = 0};

/* What compares with a number that may lie between @floor and the next one. != is = to a test: the
 * parser turns its answer round. */
static struct filter_range range_of(enum comparison c, uint64_t floor, bool exact)
{
	switch (c) {
	case COMPARE_LT:
		if (exact && !floor)
			return nothing;
		return (struct filter_range){0, floor - exact};
	case COMPARE_LE:
		return (struct filter_range){0, floor};
	case COMPARE_GE:
		if (exact)
			return (struct filter_range){floor, UINT64_MAX};
		/* fallthrough */
	case COMPARE_GT:
		if (floor == UINT64_MAX)
			return nothing;
		return (struct filter_range){floor + 1, UINT64_MAX};
	default:
		return exact ? (struct filter_range){floor, floor} : nothing;
	}
}

static bool is_equality(enum comparison c)
{
	return c == COMPARE_NONE || c == COMPARE_EQ || c == COMPARE_NE;
}

/* ---- ports ---- */

/* `8000-8100`; @text is left as it was. */
static bool read_port_range(char *text, uint64_t min, struct filter_range *range)
{
	char *dash = strchr(text, '-');
	bool ok;

	if (!dash)
		return false;
	*dash = '\0';
	ok = !num_u64(text, min, PORT_MAX, &range->min) &&
	     !num_u64(dash + 1, range->min, PORT_MAX, &range->max);
	*dash = '-';
	return ok;
}

/* A colon in front, as ss wants it, is nothing to us. */
static bool read_ports(const struct filter_value *v, uint64_t min, struct filter_range *range)
{
	char *text = v->text + (v->text[0] == ':');
	uint64_t port;

	if (is_equality(v->comparison) && read_port_range(text, min, range))
		return true;
	if (num_u64(text, min, PORT_MAX, &port)) {
		port = v->service && *text ? v->service(text) : 0;
		if (port < min || !port)
			return false;
	}
	*range = range_of(v->comparison, port, true);
	if (range->min < min) /* no port is no port below 1024 */
		range->min = min;
	return true;
}

const char *filter_read_port(struct filter_test *t, const struct filter_value *v)
{
	t->end.any_ip = true;
	return read_ports(v, 1, &t->end.ports) ? NULL : not_a_port;
}

/* Port 0 is what the view of ports has where no service is known. */
const char *filter_read_service(struct filter_test *t, const struct filter_value *v)
{
	return read_ports(v, 0, &t->range) ? NULL : not_a_port;
}

/* ---- addresses ---- */

static bool read_ip(struct filter_test *t, const char *text)
{
	static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

	if (inet_pton(AF_INET6, text, t->end.ip) == 1)
		return true;
	memcpy(t->end.ip, v4_prefix, sizeof(v4_prefix));
	return inet_pton(AF_INET, text, t->end.ip + sizeof(v4_prefix)) == 1;
}

/* `10.0.0.0/8`; a length of IPv4 is one of the last 32 bits. */
static bool read_prefix(struct filter_test *t, char *text)
{
	char *slash = strchr(text, '/');
	uint64_t bits, max;

	if (slash)
		*slash = '\0';
	if (!read_ip(t, text))
		return false;
	max = strchr(text, ':') ? IP_BITS : V4_BITS;
	bits = max;
	if (slash && num_u64(slash + 1, 0, max, &bits))
		return false;
	t->end.bits = (uint8_t)(IP_BITS - max + bits);
	return true;
}

/* Where the port begins, with its colon; NULL if there is none. What has more colons than one is
 * IPv6, and needs brackets before a port. */
static char *find_port(char *text)
{
	char *colon = strrchr(text, ':');

	if (text[0] == '[') {
		char *close = strchr(text, ']');

		return close ? strchr(close, ':') : NULL;
	}
	return colon == strchr(text, ':') ? colon : NULL;
}

const char *filter_read_address(struct filter_test *t, const struct filter_value *v)
{
	char *text = v->text, *port = find_port(text), *close;

	t->end.ports = (struct filter_range){0, PORT_MAX};
	if (port) {
		struct filter_value port_value = *v;

		*port = '\0';
		port_value.text = port + 1;
		if (!read_ports(&port_value, 1, &t->end.ports))
			return not_a_port;
	}
	if (port && (!*text || !strcmp(text, "*"))) {
		t->end.any_ip = true;
		return NULL;
	}
	if (*text == '[') {
		close = strchr(text, ']');
		if (!close || (close[1] && close[1] != '/') || !strchr(text, ':'))
			return not_an_address;
		memmove(close, close + 1, strlen(close)); /* a length may stand behind it */
		text++;
	}
	return read_prefix(t, text) ? NULL : not_an_address;
}

/* ---- numbers with units ---- */

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit time_units[] = {
	{"", 1000000000},
	{"s", 1000000000},
	{"ms", 1000000},
	{"us", 1000},
	{"ns", 1},
	{"m", 60 * UINT64_C(1000000000)},
	{"h", 3600 * UINT64_C(1000000000)},
	{"d", 86400 * UINT64_C(1000000000)},
};

static uint64_t time_factor(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(time_units) / sizeof(time_units[0]); i++) {
		if (filter_same_word(text, len, time_units[i].name))
			return time_units[i].factor;
	}
	return 0;
}

/* K is 1024, as in the cells of the tables, and Ki is the same. */
static uint64_t bytes_factor(const char *text, size_t len)
{
	static const char *const letters[] = {"k", "m", "g", "t", "p"};
	uint64_t factor = 1;

	if (len && filter_same_word(text + len - 1, 1, "b"))
		len--;
	if (len == 2 && filter_same_word(text + 1, 1, "i"))
		len--;
	if (!len)
		return 1;
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		factor *= 1024;
		if (filter_same_word(text, len, letters[i]))
			return factor;
	}
	return 0;
}

static uint64_t unit_factor(enum column_unit unit, const char *text)
{
	size_t len = strlen(text);

	switch (unit) {
	case UNIT_ID:
		return !len;
	case UNIT_NS:
		return time_factor(text, len);
	case UNIT_BYTES_PER_S:
		if (len >= 2 && filter_same_word(text + len - 2, 2, "/s"))
			len -= 2;
		/* fallthrough */
	default:
		return bytes_factor(text, len);
	}
}

static size_t digits(const char *text)
{
	return strspn(text, "0123456789");
}

/* `1.5K` as a whole number and whether that is all of it. */
static bool read_quantity(const char *text, enum column_unit unit, uint64_t *floor, bool *exact)
{
	unsigned __int128 whole = 0, part = 0, scale = 1;
	size_t n = digits(text);
	uint64_t factor;

	if (!n || n > 20)
		return false;
	for (; n; n--)
		whole = whole * 10 + (unsigned int)(*text++ - '0');
	if (*text == '.') {
		n = digits(++text);
		if (!n || n > MAX_DECIMALS)
			return false;
		for (; n; n--, scale *= 10)
			part = part * 10 + (unsigned int)(*text++ - '0');
	}
	factor = unit_factor(unit, text);
	if (!factor || (unit == UNIT_ID && scale > 1))
		return false;
	whole = whole * factor + part * factor / scale;
	*floor = (uint64_t)whole;
	*exact = !(part * factor % scale);
	return whole <= UINT64_MAX;
}

/* `1000-2000`. */
static bool read_quantities(char *text, enum column_unit unit, struct filter_range *range)
{
	char *dash = strchr(text, '-');
	uint64_t floor;
	bool exact;

	if (!dash)
		return false;
	*dash = '\0';
	if (!read_quantity(text, unit, &floor, &exact))
		return false;
	range->min = floor + (!exact && floor < UINT64_MAX);
	if (!read_quantity(dash + 1, unit, &floor, &exact) || floor < range->min)
		return false;
	range->max = floor;
	return true;
}

const char *filter_read_number(struct filter_test *t, const struct filter_value *v)
{
	static const char *const wrong[] = {
		[UNIT_ID] = "no number",
		[UNIT_BYTES] = "no number of bytes (4096, 64K, 1.5M, 2Gi; K is 1024)",
		[UNIT_BYTES_PER_S] = "no number of bytes a second (4096, 64K, 1.5M/s; K is 1024)",
		[UNIT_NS] = "no time (90, 90s, 1.5m, 2h, 3d, 20ms)",
	};
	enum column_unit unit = t->column->unit;
	uint64_t floor;
	bool exact;

	if (read_quantity(v->text, unit, &floor, &exact)) {
		t->range = range_of(v->comparison, floor, exact);
		return NULL;
	}
	if (is_equality(v->comparison) && read_quantities(v->text, unit, &t->range))
		return NULL;
	return wrong[unit];
}

/* ---- names ---- */

const char *filter_read_name(struct filter_test *t, const struct filter_value *v)
{
	char *from = v->text, *to = v->text;

	if (!*from)
		return "no name";
	t->name.pattern = v->text;
	for (const char *s = from; *s; s++) {
		t->name.glob |= *s == '*' || *s == '?';
		s += *s == '\\' && s[1];
	}
	if (t->name.glob)
		return NULL;
	for (; *from; *to++ = *from++)
		from += *from == '\\' && from[1];
	*to = '\0';
	return NULL;
}

const char *filter_read_user(struct filter_test *t, const struct filter_value *v)
{
	uint64_t uid;

	if (num_u64(v->text, 0, UINT32_MAX, &uid))
		return filter_read_name(t, v);
	t->name.range = (struct filter_range){uid, uid};
	return NULL;
}

/* ss writes `fin-wait-1`, logs have `fin_wait_1`. */
static bool same_name(const char *text, const char *name)
{
	for (; *text && *name; text++, name++) {
		if (!filter_same_word(text, 1, (char[]){*name, 0}) &&
		    !(*text == '-' && *name == '_'))
			return false;
	}
	return !*text && !*name;
}

static uint32_t set_of(const char *text, const char *(*name)(uint8_t), uint8_t count)
{
	uint32_t set = 0;

	for (uint8_t i = 0; i < count; i++)
		set |= (uint32_t)same_name(text, name(i)) << i;
	return set;
}

const char *filter_read_transport(struct filter_test *t, const struct filter_value *v)
{
	t->set = set_of(v->text, transport_name, TRANSPORT_COUNT);
	return t->set ? NULL
		      : "no protocol (tcp, udp, icmp, raw, packet, sctp, mptcp, udplite, other)";
}

const char *filter_read_role(struct filter_test *t, const struct filter_value *v)
{
	t->set = set_of(v->text, role_name, ROLE_COUNT);
	return t->set ? NULL : "no role (client, server, listener, unknown)";
}

const char *filter_read_state(struct filter_test *t, const struct filter_value *v)
{
	static const char *const as_in_ss[][2] = {
		{"estab", "established"},
		{"syn_recv", "syn_received"},
		{"close", "closed"},
		{"listening", "listen"},
	};
	const char *text = v->text;

	for (size_t i = 0; i < sizeof(as_in_ss) / sizeof(as_in_ss[0]); i++) {
		if (same_name(text, as_in_ss[i][0]))
			text = as_in_ss[i][1];
	}
	t->set = set_of(text, state_name, STATE_COUNT);
	return t->set ? NULL : not_a_state;
}
