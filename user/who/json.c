/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "who/json.h"

#include <string.h>

#include "util/buf.h"
#include "util/text.h"
#include "who/answer.h"
#include "who/bound.h"
#include "who/scene.h"
#include "who/stop.h"

enum { PARENTS = 16 };

struct writer {
	struct buf *out;
	struct scene *scene;
};

static void put_name(struct buf *b, const char *name)
{
	buf_puts(b, ",\"");
	buf_puts(b, name);
	buf_puts(b, "\":");
}

static void put_number(struct buf *b, const char *name, uint64_t value)
{
	put_name(b, name);
	buf_put_u64(b, value);
}

static void put_bool(struct buf *b, const char *name, bool value)
{
	put_name(b, name);
	buf_puts(b, value ? "true" : "false");
}

static void put_value(struct buf *b, const char *text)
{
	buf_putc(b, '"');
	text_json(b, text, strlen(text));
	buf_putc(b, '"');
}

/* Hostile; left out when it is empty. */
static void put_string(struct buf *b, const char *name, const char *text)
{
	if (!text || !text[0])
		return;
	put_name(b, name);
	put_value(b, text);
}

static void put_address(struct buf *b, const char *name, const struct addr *a)
{
	char text[ADDR_TEXT];

	put_string(b, name, addr_format_ip(text, sizeof(text), a));
}

static void put_netns(struct writer *w, uint32_t netns)
{
	const struct census_task *inside = scene_inhabitant(w->scene, netns);

	put_number(w->out, "sockwatch.netns", netns);
	put_string(w->out, "sockwatch.netns_name", netns_name(&w->scene->names, netns));
	if (inside)
		put_number(w->out, "sockwatch.netns_pid", inside->pid);
}

static void put_counts(struct buf *b, const struct block *block)
{
	const struct census_count *n = &block->n;

	put_number(b, "sockwatch.connections.established", n->established);
	put_number(b, "sockwatch.connections.handshake", n->handshake);
	put_number(b, "sockwatch.connections.not_accepted", n->not_accepted);
	put_number(b, "sockwatch.connections.closing", n->closing);
	put_number(b, "sockwatch.connections.orphaned", n->orphan);
	put_number(b, "sockwatch.connections.time_wait", n->time_wait);
}

static void put_group(struct buf *b, const struct block *block, const struct census_sock *s)
{
	uint32_t members = 0;

	for (size_t i = 0; s->group && i < block->count; i++)
		members += block->census->socks[block->socks[i]].group == s->group;
	if (members)
		put_number(b, "sockwatch.reuseport_members", members);
}

static void put_socket(struct writer *w, const struct block *block, const struct census_sock *s)
{
	struct buf *b = w->out;

	put_string(b, "network.transport", transport_name(s->transport));
	put_string(b, "network.type", addr_is_v4(&s->local) ? "ipv4" : "ipv6");
	put_address(b, "network.local.address", &s->local);
	put_number(b, "network.local.port", s->local.port);
	if (s->peer.port) {
		put_address(b, "network.peer.address", &s->peer);
		put_number(b, "network.peer.port", s->peer.port);
	}
	put_string(b, "sockwatch.bound", bound_name(s));
	put_string(b, "sockwatch.state", state_name(s->state));
	if (s->mptcp)
		put_bool(b, "sockwatch.mptcp", true);
	put_netns(w, s->netns);
	if (s->ifindex)
		put_number(b, "sockwatch.ifindex", s->ifindex);
	if (s->inode)
		put_number(b, "sockwatch.inode", s->inode);
	if (s->cookie)
		put_number(b, "sockwatch.cookie", s->cookie);
	put_bool(b, "sockwatch.reuseaddr", s->reuseaddr);
	put_bool(b, "sockwatch.reuseport", s->reuseport);
	put_group(b, block, s);
	if (s->v6)
		put_bool(b, "sockwatch.v6only", s->v6only);
	if (s->left_ns)
		put_number(b, "sockwatch.left_ms", s->left_ns / 1000000);
	if (s->state == STATE_LISTEN) {
		put_number(b, "sockwatch.backlog", s->backlog);
		put_number(b, "sockwatch.backlog_max", s->backlog_max);
		put_counts(b, block);
	}
}

static void put_parents(struct writer *w, const struct block *block, const struct holder *h)
{
	const struct census_task *task = h->task;
	struct buf *b = w->out;

	put_name(b, "sockwatch.parents");
	buf_putc(b, '[');
	for (int i = 0; i < PARENTS && task && task->parent; i++) {
		buf_puts(b, i ? ",{\"process.pid\":" : "{\"process.pid\":");
		buf_put_u64(b, task->parent);
		task = census_task(block->census, task->parent);
		if (task)
			put_string(b, "process.name", task->name);
		buf_putc(b, '}');
	}
	buf_putc(b, ']');
}

