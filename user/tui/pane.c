/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/pane.h"

#include "model/cell.h"
#include "model/history.h"
#include "model/order.h"
#include "model/sentence.h"
#include "tui/facts.h"
#include "tui/graph.h"
#include "tui/pen.h"
#include "tui/ui.h"
#include "util/buf.h"
#include "util/fmt.h"
#include "util/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LABEL_CELLS = 11, MARGIN = 1, LINE = 2048, SHOWN_HOLDERS = 8, GRAPH_LINES = 2 };

/* ---- what is shown ---- */

static void copy_row(struct pane *p, const struct row *row)
{
	uint32_t n = row->user_count < ROW_USERS ? row->user_count : ROW_USERS;

	p->row = *row;
	if (!row->users)
		return;
	memcpy(p->users, row->users, n * sizeof(*p->users));
	p->row.users = p->users;
}

void pane_open(struct pane *p, const struct row *row)
{
	struct buf kept = p->sentence;

	*p = (struct pane){.is_open = true, .sentence = kept};
	copy_row(p, row);
	if (row->is_other)
		return;
	if (row->table == TABLE_CONNECTIONS)
		p->wish.cookie = row->flow.cookie;
	if (row->table == TABLE_CONNECTIONS || row->table == TABLE_PROCESSES) {
		p->wish.pid = row->proc.pid;
		p->wish.start_ns = row->proc.start_ns;
	}
}

void pane_done(struct pane *p)
{
	buf_done(&p->sentence);
}

void pane_close(struct pane *p)
{
	p->is_open = false;
	memset(&p->wish, 0, sizeof(p->wish));
}

static bool is_same(const struct row *a, const struct row *b)
{
	return a->table == b->table && a->is_other == b->is_other &&
	       (a->is_other || !order_key(a, b));
}

void pane_refresh(struct pane *p, const struct row *row, const struct model *m)
{
	const struct detail *detail = model_detail(m);

	p->gone = !row || !is_same(row, &p->row);
	if (!p->gone)
		copy_row(p, row);
	if (detail && !memcmp(&detail->wish, &p->wish, sizeof(p->wish)))
		p->detail = *detail;
	buf_reset(&p->sentence);
	sentence(&p->sentence, &p->row, m);
	sentence_more(&p->sentence, &p->row, m);
}

/* ---- lines ---- */

static void put_line(struct pen *p, const char *label, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void put_line(struct pen *p, const char *label, const char *fmt, ...)
{
	char text[LINE];
	va_list args;

	va_start(args, fmt);
	text_vformat(text, sizeof(text), fmt, args);
	va_end(args);
	pen_put(p, 0, ATTR_KEY, label);
	pen_wrap(p, LABEL_CELLS, ATTR_NORMAL, text);
}

static void put_sentence(struct pen *p, const struct pane *pane)
{
	pen_wrap(p, 0, ATTR_BOLD, pane->sentence.data ? pane->sentence.data : "");
	if (pane->gone)
		pen_wrap(p, 0, ATTR_NOTE, "It is gone: this is how it was last seen.");
	p->line++;
}

static const char *cell(char *dst, size_t size, cell_fn *fn, const struct row *row,
			const struct model *m)
{
	fn(dst, size, row, m);
	return dst;
}

static void put_endpoints(struct pen *p, const struct row *row, const struct model *m)
{
	char local[256], peer[256], state[64];

	put_line(p, "local", "%s", cell(local, sizeof(local), cell_local, row, m));
	if (row->flow.role != ROLE_LISTENER)
		put_line(p, "peer", "%s", cell(peer, sizeof(peer), cell_peer, row, m));
	put_line(p, "state", "%s, %s, role %s, netns %u, cookie %llx",
		 transport_name(row->transport), cell(state, sizeof(state), cell_state, row, m),
		 role_name(row->flow.role), (unsigned int)row->flow.netns,
		 (unsigned long long)row->flow.so_cookie);
}

static void put_process(struct pen *p, const struct pane *pane, const struct model *m)
{
	const struct row *row = &pane->row;
	char name[256], user[256];

	if (!row->proc.pid)
		return;
	put_line(p, "process", "%s[%u], user %s (uid %u)",
		 cell(name, sizeof(name), cell_process, row, m), (unsigned int)row->proc.pid,
		 cell(user, sizeof(user), cell_user, row, m), (unsigned int)row->proc.uid);
	if (pane->detail.command[0])
		put_line(p, "command", "%s", pane->detail.command);
	if (pane->detail.exe[0])
		put_line(p, "program", "%s", pane->detail.exe);
}

/* `nginx[800] fd 6, nginx[801] fd 6, and 12 more` */
static void put_holders(struct pen *p, const struct detail *d)
{
	char text[LINE];
	size_t len = 0;
	uint32_t i;

	if (!d->wish.cookie)
		return;
	for (i = 0; i < d->holder_count && i < SHOWN_HOLDERS; i++) {
		const struct detail_holder *h = &d->holders[i];

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s[%u] fd %u",
					i ? ", " : "", h->proc.name, (unsigned int)h->proc.pid,
					(unsigned int)h->fd);
	}
	if (i < d->holder_count)
		snprintf(text + len, sizeof(text) - len, ", and %u more",
			 (unsigned int)(d->holder_count - i));
	put_line(p, "held by", "%s", d->holder_count ? text : "no process");
}

