/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/header.h"

#include "tui/graph.h"
#include "tui/rows.h"
#include "tui/screen.h"
#include "tui/ui.h"
#include "util/fmt.h"
#include "util/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { FACTS_MAX = 24, FACT_TEXT = 4 * EVENT_TEXT, GAP = 2, GRAPH_MOST = 40 };

enum { /* which fact stays when a line is full: the highest */
       RANK_MORE,
       RANK_COST,
       RANK_OPENED,
       RANK_TOTALS,
       RANK_LOST_NONE,
       RANK_LISTENERS,
       RANK_HOST,
       RANK_NAME,
       RANK_TIME,
       RANK_OPEN,
       RANK_NOTE,
       RANK_RATES,
       RANK_WARNING,
};

struct fact {
	int line, rank;
	enum attr attr;
	bool right;  /* stands at the right edge */
	int squeeze; /* cells it can do with; 0 = all or nothing */
	int cells;   /* as drawn; 0 = left out */
	char text[FACT_TEXT];
};

struct facts {
	int lines, count;
	struct fact list[FACTS_MAX];
};

static struct fact *add(struct facts *f, int line, int rank, enum attr attr, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

static struct fact *add(struct facts *f, int line, int rank, enum attr attr, const char *fmt, ...)
{
	struct fact *fact = &f->list[f->count < FACTS_MAX - 1 ? f->count++ : FACTS_MAX - 1];
	va_list ap;

	*fact = (struct fact){
		.line = line < f->lines ? line : f->lines - 1, /* few lines: the last takes all */
		.rank = rank,
		.attr = attr,
	};
	va_start(ap, fmt);
	vsnprintf(fact->text, sizeof(fact->text), fmt, ap);
	va_end(ap);
	return fact;
}

/* At most three decimals, with a point in every locale: `0.25`, `1`. */
static char *decimal(char *dst, size_t size, uint64_t thousandths)
{
	int len = snprintf(dst, size, "%" PRIu64 ".%03u", thousandths / 1000,
			   (unsigned int)(thousandths % 1000));

	while (dst[len - 1] == '0')
		dst[--len] = '\0';
	if (dst[len - 1] == '.')
		dst[len - 1] = '\0';
	return dst;
}

/* Share of a core, two decimals: `0.84`. */
static char *percent(char *dst, size_t size, uint64_t part_ns, uint64_t whole_ns)
{
	double hundredths = whole_ns ? (double)part_ns * 10000 / (double)whole_ns : 0;

	return decimal(dst, size, (uint64_t)(hundredths + 0.5) * 10);
}

static void add_clock(struct facts *f, const struct ui *ui)
{
	const struct model_totals *t = &ui->totals;
	time_t seconds = (time_t)(t->wall_ns / 1000000000);
	char text[FMT_TEXT], budget[FMT_TEXT];
	int first = f->count;
	struct tm tm;

	if (ui->paused)
		add(f, 0, RANK_WARNING, ATTR_WARNING, " PAUSED %s ",
		    fmt_age(text, sizeof(text), ui->paused_ns));
	if (t->wall_ns && localtime_r(&seconds, &tm) &&
	    strftime(text, sizeof(text), "%H:%M:%S", &tm))
		add(f, 0, RANK_TIME, ATTR_NORMAL, "%s", text);
	if (t->stretched_ns)
		add(f, 0, RANK_NOTE, ATTR_NOTE, "every %ss: %sCPU budget %s%%",
		    decimal(text, sizeof(text), t->stretched_ns / 1000000),
		    t->over_budget ? "over " : "",
		    decimal(budget, sizeof(budget), t->budget / 10000));
	else
		add(f, 0, RANK_TOTALS, ATTR_DIM, "every %ss",
		    decimal(text, sizeof(text), ui->delay_ns / 1000000));
	for (int i = first; i < f->count; i++)
		f->list[i].right = true;
}

/* Totals of the last intervals, as soon as there are two to compare. */
static void add_graph(struct facts *f, const struct ui *ui)
{
	const struct history *h = &ui->all;
	int cells = ui->cols / 8 < GRAPH_MOST ? ui->cols / 8 : GRAPH_MOST;
	char line[3 * GRAPH_MOST + 1];
	uint64_t most = graph_most(h->tx, h->count), rx = graph_most(h->rx, h->count);

	if (h->count < 2)
		return;
	most = rx > most ? rx : most; /* one scale, or the two could not be compared */
	graph_line(line, sizeof(line), h->tx, h->count, cells, most, 0, 1, ui->ascii);
	add(f, 0, RANK_MORE, ATTR_SENT, "TX %s", line)->right = true;
	graph_line(line, sizeof(line), h->rx, h->count, cells, most, 0, 1, ui->ascii);
	add(f, 0, RANK_MORE, ATTR_RECEIVED, "RX %s", line)->right = true;
}

static void add_host(struct facts *f, const struct ui *ui)
{
	char host[FACT_TEXT];
	struct fact *fact;

	add(f, 0, RANK_NAME, ATTR_BOLD, "sockwatch");
	text_sanitize(host, sizeof(host), ui->totals.host,
		      strnlen(ui->totals.host, sizeof(ui->totals.host)));
	if (host[0]) {
		fact = add(f, 0, RANK_HOST, ATTR_NORMAL, "%s", host);
		fact->squeeze = 8;
	}
	if (ui->filter) {
		text_sanitize(host, sizeof(host), ui->filter, strlen(ui->filter));
		fact = add(f, 0, RANK_RATES, ATTR_NOTE, "filter: %.600s", host);
		fact->squeeze = 16;
	}
	if (ui->into.count) {
		into_text(host, sizeof(host), &ui->into, ui->ascii);
		fact = add(f, 0, RANK_RATES, ATTR_NOTE, "in %.600s", host);
		fact->squeeze = f->lines > 2 ? 48 : 16;
	}
	if (ui->keep)
		add(f, 0, RANK_NOTE, ATTR_NOTE, "keeps ended");
	if (!ui->totals.ticks)
		add(f, 0, RANK_OPEN, ATTR_NOTE, "starting ...");
}

static void add_traffic(struct facts *f, const struct counters *c)
{
	char a[FMT_TEXT];

	add(f, 1, RANK_RATES, ATTR_SENT, "TX %s/s", fmt_rate(a, sizeof(a), c->tx_rate));
	add(f, 1, RANK_TOTALS, ATTR_DIM, "%s sent", fmt_bytes(a, sizeof(a), c->tx_total));
	add(f, 1, RANK_RATES, ATTR_RECEIVED, "RX %s/s", fmt_rate(a, sizeof(a), c->rx_rate));
	add(f, 1, RANK_TOTALS, ATTR_DIM, "%s received", fmt_bytes(a, sizeof(a), c->rx_total));
	add(f, 1, RANK_OPEN, ATTR_NORMAL, "%s open", fmt_count(a, sizeof(a), c->open));
	add(f, 1, RANK_OPENED, ATTR_NORMAL, "%s opened", fmt_count(a, sizeof(a), c->opened));
	add(f, 1, RANK_LISTENERS, ATTR_NORMAL, "%s listening",
	    fmt_count(a, sizeof(a), c->listening));
	if (c->failed)
		add(f, 1, RANK_OPENED, ATTR_FAILED, "%s failed",
		    fmt_count(a, sizeof(a), c->failed));
}

/* Every reason with its count: what is missing must not hide behind a sum. */
static void add_lost(struct facts *f, const struct model_totals *t)
{
	char text[FACT_TEXT] = "", n[FMT_TEXT];
	struct fact *fact;
	size_t len = 0;

	for (int i = 0; i < LOST_COUNT; i++) {
		if (t->lost[i])
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s %s ",
						lost_name((uint8_t)i),
						fmt_exact(n, sizeof(n), t->lost[i]));
	}
	if (len)
		fact = add(f, 2, RANK_WARNING, ATTR_WARNING, " LOST %.600s", text);
	else
		fact = add(f, 2, RANK_LOST_NONE, ATTR_DIM, "lost 0");
	fact->squeeze = 12;
	for (int i = 0; i < TABLE_COUNT; i++) {
		if (!t->evicted[i])
			continue;
		fact = add(f, 2, RANK_NOTE, ATTR_NOTE, "%s %s folded into other",
			   fmt_exact(n, sizeof(n), t->evicted[i]), table_info[i].key);
		fact->squeeze = 12;
	}
}

