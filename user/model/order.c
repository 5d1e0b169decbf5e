/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/order.h"

#include "model/cgroup_label.h"
#include "model/key.h"

#include <string.h>

static int cmp(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Sums of two counters can be longer than one. */
static int cmp_sum(uint64_t a, uint64_t a2, uint64_t b, uint64_t b2)
{
	unsigned __int128 x = (unsigned __int128)a + a2, y = (unsigned __int128)b + b2;

	return (x > y) - (x < y);
}

/* Names before what has none. */
static int cmp_names(const char *a, const char *b, uint64_t a_number, uint64_t b_number)
{
	if (a && b)
		return strcmp(a, b);
	if (a || b)
		return a ? -1 : 1;
	return cmp(a_number, b_number);
}

int order_pid(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return cmp(a->proc.pid, b->proc.pid);
}

int order_process(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return cmp_names(a->proc.pid ? a->proc.name : NULL, b->proc.pid ? b->proc.name : NULL,
			 a->proc.unattributed, b->proc.unattributed);
}

int order_user(const struct row *a, const struct row *b, const struct model *m)
{
	if (a->table != TABLE_USERS && (!a->proc.pid || !b->proc.pid))
		return cmp(!a->proc.pid, !b->proc.pid);
	return cmp_names(model_user(m, a->proc.uid), model_user(m, b->proc.uid), a->proc.uid,
			 b->proc.uid);
}

int order_open(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return cmp(a->count.open, b->count.open);
}

int order_opened(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return cmp(a->count.opened, b->count.opened);
}

int order_listening(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return cmp(a->count.listening, b->count.listening);
}

int order_failed(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return cmp(a->count.failed, b->count.failed);
}

int order_port(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return cmp(a->port, b->port);
}

int order_service(const struct row *a, const struct row *b, const struct model *m)
{
	return cmp_names(model_service(m, a->transport, a->port),
			 model_service(m, b->transport, b->port), a->port, b->port);
}

int order_class(const struct row *a, const struct row *b, const struct model *m)
{
	return cmp(model_port_class(m, a->port), model_port_class(m, b->port));
}

int order_role(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	if (a->table == TABLE_CONNECTIONS)
		return cmp(a->flow.role, b->flow.role);
	return cmp(a->role, b->role);
}

int order_processes(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return cmp(a->user_count, b->user_count);
}

int order_transport(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return cmp(a->transport, b->transport);
}

int order_local(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return addr_cmp(&a->flow.local, &b->flow.local);
}

int order_peer(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return addr_cmp(&a->flow.peer, &b->flow.peer);
}

int order_state(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return cmp(a->flow.state, b->flow.state);
}

int order_netns(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return cmp(a->flow.netns, b->flow.netns);
}

int order_age(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return cmp(b->count.first_ns, a->count.first_ns);
}

int order_tx_rate(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return cmp(a->count.tx_rate, b->count.tx_rate);
}

int order_rx_rate(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return cmp(a->count.rx_rate, b->count.rx_rate);
}

int order_tx_total(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return cmp(a->count.tx_total, b->count.tx_total);
}

int order_rx_total(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return cmp(a->count.rx_total, b->count.rx_total);
}

int order_total(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return cmp_sum(a->count.tx_total, a->count.rx_total, b->count.tx_total, b->count.rx_total);
}

int order_activity(const struct row *a, const struct row *b, const struct model *m)
{
	const struct counters *x = &a->count, *y = &b->count;
	int c = cmp_sum(x->tx_rate, x->rx_rate, y->tx_rate, y->rx_rate);

	(void)m;
	if (!c)
		c = cmp_sum(x->tx_total, x->rx_total, y->tx_total, y->rx_total);
	return c ? c : cmp(x->open, y->open);
}

int order_listener(const struct row *a, const struct row *b, const struct model *m)
{
	int c = cmp(a->port, b->port);

	if (!c)
		c = addr_cmp(&a->flow.local, &b->flow.local);
	return c ? c : order_transport(a, b, m);
}

int order_host(const struct row *a, const struct row *b, const struct model *m)
{
	return order_peer(a, b, m);
}

int order_unit(const struct row *a, const struct row *b, const struct model *m)
{
	char x[CGROUP_LABEL], y[CGROUP_LABEL];
	const char *p = model_cgroup(m, a->flow.cgroup_id), *q = model_cgroup(m, b->flow.cgroup_id);

	return cmp_names(p ? cgroup_label(x, sizeof(x), p) : NULL,
			 q ? cgroup_label(y, sizeof(y), q) : NULL, a->flow.cgroup_id,
			 b->flow.cgroup_id);
}

int order_cgroup(const struct row *a, const struct row *b, const struct model *m)
{
	return cmp_names(model_cgroup(m, a->flow.cgroup_id), model_cgroup(m, b->flow.cgroup_id),
			 a->flow.cgroup_id, b->flow.cgroup_id);
}

int order_error(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return cmp((uint64_t)a->error, (uint64_t)b->error);
}

int order_last(const struct row *a, const struct row *b, const struct model *m)
{
	(void)m;
	return cmp(b->count.last_ns, a->count.last_ns);
}

static int order_proc(const struct proc *a, const struct proc *b)
{
	int c = cmp(a->pid, b->pid);

	if (!c && a->pid)
		c = cmp(a->start_ns, b->start_ns);
	return c ? c : cmp(a->unattributed, b->unattributed);
}

static int order_port_key(const struct row *a, const struct row *b)
{
	int c = cmp(a->port, b->port);

	if (!c)
		c = cmp(a->transport, b->transport);
	return c ? c : cmp(a->role, b->role);
}

static int order_failure(const struct row *a, const struct row *b)
{
	int c = strncmp(a->proc.name, b->proc.name, EVENT_NAME);

	if (!c)
		c = addr_cmp(&a->flow.peer, &b->flow.peer);
	if (!c)
		c = cmp((uint64_t)a->error, (uint64_t)b->error);
	if (!c)
		c = cmp(a->flow.netns, b->flow.netns);
	if (!c)
		c = cmp(a->transport, b->transport);
	if (!c)
		c = cmp(a->proc.uid, b->proc.uid);
	if (!c)
		c = cmp(a->proc.pid != 0, b->proc.pid != 0);
	return c ? c : cmp(a->proc.unattributed, b->proc.unattributed);
}

static int order_connection(const struct row *a, const struct row *b)
{
	int c = cmp(a->flow.cookie, b->flow.cookie);

	if (!c)
		c = order_proc(&a->proc, &b->proc);
	if (!c)
		c = cmp(a->flow.per_peer, b->flow.per_peer);
	return c ? c : addr_cmp(&a->flow.peer, &b->flow.peer);
}

int order_key(const struct row *a, const struct row *b)
{
	struct key x, y;

	switch (a->table) {
	case TABLE_PROCESSES:
		return order_proc(&a->proc, &b->proc);
	case TABLE_PORTS:
		return order_port_key(a, b);
	case TABLE_CONNECTIONS:
		return order_connection(a, b);
	case TABLE_FAILURES:
		return order_failure(a, b);
	default: /* whatever the order of these bytes means, it stays */
		x = key_of(a, a->table);
		y = key_of(b, b->table);
		return memcmp(&x, &y, sizeof(x));
	}
}