static void put_cgroup(struct pen *p, const struct row *row, const struct model *m)
{
	const char *path = model_cgroup(m, row->flow.cgroup_id);
	char unit[512];

	if (row->flow.cgroup_id && path && strcmp(path, "/") != 0)
		put_line(p, "unit", "%s  %s", cell(unit, sizeof(unit), cell_unit, row, m), path);
}

static void put_bytes(struct pen *p, const struct row *row)
{
	const struct counters *c = &row->count;
	char a[FMT_TEXT], b[FMT_TEXT];

	put_line(p, "sent", "%s/s now, %s bytes in all", fmt_rate(a, sizeof(a), c->tx_rate),
		 fmt_exact(b, sizeof(b), c->tx_total));
	put_line(p, "received", "%s/s now, %s bytes in all", fmt_rate(a, sizeof(a), c->rx_rate),
		 fmt_exact(b, sizeof(b), c->rx_total));
}

/* What changed after the tick is of now. */
static uint64_t since(uint64_t then_ns, uint64_t now_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

static void put_times(struct pen *p, const struct row *row, const struct model *m)
{
	uint64_t now_ns = model_totals(m)->time_ns;
	char a[FMT_TEXT], b[FMT_TEXT];

	put_line(p, "age", "%s, last change %s ago",
		 fmt_age(a, sizeof(a), since(row->count.first_ns, now_ns)),
		 fmt_age(b, sizeof(b), since(row->count.last_ns, now_ns)));
}

/* Bars of the last intervals, two lines high, with what the highest stands for. */
static void put_graph(struct pen *p, const char *label, const uint64_t *values,
		      const struct history *h, enum attr attr, bool ascii)
{
	int cells = p->at.cols - LABEL_CELLS;
	char line[3 * HISTORY_SAMPLES + 1], text[FMT_TEXT], age[FMT_TEXT], say[3 * FMT_TEXT];
	uint64_t most = graph_most(values, h->count);

	if (!most)
		return;
	if (cells > HISTORY_SAMPLES)
		cells = HISTORY_SAMPLES;
	snprintf(say, sizeof(say), "up to %s/s in the last %s", fmt_rate(text, sizeof(text), most),
		 fmt_age(age, sizeof(age), h->span_ns));
	pen_put(p, 0, ATTR_KEY, label);
	pen_put(p, LABEL_CELLS, ATTR_DIM, say);
	p->line++;
	for (int i = GRAPH_LINES - 1; i >= 0; i--) {
		graph_line(line, sizeof(line), values, h->count, cells, most, i, GRAPH_LINES,
			   ascii);
		pen_put(p, LABEL_CELLS, attr, line);
		p->line++;
	}
}

static void put_facts(struct pen *p, const struct pane *pane)
{
	struct facts_text facts;

	facts_write(&facts, &pane->detail);
	for (int i = 0; i < facts.count; i++)
		put_line(p, facts.label[i], "%s", facts.text[i]);
}

static int compose(struct screen *s, const struct ui *ui, const struct model *m)
{
	const struct pane *pane = &ui->pane;
	const struct history *h = ui->histories ? histories_find(ui->histories, &pane->row) : NULL;
	bool is_conn = pane->row.table == TABLE_CONNECTIONS && !pane->row.is_other;
	struct pen p = {.screen = s, .at = ui->layout.overlay, .skip = pane->offset};

	p.at.col += MARGIN;
	p.at.cols -= 2 * MARGIN;
	put_sentence(&p, pane);
	if (is_conn)
		put_endpoints(&p, &pane->row, m);
	put_process(&p, pane, m);
	if (pane->detail.found)
		put_holders(&p, &pane->detail);
	if (is_conn)
		put_cgroup(&p, &pane->row, m);
	put_times(&p, &pane->row, m);
	put_bytes(&p, &pane->row);
	if (is_conn)
		put_facts(&p, pane);
	if (h) {
		put_graph(&p, "sent", h->tx, h, ATTR_SENT, ui->ascii);
		put_graph(&p, "received", h->rx, h, ATTR_RECEIVED, ui->ascii);
	}
	return p.line;
}

int pane_height(const struct ui *ui, const struct model *m)
{
	return compose(NULL, ui, m);
}

void pane_draw(struct screen *s, const struct ui *ui, const struct model *m)
{
	compose(s, ui, m);
}
