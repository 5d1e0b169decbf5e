/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE /* strerrorname_np */
#include "model/cell.h"

#include "model/cgroup_label.h"
#include "model/column.h"
#include "model/number.h"
#include "util/fmt.h"
#include "util/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	NAME_TEXT = EVENT_NAME * 8 /* bytes; a name of which each byte became an escape */
};

/* All that is printed goes through here or through put_name, so nothing is longer than its cell. */
static size_t put(char *dst, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (!size)
		return 0;
	if (len >= size)
		len = size - 1;
	memcpy(dst, text, len);
	dst[len] = '\0';
	return len;
}

static size_t put_number(char *dst, size_t size, uint64_t n)
{
	char text[FMT_TEXT];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	return put(dst, size, text);
}

static size_t put_count(char *dst, size_t size, uint64_t n)
{
	char text[FMT_TEXT];

	return put(dst, size, fmt_count(text, sizeof(text), n));
}

static size_t put_bytes(char *dst, size_t size, uint64_t n)
{
	char text[FMT_TEXT];

	return put(dst, size, fmt_bytes(text, sizeof(text), n));
}

static size_t put_rate(char *dst, size_t size, uint64_t n)
{
	char text[FMT_TEXT];

	return put(dst, size, fmt_rate(text, sizeof(text), n));
}

/* `[not accepted]`: brackets, as ps has them for threads of the kernel, mean that it is no name. */
static size_t put_reason(char *dst, size_t size, uint8_t reason)
{
	const char *name = unattributed_name(reason);
	char text[FMT_TEXT], *s;

	snprintf(text, sizeof(text), "[%s]", *name ? name : "unknown");
	for (s = text; *s; s++) {
		if (*s == '_')
			*s = ' ';
	}
	return put(dst, size, text);
}

static size_t put_name(char *dst, size_t size, const struct proc *p)
{
	if (!p->pid)
		return put_reason(dst, size, p->unattributed);
	return text_sanitize(dst, size, p->name, strnlen(p->name, EVENT_NAME));
}

/* The name of the two rows that no key has. 0: it is another one. */
static size_t put_stand_in(char *dst, size_t size, const struct row *row)
{
	if (row->is_other)
		return put(dst, size, "(other)");
	return row->is_rest ? put(dst, size, table_info[row->table].rest) : 0;
}

size_t cell_pid(char *dst, size_t size, const struct row *row, const struct model *m)
{
	(void)m;
	return row->proc.pid ? put_number(dst, size, row->proc.pid) : put(dst, size, "-");
}

size_t cell_process(char *dst, size_t size, const struct row *row, const struct model *m)
{
	(void)m;
	if (row->is_other)
		return put(dst, size,
			   row->table == TABLE_CONNECTIONS ? "(ended or evicted)" : "(other)");
	return put_name(dst, size, &row->proc);
}

size_t cell_user(char *dst, size_t size, const struct row *row, const struct model *m)
{
	bool is_name = row->table == TABLE_USERS;
	const char *name;

	if (is_name && (row->is_other || row->is_rest))
		return put_stand_in(dst, size, row);
	if (!is_name && !row->proc.pid)
		return put(dst, size, "-");
	name = model_user(m, row->proc.uid);
	if (!name)
		return put_number(dst, size, row->proc.uid);
	return text_sanitize(dst, size, name, strlen(name));
}

size_t cell_open(char *dst, size_t size, const struct row *row, const struct model *m)
{
	(void)m;
	return put_count(dst, size, row->count.open);
}

size_t cell_opened(char *dst, size_t size, const struct row *row, const struct model *m)
{
	(void)m;
	return put_count(dst, size, row->count.opened);
}

size_t cell_listening(char *dst, size_t size, const struct row *row, const struct model *m)
{
	(void)m;
	return put_count(dst, size, row->count.listening);
}

size_t cell_failed(char *dst, size_t size, const struct row *row, const struct model *m)
{
	(void)m;
	return put_count(dst, size, row->count.failed);
}

static bool is_portless(uint8_t transport)
{
	return transport == TRANSPORT_ICMP || transport == TRANSPORT_RAW ||
	       transport == TRANSPORT_PACKET || transport == TRANSPORT_OTHER;
}

