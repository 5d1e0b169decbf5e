/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "who/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/buf.h"
#include "util/fmt.h"
#include "util/text.h"
#include "who/answer.h"
#include "who/bound.h"
#include "who/scene.h"
#include "who/stop.h"

enum {
	LABEL = 13,   /* columns of a label and the blanks around it */
	FEW = 6,      /* holders that are shown one by one */
	PARENTS = 16, /* of the chain */
	LINE = 4096,
	CELL = 512,
	BRIEF = 160, /* bytes of a command line */
};

struct page {
	struct buf *out;
	struct scene *scene;
	const struct who_text_options *options;
	struct buf line; /* raw text of the line being made */
};

/* ---- lines ---- */

static void sanitised(struct page *p, char *dst, size_t size)
{
	text_sanitize(dst, size, p->line.data ? p->line.data : "", p->line.len);
	buf_reset(&p->line);
}

/* What was put into @p->line, under a label, folded. */
static void put_line(struct page *p, const char *label)
{
	char clean[LINE * 4];

	sanitised(p, clean, sizeof(clean));
	buf_printf(p->out, "  %-*s", LABEL - 2, label);
	text_fold(p->out, clean, LABEL, LABEL, p->options->width);
	buf_putc(p->out, '\n');
}

/* ---- who ---- */

static void put_process(struct page *p, const struct holder *h)
{
	buf_printf(&p->line, "%s[%u]", h->task ? h->task->name : "?", (unsigned int)h->pid);
}

static void put_user(struct page *p, uint32_t uid)
{
	const char *name = scene_user(p->scene, uid);

	if (name)
		buf_puts(&p->line, name);
	else
		buf_printf(&p->line, "uid %u", (unsigned int)uid);
}

static void put_fds(struct page *p, const struct holder *h)
{
	buf_puts(&p->line, ", fd ");
	for (uint32_t i = 0; i < h->fd_count && i < 4; i++)
		buf_printf(&p->line, "%s%u", i ? " " : "", (unsigned int)h->fds[i]);
	if (h->fd_count > 4)
		buf_printf(&p->line, " and %u more", (unsigned int)h->fd_count - 4);
}

/* `nginx[812] root, fd 6, 3d04h, accepts, 12 open: nginx: master process` */
static void put_holder(struct page *p, const struct block *b, const struct holder *h,
		       const char *label)
{
	const struct facts *facts = scene_facts(p->scene, h->pid);
	char age[FMT_TEXT];

	put_process(p, h);
	if (h->task) {
		buf_putc(&p->line, ' ');
		put_user(p, h->task->uid);
	}
	put_fds(p, h);
	if (h->start_ns && h->start_ns < b->census->now_ns)
		buf_printf(&p->line, ", %s old",
			   fmt_age(age, sizeof(age), b->census->now_ns - h->start_ns));
	if (h->waits)
		buf_puts(&p->line, b->first->state == STATE_LISTEN ? ", accepts" : ", receives");
	if (h->connections)
		buf_printf(&p->line, ", %u open", (unsigned int)h->connections);
	if (h->task && h->task->own_pid != h->pid)
		buf_printf(&p->line, ", pid %u in its container", (unsigned int)h->task->own_pid);
	if (h->task && h->task->netns != b->first->netns)
		buf_puts(&p->line, ", itself in another netns");
	if (facts && facts->process.gone)
		buf_puts(&p->line, ", just ended");
	if (facts && facts->process.command)
		buf_printf(&p->line, ": %.*s", p->options->verbose ? LINE : BRIEF,
			   facts->process.command);
	put_line(p, label);
}

static void put_holders(struct page *p, const struct block *b)
{
	size_t shown = b->holder_count, workers = 0;

	if (!p->options->verbose && shown > FEW)
		shown = FEW;
	for (size_t i = 0; i < shown; i++)
		put_holder(p, b, &b->holders[i], i ? "" : "held by");
	for (size_t i = shown; i < b->holder_count; i++)
		workers += holder_accepts(&b->holders[i]);
	if (shown == b->holder_count)
		return;
	buf_printf(&p->line, "and %zu more, %zu of them %s (-v shows all)", b->holder_count - shown,
		   workers, b->first->state == STATE_LISTEN ? "accept" : "receive");
	put_line(p, "");
}

static void put_exe(struct page *p, const struct block *b)
{
	const struct facts *facts = scene_facts(p->scene, b->holders[0].pid);
	const struct process *process = facts ? &facts->process : NULL;

	if (!process || !process->exe[0])
		return;
	buf_puts(&p->line, process->exe);
	if (process->exe_deleted)
		buf_puts(&p->line, " (deleted: replaced since it was started)");
	if (process->cwd[0])
		buf_printf(&p->line, ", in %s", process->cwd);
	if (process->root[0])
		buf_printf(&p->line, ", chroot %s", process->root);
	put_line(p, "runs");
}