static void put_origin(struct buf *b, const struct origin *o)
{
	put_string(b, "sockwatch.unit", o->unit);
	if (o->user_unit)
		put_number(b, "sockwatch.unit_user", o->user);
	put_string(b, "container.runtime", o->runtime);
	put_string(b, "container.id", o->container);
	put_string(b, "k8s.pod.uid", o->pod);
}

static void put_process(struct writer *w, const struct block *block, const struct holder *h)
{
	const struct facts *facts = scene_facts(w->scene, h->pid);
	struct buf *b = w->out;

	put_number(b, "process.pid", h->pid);
	put_string(b, "process.name", h->task ? h->task->name : NULL);
	if (h->task) {
		put_number(b, "process.parent_pid", h->task->parent);
		put_number(b, "user.id", h->task->uid);
		put_string(b, "user.name", scene_user(w->scene, h->task->uid));
		put_number(b, "sockwatch.process_netns", h->task->netns);
		if (h->task->own_pid != h->pid)
			put_number(b, "sockwatch.process_own_pid", h->task->own_pid);
	}
	if (h->start_ns && h->start_ns < block->census->now_ns)
		put_number(b, "sockwatch.process_age_ms",
			   (block->census->now_ns - h->start_ns) / 1000000);
	if (!facts)
		return;
	put_string(b, "process.command_line", facts->process.command);
	put_string(b, "process.executable.path", facts->process.exe);
	if (facts->process.exe_deleted)
		put_bool(b, "sockwatch.exe_deleted", true);
	put_string(b, "process.working_directory", facts->process.cwd);
	put_string(b, "sockwatch.chroot", facts->process.root);
	if (facts->process.gone)
		put_bool(b, "sockwatch.process_gone", true);
	put_parents(w, block, h);
	put_origin(b, &facts->origin);
}

static const struct holder *find_holder(const struct block *block, uint32_t pid)
{
	for (size_t i = 0; i < block->holder_count; i++)
		if (block->holders[i].pid == pid)
			return &block->holders[i];
	return NULL;
}

static void begin(struct buf *b, const char *kind)
{
	buf_puts(b, "{\"sockwatch.record\":\"");
	buf_puts(b, kind);
	buf_putc(b, '"');
}

static void end(struct writer *w, const struct block *block)
{
	struct buf advice = {0};

	if (stop_advice(&advice, w->scene, block))
		put_string(w->out, "sockwatch.stop", advice.data);
	else
		put_string(w->out, "sockwatch.hint", advice.data);
	buf_done(&advice);
	buf_puts(w->out, "}\n");
}

/* The holds of one process on one socket. Returns how many there are. */
static size_t put_holds(struct writer *w, const struct block *block, size_t sock,
			const struct census_hold *holds, size_t left)
{
	const struct holder *h = find_holder(block, holds[0].pid);
	struct buf *b = w->out;
	size_t n = 0;

	begin(b, "holder");
	put_socket(w, block, &block->census->socks[sock]);
	if (h)
		put_process(w, block, h);
	put_name(b, "sockwatch.fds");
	for (; n < left && holds[n].pid == holds[0].pid; n++) {
		buf_putc(b, n ? ',' : '[');
		buf_put_u64(b, holds[n].fd);
	}
	buf_putc(b, ']');
	put_bool(b, "sockwatch.waits", census_waits(block->census, sock, holds[0].pid));
	put_number(b, "sockwatch.connections_held", h ? h->connections : 0);
	end(w, block);
	return n;
}

static void put_unheld(struct writer *w, const struct block *block, size_t sock)
{
	const struct census_sock *s = &block->census->socks[sock];
	char name[CENSUS_SYMBOL + 16];
	struct buf *b = w->out;

	begin(b, "socket");
	put_socket(w, block, s);
	put_number(b, "user.id", s->uid);
	put_string(b, "user.name", scene_user(w->scene, s->uid));
	if (s->kernel) {
		stop_kernel_name(name, sizeof(name), s);
		put_string(b, "sockwatch.unattributed", unattributed_name(UNATTRIBUTED_KERNEL));
		put_string(b, "sockwatch.kernel_user", name);
		put_string(b, "sockwatch.kernel_function", s->handled);
	} else if (s->not_accepted) {
		put_string(b, "sockwatch.unattributed",
			   unattributed_name(UNATTRIBUTED_NOT_ACCEPTED));
	} else {
		put_string(b, "sockwatch.unattributed",
			   sock_is_remains(s) ? unattributed_name(UNATTRIBUTED_EXITED)
					      : "not_visible");
	}
	end(w, block);
}

void who_json(struct buf *out, struct scene *scene, const struct answer *a)
{
	struct writer w = {.out = out, .scene = scene};
	struct block block;
	size_t at = 0, count;

	while (answer_block(a, &at, &block)) {
		for (size_t i = 0; i < block.count; i++) {
			size_t sock = block.socks[i];
			const struct census_hold *holds = census_holds(a->census, sock, &count);

			if (!count)
				put_unheld(&w, &block, sock);
			for (size_t k = 0; k < count;)
				k += put_holds(&w, &block, sock, holds + k, count - k);
		}
		block_done(&block);
	}
}
