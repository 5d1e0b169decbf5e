/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/filter_parts.h"

#include "model/cell.h"

#include <string.h>

enum { V4_PREFIX = 96 }; /* bits before an IPv4 address */

/* ---- what a test asks of a row ---- */

static bool in_range(const struct filter_range *r, uint64_t n)
{
	return n >= r->min && n <= r->max;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned int bits)
{
	unsigned int bytes = bits / 8, rest = bits % 8;

	if (memcmp(a, b, bytes) != 0)
		return false;
	return !rest || !((a[bytes] ^ b[bytes]) >> (8 - rest));
}

/* IPv4 addresses are stored as some of IPv6, but ::/0 does not mean them. */
static bool in_prefix(const struct filter_test *t, const uint8_t *ip)
{
	struct addr a = {.port = 0};

	memcpy(a.ip, ip, sizeof(a.ip));
	return same_bits(t->end.ip, ip, t->end.bits) &&
	       (t->end.bits >= V4_PREFIX || !addr_is_v4(&a));
}

static bool end_holds(const struct filter_test *t, const struct addr *a, const uint8_t *ip)
{
	if (!in_range(&t->end.ports, a->port))
		return false;
	return t->end.any_ip || (ip && in_prefix(t, ip));
}

/* Any address may be stored as all zero: the family says whether that is 0.0.0.0 or ::. */
static const uint8_t *local_ip(const struct flow *f)
{
	static const uint8_t any_v4[16] = {[10] = 0xff, [11] = 0xff}, any_v6[16];

	if (!addr_is_any(&f->local))
		return f->local.ip;
	if (f->family == 4)
		return any_v4;
	return f->family == 6 ? any_v6 : NULL;
}

static bool holds_end(const struct filter_test *t, const struct row *row, const struct model *m)
{
	const struct flow *f = &row->flow;

	(void)m;
	if (t->ends & END_LOCAL && end_holds(t, &f->local, local_ip(f)))
		return true;
	return t->ends & END_PEER &&
	       end_holds(t, &f->peer, addr_is_any(&f->peer) ? NULL : f->peer.ip);
}

static bool holds_service(const struct filter_test *t, const struct row *row, const struct model *m)
{
	(void)m;
	return in_range(&t->range, model_service_port(&row->flow));
}

static bool holds_family(const struct filter_test *t, const struct row *row, const struct model *m)
{
	(void)m;
	return row->flow.family == t->word->arg;
}

static bool holds_transport(const struct filter_test *t, const struct row *row,
			    const struct model *m)
{
	(void)m;
	return row->flow.transport == t->word->arg;
}

static bool holds_failed(const struct filter_test *t, const struct row *row, const struct model *m)
{
	(void)t;
	(void)m;
	return row->count.failed != 0;
}

static bool in_set(uint32_t set, uint8_t value)
{
	return value < 32 && set >> value & 1;
}

static bool holds_proto(const struct filter_test *t, const struct row *row, const struct model *m)
{
	(void)m;
	return in_set(t->set, row->flow.transport);
}

static bool holds_role(const struct filter_test *t, const struct row *row, const struct model *m)
{
	(void)m;
	return in_set(t->set, row->flow.role);
}

static bool holds_state(const struct filter_test *t, const struct row *row, const struct model *m)
{
	(void)m;
	return in_set(t->set, row->flow.state);
}

bool filter_name_holds(const struct filter_test *t, const char *name, size_t len)
{
	if (t->name.glob)
		return filter_glob(t->name.pattern, name, len);
	return !strncmp(t->name.pattern, name, len) && !t->name.pattern[len];
}

/* The kernel keeps 15 bytes of a name: one of this length may have been longer. */
static bool comm_holds(const struct filter_test *t, const char *name, size_t len)
{
	if (len == EVENT_NAME - 1 && !t->name.glob)
		return !strncmp(t->name.pattern, name, len);
	return filter_name_holds(t, name, len);
}

static bool holds_process(const struct filter_test *t, const struct row *row, const struct model *m)
{
	char why[EVENT_NAME * 2];

	if (row->proc.pid)
		return comm_holds(t, row->proc.name, strnlen(row->proc.name, EVENT_NAME - 1));
	return filter_name_holds(t, why, cell_process(why, sizeof(why), row, m));
}