static void add_cost(struct facts *f, const struct ui *ui)
{
	const struct model_totals *t = &ui->totals;
	char cpu[FMT_TEXT], rss[FMT_TEXT], records[FMT_TEXT];

	if (t->ticks)
		add(f, 2, RANK_COST, ATTR_DIM, "own cost: %s%% of a core, %s memory, %s records/s",
		    percent(cpu, sizeof(cpu), t->cpu_tick_ns, t->interval_ns),
		    fmt_bytes(rss, sizeof(rss), t->rss_bytes),
		    fmt_count(records, sizeof(records), ui->records_rate));
}

/* What our programs add to the calls of others. */
static void add_programs(struct facts *f, const struct model_totals *t)
{
	const struct program_cost *c = &t->programs_tick;
	char share[FMT_TEXT], each[FMT_TEXT], rate[FMT_TEXT];

	if (t->programs_error || !c->counted_ns) {
		add(f, 0, RANK_WARNING, ATTR_NOTE, "programs: %s",
		    !t->programs_error           ? "counted from now on"
		    : t->programs_error == EPERM ? "cost not known (needs CAP_SYS_ADMIN)"
						 : "cost not known (needs Linux 5.8)")
			->squeeze = 10;
		return;
	}
	percent(share, sizeof(share), c->ns, c->counted_ns);
	fmt_count(each, sizeof(each), c->runs ? (c->ns + c->runs / 2) / c->runs : 0);
	fmt_count(rate, sizeof(rate), (uint64_t)((double)c->runs * 1e9 / (double)c->counted_ns));
	add(f, 0, RANK_RATES, ATTR_NORMAL, "programs %s%% of a core", share)->squeeze = 14;
	add(f, 0, RANK_OPEN, ATTR_NORMAL, "%s ns/event", each);
	add(f, 0, RANK_MORE, ATTR_DIM, "%s events/s", rate);
}