static void put_parents(struct page *p, const struct block *b)
{
	const struct census_task *task = b->holders[0].task;

	if (!task || !task->parent)
		return;
	for (int i = 0; i < PARENTS && task && task->parent; i++) {
		uint32_t parent = task->parent;

		task = census_task(b->census, parent);
		buf_printf(&p->line, "%s%s[%u]", i ? " < " : "", task ? task->name : "?",
			   (unsigned int)parent);
	}
	put_line(p, "started by");
}

static void put_origin(struct page *p, const struct block *b)
{
	const struct facts *facts = scene_facts(p->scene, b->holders[0].pid);
	const struct origin *o = facts ? &facts->origin : NULL;

	if (!o)
		return;
	if (o->unit[0]) {
		buf_puts(&p->line, o->unit);
		if (o->user_unit) {
			buf_puts(&p->line, ", of user ");
			put_user(p, o->user);
		}
		put_line(p, "unit");
	}
	if (o->container[0]) {
		buf_printf(&p->line, "%s%s%s", o->runtime, o->runtime[0] ? " " : "", o->container);
		put_line(p, "container");
	}
	if (o->pod[0]) {
		buf_puts(&p->line, o->pod);
		put_line(p, "pod");
	}
}

/* ---- what ---- */

static void put_bound(struct page *p, const struct block *b)
{
	char text[BOUND_TEXT];

	buf_puts(&p->line, bound_text(text, sizeof(text), b->first));
	put_line(p, "bound to");
}

static void put_traffic(struct page *p, const struct block *b)
{
	const struct census_count *n = &b->n;
	uint32_t backlog = 0;

	if (b->first->state != STATE_LISTEN)
		return;
	for (size_t i = 0; i < b->count; i++)
		backlog += b->census->socks[b->socks[i]].backlog;
	buf_printf(&p->line, "%u established, backlog %u of %u", n->established, backlog,
		   b->first->backlog_max);
	if (b->count > 1)
		buf_puts(&p->line, " each");
	if (n->handshake)
		buf_printf(&p->line, ", %u in handshake", n->handshake);
	if (n->closing)
		buf_printf(&p->line, ", %u closing", n->closing);
	if (n->orphan)
		buf_printf(&p->line, ", %u of no process", n->orphan);
	if (n->time_wait)
		buf_printf(&p->line, ", %u TIME_WAIT", n->time_wait);
	put_line(p, "traffic");
}

static void put_remains(struct page *p, const struct block *b)
{
	char peer[ADDR_TEXT + 8];
	size_t shown = p->options->verbose ? b->count : 3;

	if (!sock_is_remains(b->first))
		return;
	for (size_t i = 0; i < b->count && i < shown; i++) {
		const struct census_sock *s = &b->census->socks[b->socks[i]];
		char left[FMT_TEXT];

		buf_printf(&p->line, "%s%s to %s", i ? ", " : "", remains_name(s),
			   addr_format(peer, sizeof(peer), &s->peer));
		if (s->left_ns)
			buf_printf(&p->line, " (%s)", fmt_age(left, sizeof(left), s->left_ns));
	}
	if (b->count > shown)
		buf_printf(&p->line, " and %zu more", b->count - shown);
	put_line(p, "left over");
}

static void put_netns(struct page *p, const struct block *b)
{
	const char *name = netns_name(&p->scene->names, b->first->netns);
	const struct census_task *inside = scene_inhabitant(p->scene, b->first->netns);

	if (b->first->netns == p->scene->own_netns && !p->options->verbose)
		return;
	buf_printf(&p->line, "%u", (unsigned int)b->first->netns);
	if (b->first->netns == p->scene->own_netns)
		buf_puts(&p->line, ", ours");
	if (name)
		buf_printf(&p->line, ", named %s", name);
	if (inside)
		buf_printf(&p->line, ", %s[%u] is in it", inside->name, (unsigned int)inside->pid);
	else
		buf_puts(&p->line, ", no process is in it");
	put_line(p, "netns");
}

static void put_socket(struct page *p, const struct block *b)
{
	const struct census_sock *s = b->first;

	if (b->count > 1)
		buf_printf(&p->line, "%zu sockets%s, ", b->count,
			   s->group ? " in one SO_REUSEPORT group" : "");
	buf_printf(&p->line, "inode %" PRIu64, s->inode);
	if (s->cookie)
		buf_printf(&p->line, ", cookie %" PRIu64, s->cookie);
	if (s->reuseaddr)
		buf_puts(&p->line, ", SO_REUSEADDR");
	if (s->reuseport)
		buf_puts(&p->line, ", SO_REUSEPORT");
	if (s->mptcp)
		buf_puts(&p->line, ", MPTCP");
	if (!b->holder_count) {
		buf_puts(&p->line, ", of user ");
		put_user(p, s->uid);
	}
	put_line(p, "socket");
}

/* ---- a block ---- */

static void put_owner(struct page *p, const struct block *b)
{
	char name[CENSUS_SYMBOL + 16];

	if (b->holder_count) {
		put_process(p, &b->holders[b->holders[0].pid == 1 && b->holder_count > 1]);
		if (b->holder_count > 1)
			buf_printf(&p->line, " +%zu", b->holder_count - 1);
	} else if (b->first->kernel) {
		stop_kernel_name(name, sizeof(name), b->first);
		buf_puts(&p->line, name);
	} else if (sock_is_remains(b->first)) {
		buf_puts(&p->line, "nobody");
	} else {
		buf_puts(&p->line, b->census->own_only ? "somebody else" : "none we see");
	}
}