static bool holds_user(const struct filter_test *t, const struct row *row, const struct model *m)
{
	const char *name;

	if (!t->name.pattern)
		return in_range(&t->name.range, row->proc.uid);
	name = model_user(m, row->proc.uid);
	return name && filter_name_holds(t, name, strlen(name));
}

static bool holds_number(const struct filter_test *t, const struct row *row, const struct model *m)
{
	return in_range(&t->range, t->column->number(row, m));
}

/* ---- the words ---- */

#define TRANSPORT(name_, id_, help_)                                                           \
	{                                                                                      \
		.names = name_, .help = help_, .kind = WORD_TRANSPORT, .arg = TRANSPORT_##id_, \
		.holds = holds_transport                                                       \
	}

/* A new field is a line here and one in the manual page. */
/* clang-format off */
static const struct filter_word words[] = {
	{"port portrange", "PORT", "The port of either end", WORD_END, END_BOTH, true,
	 filter_read_port, holds_end},
	{"host net", "ADDRESS", "The address of either end", WORD_END, END_BOTH, false,
	 filter_read_address, holds_end},
	{"local src", "ADDRESS", "The address of this end; or before host, net, port",
	 WORD_SIDE, END_LOCAL, false, filter_read_address, holds_end},
	{"remote dst peer", "ADDRESS", "The address of the other end; or before host, net, port",
	 WORD_SIDE, END_PEER, false, filter_read_address, holds_end},
	{"lport sport", "PORT", "The port of this end", WORD_VALUE, END_LOCAL, true,
	 filter_read_port, holds_end},
	{"rport dport", "PORT", "The port of the other end", WORD_VALUE, END_PEER, true,
	 filter_read_port, holds_end},
	{"service", "PORT", "The port of the service: the local one of servers, the remote one of "
	 "clients; 0 = not known", WORD_VALUE, 0, true, filter_read_service, holds_service},
	{"proc process name comm", "NAME", "The name of the process", WORD_VALUE, 0, false,
	 filter_read_name, holds_process},
	{"user uid", "USER", "Who the process runs as, by name or number", WORD_VALUE, 0, false,
	 filter_read_user, holds_user},
	{"state", "STATE", "The state of the connection", WORD_VALUE, 0, false,
	 filter_read_state, holds_state},
	{"role", "ROLE", "Which side of the service this end is", WORD_VALUE, 0, false,
	 filter_read_role, holds_role},
	{"proto transport", "PROTOCOL", "The transport protocol", WORD_VALUE, 0, false,
	 filter_read_transport, holds_proto},
	{"cgroup", "CGROUP", "The control group of the socket or one above it, by path or number",
	 WORD_VALUE, 0, false, filter_read_cgroup, filter_holds_cgroup},
	{"unit", "UNIT", "The systemd unit or slice that the socket was made in", WORD_VALUE, 0,
	 false, filter_read_name, filter_holds_unit},
	{"container", "CONTAINER", "The container that the socket was made in", WORD_VALUE, 0,
	 false, filter_read_name, filter_holds_container},
	{"ip ip4 ipv4", NULL, "IPv4, also over an IPv6 socket", WORD_FAMILY, 4, false,
	 NULL, holds_family},
	{"ip6 ipv6", NULL, "IPv6", WORD_FAMILY, 6, false, NULL, holds_family},
	TRANSPORT("tcp", TCP, "TCP"),
	TRANSPORT("udp", UDP, "UDP"),
	TRANSPORT("icmp", ICMP, "Ping sockets of ICMP and ICMPv6"),
	TRANSPORT("raw", RAW, "Raw IP sockets"),
	TRANSPORT("packet", PACKET, "Packet sockets, below IP"),
	TRANSPORT("sctp", SCTP, "SCTP"),
	TRANSPORT("mptcp", MPTCP, "Multipath TCP"),
	TRANSPORT("udplite", UDPLITE, "UDP-Lite"),
	{"failed", NULL, "The connect failed", WORD_FLAG, 0, false, NULL, holds_failed},
};
/* clang-format on */