size_t cell_port(char *dst, size_t size, const struct row *row, const struct model *m)
{
	const char *transport = transport_name(row->transport);
	char text[FMT_TEXT];

	(void)m;
	if (row->is_other)
		return put(dst, size, "(other)");
	if (row->port)
		snprintf(text, sizeof(text), "%u/%s", (unsigned int)row->port, transport);
	else
		snprintf(text, sizeof(text), "%s%s", is_portless(row->transport) ? "" : "-/",
			 transport);
	return put(dst, size, text);
}

size_t cell_service(char *dst, size_t size, const struct row *row, const struct model *m)
{
	const char *name = row->port ? model_service(m, row->transport, row->port) : NULL;

	return name ? text_sanitize(dst, size, name, strlen(name)) : put(dst, size, "-");
}

size_t cell_class(char *dst, size_t size, const struct row *row, const struct model *m)
{
	switch (model_port_class(m, row->port)) {
	case PORT_CLASS_WELL_KNOWN:
		return put(dst, size, "well-known");
	case PORT_CLASS_REGISTERED:
		return put(dst, size, "registered");
	case PORT_CLASS_EPHEMERAL:
		return put(dst, size, "ephemeral");
	default:
		return put(dst, size, "-");
	}
}

size_t cell_role(char *dst, size_t size, const struct row *row, const struct model *m)
{
	uint8_t role = row->table == TABLE_CONNECTIONS ? row->flow.role : row->role;

	(void)m;
	return put(dst, size, row->is_other ? "-" : role_name(role));
}

/* How many of the @n processes of a port are shown under one name, and whether @i is the first. */
static unsigned int same_named(const struct proc *users, uint32_t n, uint32_t i, bool *first)
{
	unsigned int same = 0;
	uint32_t k;

	*first = true;
	for (k = 0; k < n; k++) {
		if (!users[k].pid || strncmp(users[k].name, users[i].name, EVENT_NAME) != 0)
			continue;
		if (k < i)
			*first = false;
		same++;
	}
	return same;
}

static size_t put_user(char *dst, size_t size, const struct proc *p, unsigned int same)
{
	char name[NAME_TEXT], text[NAME_TEXT + FMT_TEXT];

	put_name(name, sizeof(name), p);
	if (!p->pid)
		return put(dst, size, name);
	if (same > 1)
		snprintf(text, sizeof(text), "%s(%u)", name, same);
	else
		snprintf(text, sizeof(text), "%s[%u]", name, (unsigned int)p->pid);
	return put(dst, size, text);
}

/* `nginx(3) redis-server[812] +2 more` */
size_t cell_processes(char *dst, size_t size, const struct row *row, const struct model *m)
{
	uint32_t named = row->user_count < ROW_USERS ? row->user_count : ROW_USERS, i;
	char more[FMT_TEXT];
	size_t len = 0;

	(void)m;
	if (!row->users)
		return put(dst, size, "-");
	for (i = 0; i < named; i++) {
		bool first = true;
		unsigned int same = 1;

		if (row->users[i].pid)
			same = same_named(row->users, named, i, &first);
		if (!first)
			continue;
		len += put(dst + len, size - len, len ? " " : "");
		len += put_user(dst + len, size - len, &row->users[i], same);
	}
	if (named < row->user_count) {
		snprintf(more, sizeof(more), " +%u more", (unsigned int)(row->user_count - named));
		len += put(dst + len, size - len, more);
	}
	return len ? len : put(dst, size, "-");
}

size_t cell_transport(char *dst, size_t size, const struct row *row, const struct model *m)
{
	(void)m;
	return put(dst, size, row->is_other ? "-" : transport_name(row->transport));
}

static size_t put_addr(char *dst, size_t size, const struct row *row, const struct addr *a)
{
	char text[ADDR_TEXT + 8];

	return put(dst, size, row->is_other ? "-" : addr_format(text, sizeof(text), a));
}

size_t cell_local(char *dst, size_t size, const struct row *row, const struct model *m)
{
	(void)m;
	return put_addr(dst, size, row, &row->flow.local);
}

size_t cell_peer(char *dst, size_t size, const struct row *row, const struct model *m)
{
	(void)m;
	return put_addr(dst, size, row, &row->flow.peer);
}

size_t cell_state(char *dst, size_t size, const struct row *row, const struct model *m)
{
	(void)m;
	return put(dst, size, row->is_other ? "-" : state_name(row->flow.state));
}