static void put_endpoint(struct page *p, const struct census_sock *s)
{
	char text[ADDR_TEXT + 8];

	buf_printf(&p->line, "%s %s", s->mptcp ? "mptcp" : transport_name(s->transport),
		   bound_address(text, sizeof(text), s));
	if (s->peer.port && !sock_is_remains(s))
		buf_printf(&p->line, " > %s", addr_format(text, sizeof(text), &s->peer));
}

/* `tcp 0.0.0.0:8080 held by nginx[812] +4. Stop it: systemctl stop nginx.service` */
static void put_head(struct page *p, const struct block *b)
{
	struct buf advice = {0};
	char clean[CELL];
	bool command = stop_advice(&advice, p->scene, b);

	put_endpoint(p, b->first);
	buf_puts(&p->line, " held by ");
	put_owner(p, b);
	buf_puts(&p->line, command ? ". Stop it: " : ": ");
	if (advice.data)
		buf_puts(&p->line, advice.data);
	buf_done(&advice);
	sanitised(p, clean, sizeof(clean));
	text_fold(p->out, clean, 0, 2, p->options->width);
	buf_putc(p->out, '\n');
}

static void put_block(struct page *p, const struct block *b)
{
	put_head(p, b);
	put_bound(p, b);
	put_traffic(p, b);
	put_remains(p, b);
	put_holders(p, b);
	if (b->holder_count) {
		put_exe(p, b);
		put_parents(p, b);
		put_origin(p, b);
	}
	put_netns(p, b);
	put_socket(p, b);
}

/* ---- a table ---- */

static void put_cell(struct page *p, int cells, bool right)
{
	char clean[CELL], fitted[CELL];

	sanitised(p, clean, sizeof(clean));
	text_fit(fitted, sizeof(fitted), clean, cells, right);
	buf_puts(p->out, fitted);
	buf_putc(p->out, ' ');
}

/* Of systemd, of a container, or only whose network namespace it is. */
static void put_where(struct page *p, const struct block *b)
{
	const struct facts *facts = b->holder_count ? scene_facts(p->scene, b->holders[0].pid)
						    : NULL;
	const char *netns = netns_name(&p->scene->names, b->first->netns);

	if (facts && facts->origin.container[0])
		buf_printf(&p->line, "%s %.12s ", facts->origin.runtime, facts->origin.container);
	else if (facts && facts->origin.unit[0])
		buf_printf(&p->line, "%s ", facts->origin.unit);
	if (netns)
		buf_printf(&p->line, "netns %s", netns);
	else if (b->first->netns != p->scene->own_netns)
		buf_printf(&p->line, "netns %u", (unsigned int)b->first->netns);
}

static void put_row(struct page *p, const struct block *b, int where)
{
	char text[ADDR_TEXT + 8];

	buf_puts(&p->line, b->first->mptcp ? "mptcp" : transport_name(b->first->transport));
	put_cell(p, 5, false);
	buf_puts(&p->line, bound_address(text, sizeof(text), b->first));
	put_cell(p, 21, false);
	if (b->first->state == STATE_LISTEN)
		buf_printf(&p->line, "%u", b->n.established);
	put_cell(p, 5, true);
	put_owner(p, b);
	put_cell(p, 22, false);
	if (b->holder_count && b->holders[0].task)
		put_user(p, b->holders[0].task->uid);
	put_cell(p, 8, false);
	put_where(p, b);
	sanitised(p, text, sizeof(text));
	if (text_width(text) > where) {
		char fitted[CELL];

		text_fit(fitted, sizeof(fitted), text, where, false);
		buf_puts(p->out, fitted);
	} else {
		buf_puts(p->out, text);
	}
	while (p->out->len && p->out->data[p->out->len - 1] == ' ')
		p->out->data[--p->out->len] = '\0';
	buf_putc(p->out, '\n');
}

void who_text(struct buf *out, struct scene *scene, const struct answer *a,
	      const struct who_text_options *options)
{
	struct page p = {.out = out, .scene = scene, .options = options};
	int where = options->width - 66;
	struct block b;
	size_t at = 0;

	if (options->table)
		buf_puts(out, "PROTO ADDRESS                OPEN PROCESS                USER     "
			      "FROM\n");
	for (size_t n = 0; answer_block(a, &at, &b); n++) {
		bool shown = options->verbose || !options->most || n < options->most;

		if (!options->table && n && shown)
			buf_putc(out, '\n');
		if (options->table)
			put_row(&p, &b, where);
		else if (shown)
			put_block(&p, &b);
		block_done(&b);
		if (!shown) {
			buf_printf(out, "\nand %zu more sockets (-v shows all)\n",
				   a->count - (size_t)(b.socks - a->socks));
			break;
		}
	}
	buf_done(&p.line);
}