/* What add_cost and add_lost say, where the header has no room for it. */
static void add_process(struct facts *f, const struct ui *ui)
{
	const struct model_totals *t = &ui->totals;
	uint64_t lost = 0;
	char text[FMT_TEXT];

	for (int i = 0; i < LOST_COUNT; i++)
		lost += t->lost[i];
	add(f, 1, RANK_TIME, ATTR_NORMAL, "own %s%%",
	    percent(text, sizeof(text), t->cpu_tick_ns, t->interval_ns));
	add(f, 1, RANK_NAME, ATTR_NORMAL, "%s RSS", fmt_bytes(text, sizeof(text), t->rss_bytes));
	add(f, 1, RANK_HOST, ATTR_NORMAL, "%s rec/s",
	    fmt_count(text, sizeof(text), ui->records_rate));
	add(f, 1, RANK_HOST, lost ? ATTR_WARNING : ATTR_DIM, "lost %s",
	    fmt_count(text, sizeof(text), lost));
}

static void add_note(struct facts *f, const struct model_totals *t)
{
	static const char degraded[] = "degraded: "; /* so begins what is counted, but not well */
	char note[FACT_TEXT], count[FMT_TEXT] = "";
	const char *label = "not seen: ", *text = note;

	if (!t->note_count)
		return;
	text_sanitize(note, sizeof(note), t->notes[0], strnlen(t->notes[0], sizeof(t->notes[0])));
	if (t->note_count > 1)
		snprintf(count, sizeof(count), "(1 of %" PRIu32 ", ? shows all) ", t->note_count);
	if (!strncmp(note, degraded, sizeof(degraded) - 1)) {
		label = degraded;
		text += sizeof(degraded) - 1;
	}
	add(f, 3, RANK_NOTE, ATTR_NOTE, "%s%s%.512s", label, count, text)->squeeze = 16;
}

static int line_cells(const struct facts *f, int line)
{
	int cells = 0;

	for (int i = 0; i < f->count; i++) {
		if (f->list[i].line == line && f->list[i].cells)
			cells += f->list[i].cells + (cells ? GAP : 0);
	}
	return cells;
}

static struct fact *weakest(struct facts *f, int line)
{
	struct fact *least = NULL;

	for (int i = 0; i < f->count; i++) {
		struct fact *fact = &f->list[i];

		if (fact->line == line && fact->cells && (!least || fact->rank <= least->rank))
			least = fact;
	}
	return least;
}

/* Squeeze what can be squeezed, leave out the weakest until the rest fits, then give back. */
static void fit(struct facts *f, int line, int cols)
{
	int spare;

	for (int i = 0; i < f->count; i++) {
		struct fact *fact = &f->list[i];

		fact->cells = text_width(fact->text);
		if (fact->line == line && fact->squeeze && fact->cells > fact->squeeze)
			fact->cells = fact->squeeze;
	}
	while (line_cells(f, line) > cols && weakest(f, line)->rank < RANK_WARNING)
		weakest(f, line)->cells = 0;
	spare = cols - line_cells(f, line);
	for (int i = f->count - 1; i >= 0 && spare > 0; i--) {
		struct fact *fact = &f->list[i];
		int more = text_width(fact->text) - fact->cells;

		if (fact->line != line || !fact->cells || more <= 0)
			continue;
		fact->cells += more < spare ? more : spare;
		spare = cols - line_cells(f, line);
	}
}