size_t cell_netns(char *dst, size_t size, const struct row *row, const struct model *m)
{
	(void)m;
	if (row->table == TABLE_NETNS && (row->is_other || row->is_rest))
		return put_stand_in(dst, size, row);
	return row->flow.netns ? put_number(dst, size, row->flow.netns) : put(dst, size, "-");
}

size_t cell_age(char *dst, size_t size, const struct row *row, const struct model *m)
{
	char text[FMT_TEXT];

	return put(dst, size,
		   row->is_other ? "-" : fmt_age(text, sizeof(text), number_age(row, m)));
}

size_t cell_tx_rate(char *dst, size_t size, const struct row *row, const struct model *m)
{
	(void)m;
	return put_rate(dst, size, row->count.tx_rate);
}

size_t cell_rx_rate(char *dst, size_t size, const struct row *row, const struct model *m)
{
	(void)m;
	return put_rate(dst, size, row->count.rx_rate);
}

size_t cell_rate(char *dst, size_t size, const struct row *row, const struct model *m)
{
	return put_rate(dst, size, number_rate(row, m));
}

size_t cell_tx_total(char *dst, size_t size, const struct row *row, const struct model *m)
{
	(void)m;
	return put_bytes(dst, size, row->count.tx_total);
}

size_t cell_rx_total(char *dst, size_t size, const struct row *row, const struct model *m)
{
	(void)m;
	return put_bytes(dst, size, row->count.rx_total);
}

size_t cell_total(char *dst, size_t size, const struct row *row, const struct model *m)
{
	return put_bytes(dst, size, number_total(row, m));
}

/* `*:22/tcp`, `127.0.0.1:53/udp` */
size_t cell_listener(char *dst, size_t size, const struct row *row, const struct model *m)
{
	char text[ADDR_TEXT + 8];
	size_t len;

	(void)m;
	if (row->is_other || row->is_rest)
		return put_stand_in(dst, size, row);
	len = put(dst, size, addr_format(text, sizeof(text), &row->flow.local));
	len += put(dst + len, size - len, "/");
	return len + put(dst + len, size - len, transport_name(row->transport));
}

size_t cell_host(char *dst, size_t size, const struct row *row, const struct model *m)
{
	char text[ADDR_TEXT];

	(void)m;
	if (row->is_other || row->is_rest)
		return put_stand_in(dst, size, row);
	return put(dst, size, addr_format_ip(text, sizeof(text), &row->flow.peer));
}

size_t cell_unit(char *dst, size_t size, const struct row *row, const struct model *m)
{
	const char *path = model_cgroup(m, row->flow.cgroup_id);
	char label[CGROUP_LABEL];

	if (row->is_other || row->is_rest)
		return put_stand_in(dst, size, row);
	if (!path)
		return put_number(dst, size, row->flow.cgroup_id);
	cgroup_label(label, sizeof(label), path);
	return text_sanitize(dst, size, label, strlen(label));
}

size_t cell_cgroup(char *dst, size_t size, const struct row *row, const struct model *m)
{
	const char *path = model_cgroup(m, row->flow.cgroup_id);

	return path ? text_sanitize(dst, size, path, strlen(path)) : put(dst, size, "-");
}

/* In the words that people use; else the name of the error. */
size_t cell_error(char *dst, size_t size, const struct row *row, const struct model *m)
{
	static const struct {
		int error;
		const char *text;
	} known[] = {
		{0, "not known"},
		{ECONNREFUSED, "refused"},
		{ECONNRESET, "reset"},
		{ETIMEDOUT, "timed out"},
		{EHOSTUNREACH, "no route"},
		{ENETUNREACH, "no network"},
		{EADDRNOTAVAIL, "no address"},
		{EACCES, "not allowed"},
		{EPERM, "not allowed"},
	};
	const char *name = strerrorname_np(row->error);

	(void)m;
	if (row->is_other)
		return put(dst, size, "-");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].error == row->error)
			return put(dst, size, known[i].text);
	return name ? put(dst, size, name) : put_number(dst, size, (uint64_t)row->error);
}

size_t cell_last(char *dst, size_t size, const struct row *row, const struct model *m)
{
	uint64_t now_ns = model_totals(m)->time_ns, last_ns = row->count.last_ns;
	char text[FMT_TEXT];

	return put(dst, size, fmt_age(text, sizeof(text), now_ns > last_ns ? now_ns - last_ns : 0));
}