/* Of what the tables show as a number: the key of the column is the word. */
static const struct filter_word number = {
	.names = "number",
	.kind = WORD_VALUE,
	.ordered = true,
	.read = filter_read_number,
	.holds = holds_number,
};

static bool is_filtered_by(const struct column *c)
{
	return c->number && c->tables & 1U << TABLE_CONNECTIONS;
}

/* Call @fn with each spelling until it returns true. */
static bool any_name(const char *names, bool (*fn)(const char *name, size_t len, void *arg),
		     void *arg)
{
	for (const char *at = names; *at; at += strspn(at, " ")) {
		size_t len = strcspn(at, " ");

		if (fn(at, len, arg))
			return true;
		at += len;
	}
	return false;
}

static bool is_named(const char *name, size_t len, void *arg)
{
	const struct token *t = arg;
	char word[FILTER_WORD] = "";

	memcpy(word, name, len);
	return filter_same_word(t->text, t->len, word);
}

struct filter_subject filter_find(const char *text, size_t len)
{
	struct token t = {.text = text, .len = len};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (any_name(words[i].names, is_named, &t))
			return (struct filter_subject){.word = &words[i], .ends = words[i].arg};
	}
	for (int i = 0; i < COLUMN_COUNT; i++) {
		if (is_filtered_by(&columns[i]) && filter_same_word(text, len, columns[i].key))
			return (struct filter_subject){.word = &number, .column = &columns[i]};
	}
	return (struct filter_subject){.word = NULL};
}

bool filter_word(size_t i, struct filter_word_info *info)
{
	static const char *const values[] = {
		[UNIT_ID] = "NUMBER",
		[UNIT_BYTES] = "BYTES",
		[UNIT_BYTES_PER_S] = "BYTES",
		[UNIT_NS] = "TIME",
	};
	const size_t count = sizeof(words) / sizeof(words[0]);
	int c = 0;

	if (i < count) {
		*info = (struct filter_word_info){words[i].names, words[i].value, words[i].help};
		return true;
	}
	for (i -= count; c < COLUMN_COUNT; c++) {
		if (is_filtered_by(&columns[c]) && !i--)
			break;
	}
	if (c == COLUMN_COUNT)
		return false;
	*info = (struct filter_word_info){columns[c].key, values[columns[c].unit], columns[c].help};
	return true;
}

/* ---- what was meant ---- */

static bool same(char a, char b)
{
	return filter_same_word(&a, 1, (char[]){b, '\0'});
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

/* Letters that are left out, put in, changed or exchanged with their neighbour. */
static int distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int d[FILTER_WORD + 1][FILTER_WORD + 1];

	for (size_t i = 0; i <= a_len; i++) {
		for (size_t j = 0; j <= b_len; j++) {
			d[i][j] = (int)(i + j);
			if (!i || !j)
				continue;
			d[i][j] = least(d[i - 1][j], d[i][j - 1]) + 1;
			d[i][j] = least(d[i][j], d[i - 1][j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[a_len][b_len];
}

struct nearest {
	struct token token;
	char *name;
	int distance;
};

static bool come_nearer(const char *name, size_t len, void *arg)
{
	struct nearest *n = arg;
	int more = (int)len - (int)n->token.len, d;

	if (more >= n->distance || -more >= n->distance)
		return false;
	d = distance(n->token.text, n->token.len, name, len);
	if (d >= n->distance)
		return false;
	n->distance = d;
	memcpy(n->name, name, len);
	n->name[len] = '\0';
	return false;
}

bool filter_nearest(char dst[FILTER_WORD], const char *text, size_t len)
{
	struct nearest n = {.token = {.text = text, .len = len}, .name = dst};
	struct filter_word_info info;

	*dst = '\0';
	if (len >= FILTER_WORD || len < 2)
		return false;
	n.distance = len > 4 ? 3 : 2; /* one less is near enough */
	for (size_t i = 0; filter_word(i, &info); i++)
		any_name(info.names, come_nearer, &n);
	any_name("and or not", come_nearer, &n);
	return *dst;
}