static void draw_line(struct screen *s, const struct facts *f, int line, int row, int cols)
{
	int left = 0, right = cols;
	char text[FACT_TEXT + 1];

	for (int i = f->count - 1; i >= 0; i--) {
		const struct fact *fact = &f->list[i];

		if (fact->line != line || !fact->cells || !fact->right)
			continue;
		right -= fact->cells;
		screen_put(s, row, right, fact->cells, fact->attr, fact->text);
		right -= GAP;
	}
	for (int i = 0; i < f->count; i++) {
		const struct fact *fact = &f->list[i];

		if (fact->line != line || !fact->cells || fact->right)
			continue;
		text_fit(text, sizeof(text), fact->text, fact->cells, 0);
		left = GAP + screen_put(s, row, left, fact->cells, fact->attr, text);
	}
}

static void draw_facts(struct screen *s, struct facts *f, const struct rect *r)
{
	for (int line = 0; line < r->rows; line++) {
		fit(f, line, r->cols);
		draw_line(s, f, line, r->row + line, r->cols);
	}
}

void header_cost(struct screen *s, const struct ui *ui)
{
	const struct rect *r = &ui->layout.cost;
	struct facts facts = {.lines = r->rows};

	if (!r->rows)
		return;
	add_programs(&facts, &ui->totals);
	if (ui->layout.header.rows < 3)
		add_process(&facts, ui);
	draw_facts(s, &facts, r);
}

void header_draw(struct screen *s, const struct ui *ui)
{
	const struct rect *r = &ui->layout.header;
	struct facts facts = {.lines = r->rows};

	add_host(&facts, ui);
	add_graph(&facts, ui);
	add_clock(&facts, ui);
	add_traffic(&facts, &ui->totals.count);
	add_lost(&facts, &ui->totals);
	add_cost(&facts, ui);
	add_note(&facts, &ui->totals);
	draw_facts(s, &facts, r);
}

/* --- tabs --- */

enum tab_form { /* how much of the tabs fits: names, counts; all of the one in use and of failures
		 */
		TABS_WHOLE,
		TABS_BRIEF,
		TABS_NAMES,
		TABS_NUMBERS,
		TABS_ONE,
};

static void tab_text(char *dst, size_t size, const struct ui *ui, int at, enum tab_form form)
{
	enum table_kind table = table_order[at];
	const struct table_info *info = &table_info[table];
	bool active = table == ui->tab || (table == TABLE_FAILURES && ui->row_count[table]);
	char n[FMT_TEXT];

	fmt_count(n, sizeof(n), ui->row_count[table]);
	if (form == TABS_WHOLE)
		snprintf(dst, size, " %d %s %s ", at + 1, info->title, n);
	else if (form == TABS_BRIEF)
		snprintf(dst, size, " %d %s %s ", at + 1, info->brief, n);
	else if ((active && form < TABS_ONE) || table == ui->tab)
		snprintf(dst, size, " %d%s %s ", at + 1, info->brief, n);
	else if (form == TABS_NAMES)
		snprintf(dst, size, " %d%s ", at + 1, info->brief);
	else if (form == TABS_NUMBERS)
		snprintf(dst, size, " %d ", at + 1);
	else
		*dst = '\0';
}

static int tabs_cells(const struct ui *ui, enum tab_form form)
{
	char text[64];
	int cells = 0;

	for (int at = 0; at < TABLE_COUNT; at++) {
		tab_text(text, sizeof(text), ui, at, form);
		cells += text_width(text);
	}
	return cells;
}

void header_tabs(struct screen *s, const struct ui *ui)
{
	const struct rect *r = &ui->layout.tabs;
	const struct ui_tab *tab = &ui->tabs[ui->tab];
	const struct column *sort = tab->view.sort;
	enum tab_form form = TABS_WHOLE;
	char text[64], *order;
	int col = 0, right;

	while (form < TABS_ONE && tabs_cells(ui, form) > r->cols)
		form++;
	screen_fill(s, r->row, 0, r->cols, ATTR_TAB);
	for (int at = 0; at < TABLE_COUNT; at++) {
		enum attr attr = table_order[at] == ui->tab ? ATTR_ACTIVE_TAB : ATTR_TAB;

		tab_text(text, sizeof(text), ui, at, form);
		col = screen_put(s, r->row, col, r->cols - col, attr, text);
	}
	snprintf(text, sizeof(text), "sorted by %s %s",
		 sort == tab->first_sort ? table_info[ui->tab].sort_text : sort->title,
		 rows_sort_mark(ui));
	order = col + text_width(text) <= r->cols ? text : strstr(text, "by ");
	right = r->cols - text_width(order);
	if (right >= col)
		screen_put(s, r->row, right, text_width(order), ATTR_TAB, order);
}
