/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "findings.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "traffic/stage.h"
#include "util/buf.h"
#include "util/text.h"

enum {
	CELL = 512,
	WIDTH = 80,     /* of the table; reasons are folded to it */
	REASON_AT = 30, /* column: behind kind and families */
	SHOWN = 8,      /* flows of a run that is wrong, unless all are asked for */
};

/** How many kinds came out how; a kind is as good as the worst of its families. */
struct counts {
	unsigned int of[VERDICT_COUNT];
};

static const struct tally_run *run_at(const struct findings *f, size_t i)
{
	return i < f->result.run_count ? &f->result.runs[i] : NULL;
}

/** The other family of the same kind, when it is the next run; or NULL. */
static const struct tally_run *twin_of(const struct findings *f, size_t i)
{
	const struct tally_run *run = run_at(f, i), *next = run_at(f, i + 1);

	return next && run->run % 2 == 0 && next->run == run->run + 1 ? next : NULL;
}

static enum verdict worst(enum verdict a, enum verdict b)
{
	if (a == VERDICT_SKIPPED || b == VERDICT_SKIPPED) /* where one is skipped, the other says */
		return a == VERDICT_SKIPPED ? b : a;
	return a > b ? a : b;
}

static struct counts count(const struct findings *f)
{
	struct counts counts = {{0}};
	const struct tally_run *run, *twin;
	size_t i;

	for (i = 0; (run = run_at(f, i)); i += twin ? 2 : 1) {
		twin = twin_of(f, i);
		counts.of[twin ? worst(run->verdict, twin->verdict) : run->verdict]++;
	}
	return counts;
}

bool findings_clean(const struct findings *f)
{
	const struct tally_result *r = &f->result;
	struct counts counts = count(f);

	return r->run_count && !counts.of[VERDICT_WRONG] && !counts.of[VERDICT_UNOWNED] &&
	       !r->stray_tx && !r->stray_rx && !r->dropped;
}

/* ---- text ---- */

static const char table_head[] =
	"                                     MOVED               COUNTED\n"
	"KIND                     IP         TX        RX        TX        RX  RESULT\n";

static void put_numbers(struct buf *b, uint64_t tx, uint64_t rx, uint64_t counted_tx,
			uint64_t counted_rx)
{
	buf_printf(b, " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64, tx, rx, counted_tx,
		   counted_rx);
}

/** To the end of a line that is at column @at, and on below @indent. It may hold what a process has
 *  said: on the terminal only as printable text. */
static void put_reason(struct buf *b, const char *reason, int at, int indent)
{
	char text[CELL];

	text_sanitize(text, sizeof(text), reason, strlen(reason));
	text_fold(b, text, at, indent, WIDTH);
	buf_putc(b, '\n');
}

static void put_flow(struct buf *b, const struct tally_flow *flow)
{
	char label[CELL], why[CELL] = "";

	if (flow->pid)
		snprintf(label, sizeof(label), "  pid %u %s", flow->pid, flow->role);
	else
		snprintf(label, sizeof(label), "  no process");
	if (flow->unexpected && flow->pid)
		snprintf(why, sizeof(why), "socket %" PRIu64 ", not moved by this process",
			 flow->cookie);
	else if (flow->unexpected)
		snprintf(why, sizeof(why), "socket %" PRIu64 ", process not known (%s)",
			 flow->cookie, unattributed_name(flow->unattributed));
	else if (flow->wrong || !flow->pid)
		snprintf(why, sizeof(why), "socket %" PRIu64, flow->cookie);
	buf_printf(b, "%-28s", label);
	put_numbers(b, flow->tx, flow->rx, flow->counted_tx, flow->counted_rx);
	buf_puts(b, flow->wrong ? "  differs\n" : "  ok\n");
	if (!why[0])
		return;
	buf_puts(b, "    ");
	put_reason(b, why, 4, 4);
}

static void put_flows(const struct findings *f, struct buf *b, const struct tally_run *run,
		      bool all)
{
	size_t wrong = 0;

	for (size_t i = 0; i < run->count; i++) {
		const struct tally_flow *flow = &f->result.flows[run->first + i];

		wrong += flow->wrong;
		if (all || (flow->wrong && wrong <= SHOWN))
			put_flow(b, flow);
	}
	if (!all && wrong > SHOWN)
		buf_printf(b, "  and %zu more\n", wrong - SHOWN);
}

static void put_row(struct buf *b, const struct tally_run *run, const char *ip)
{
	static const char *const words[VERDICT_COUNT] = {
		[VERDICT_EXACT] = "ok",
		[VERDICT_UNOWNED] = "unowned",
		[VERDICT_SKIPPED] = "skipped",
		[VERDICT_WRONG] = "WRONG",
	};
	const char *name = "?";
	int family;

	stage_run_of(run->run, &name, &family);
	buf_printf(b, "%-24s %-3s", name, ip);
	if (run->count) {
		put_numbers(b, run->tx, run->rx, run->counted_tx, run->counted_rx);
		buf_printf(b, "  %s\n", words[run->verdict]);
		if (!run->reason[0])
			return;
		buf_puts(b, "  ");
		put_reason(b, run->reason, 2, 2);
		return;
	}
	buf_printf(b, "  %s: ", words[run->verdict]);
	put_reason(b, run->reason, REASON_AT + (int)strlen(words[run->verdict]) + 2, REASON_AT);
}

static struct tally_run sum(const struct tally_run *a, const struct tally_run *b)
{
	struct tally_run both = *a;

	both.tx += b->tx;
	both.rx += b->rx;
	both.counted_tx += b->counted_tx;
	both.counted_rx += b->counted_rx;
	return both;
}

/** One line when both families came out the same and well. */
static bool is_one_line(const struct tally_run *run, const struct tally_run *twin)
{
	return twin && run->verdict == twin->verdict && run->verdict != VERDICT_WRONG &&
	       !strcmp(run->reason, twin->reason);
}

static void put_table(const struct findings *f, struct buf *b, bool verbose)
{
	const struct tally_run *run, *twin;
	struct tally_run both;
	size_t i;

	buf_puts(b, table_head);
	for (i = 0; (run = run_at(f, i)); i++) {
		twin = verbose ? NULL : twin_of(f, i);
		if (is_one_line(run, twin)) {
			both = sum(run, twin);
			put_row(b, &both, "4 6");
			i++;
			continue;
		}
		put_row(b, run, run->run % 2 ? "6" : "4");
		put_flows(f, b, run, verbose);
		if (twin && !f->has_ipv6)
			i++; /* said at the top, once for all */
	}
}

static void put_head(const struct findings *f, struct buf *b)
{
	buf_printf(b, "sockwatch %s, Linux %s\nKnown traffic over loopback, ", SOCKWATCH_VERSION,
		   f->release);
	if (f->no_netns[0])
		buf_printf(b, "in this network namespace\n(no other: %s)\n", f->no_netns);
	else
		buf_puts(b, "in a network namespace of its own\n");
	if (!f->has_ipv6)
		buf_puts(b, "No IPv6 here: IPv4 alone.\n");
	if (f->any_pid)
		buf_puts(b, "In a pid namespace: bytes are compared for each socket, not for each "
			    "process.\n");
	for (size_t i = 0; i < f->note_count; i++) {
		buf_puts(b, "Not seen: ");
		put_reason(b, f->notes[i], 10, 10);
	}
	buf_putc(b, '\n');
}

static void put_sum(const struct findings *f, struct buf *b)
{
	struct counts counts = count(f);
	bool any = false;

	buf_printf(b, "\n%u kinds exact, %u wrong, %u skipped", counts.of[VERDICT_EXACT],
		   counts.of[VERDICT_WRONG], counts.of[VERDICT_SKIPPED]);
	if (counts.of[VERDICT_UNOWNED])
		buf_printf(b, ", %u unowned\nunowned: every byte, but not always its process",
			   counts.of[VERDICT_UNOWNED]);
	buf_putc(b, '\n');
	if (f->result.stray_tx || f->result.stray_rx)
		buf_printf(b,
			   "WRONG: tx %" PRIu64 " rx %" PRIu64
			   " bytes were counted on sockets that "
			   "nobody opened\n",
			   f->result.stray_tx, f->result.stray_rx);
	if (f->result.dropped)
		buf_printf(b, "WRONG: the host is too busy: %" PRIu64 " counts were dropped\n",
			   f->result.dropped);
	for (int i = 0; i < LOST_COUNT; i++) {
		if (!f->lost[i])
			continue;
		buf_printf(b, "%s%s %" PRIu64, any ? ", " : "lost: ", lost_name((uint8_t)i),
			   f->lost[i]);
		any = true;
	}
	if (any)
		buf_putc(b, '\n');
	buf_puts(b, findings_clean(f) ? "All that this kernel supports is exact.\n"
				      : "Not all that this kernel supports is exact.\n");
}

void findings_text(const struct findings *f, struct buf *b, bool verbose)
{
	put_head(f, b);
	put_table(f, b, verbose);
	put_sum(f, b);
}

/* ---- JSON ---- */

static void put_string(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, ",\"%s\":\"", key);
	text_json(b, value, strlen(value));
	buf_putc(b, '"');
}

static void put_bytes(struct buf *b, uint64_t tx, uint64_t rx, uint64_t counted_tx,
		      uint64_t counted_rx)
{
	buf_printf(b,
		   ",\"tx_bytes\":%" PRIu64 ",\"rx_bytes\":%" PRIu64
		   ",\"counted_tx_bytes\":%" PRIu64 ",\"counted_rx_bytes\":%" PRIu64,
		   tx, rx, counted_tx, counted_rx);
}

static void json_flows(const struct findings *f, struct buf *b, const struct tally_run *run,
		       bool all)
{
	const char *comma = "";

	buf_puts(b, ",\"flows\":[");
	for (size_t i = 0; i < run->count; i++) {
		const struct tally_flow *flow = &f->result.flows[run->first + i];

		if (!all && !flow->wrong)
			continue;
		buf_printf(b, "%s{\"process.pid\":%u,\"sockwatch.cookie\":%" PRIu64, comma,
			   flow->pid, flow->cookie);
		put_string(b, "role", flow->role);
		put_bytes(b, flow->tx, flow->rx, flow->counted_tx, flow->counted_rx);
		if (flow->unexpected && !flow->pid)
			put_string(b, "unattributed", unattributed_name(flow->unattributed));
		buf_putc(b, '}');
		comma = ",";
	}
	buf_putc(b, ']');
}

static void json_run(const struct findings *f, struct buf *b, const struct tally_run *run,
		     bool verbose)
{
	const char *name = "?";
	int family = AF_INET;

	stage_run_of(run->run, &name, &family);
	buf_puts(b, "{\"sockwatch.record\":\"kind\"");
	put_string(b, "kind", name);
	put_string(b, "network.type", family == AF_INET ? "ipv4" : "ipv6");
	put_string(b, "result", verdict_name(run->verdict));
	if (run->reason[0])
		put_string(b, "reason", run->reason);
	if (run->count)
		put_bytes(b, run->tx, run->rx, run->counted_tx, run->counted_rx);
	if (verbose || run->verdict == VERDICT_WRONG || run->verdict == VERDICT_UNOWNED)
		json_flows(f, b, run, verbose);
	buf_puts(b, "}\n");
}

static void json_end(const struct findings *f, struct buf *b)
{
	struct counts counts = count(f);

	buf_puts(b, "{\"sockwatch.record\":\"end\"");
	put_string(b, "version", SOCKWATCH_VERSION);
	put_string(b, "kernel", f->release);
	buf_printf(b, ",\"own_netns\":%s,\"ipv6\":%s,\"pids_compared\":%s",
		   f->no_netns[0] ? "false" : "true", f->has_ipv6 ? "true" : "false",
		   f->any_pid ? "false" : "true");
	buf_puts(b, ",\"notes\":[");
	for (size_t i = 0; i < f->note_count; i++) {
		buf_puts(b, i ? ",\"" : "\"");
		text_json(b, f->notes[i], strlen(f->notes[i]));
		buf_putc(b, '"');
	}
	buf_puts(b, "],\"kinds\":{");
	for (int i = 0; i < VERDICT_COUNT; i++)
		buf_printf(b, "%s\"%s\":%u", i ? "," : "", verdict_name(i), counts.of[i]);
	buf_puts(b, "},\"lost\":{");
	for (int i = 0; i < LOST_COUNT; i++)
		buf_printf(b, "%s\"%s\":%" PRIu64, i ? "," : "", lost_name((uint8_t)i), f->lost[i]);
	buf_printf(b,
		   "},\"stray_tx_bytes\":%" PRIu64 ",\"stray_rx_bytes\":%" PRIu64
		   ",\"dropped\":%" PRIu64 ",\"exact\":%s}\n",
		   f->result.stray_tx, f->result.stray_rx, f->result.dropped,
		   findings_clean(f) ? "true" : "false");
}

void findings_json(const struct findings *f, struct buf *b, bool verbose)
{
	for (size_t i = 0; i < f->result.run_count; i++)
		json_run(f, b, &f->result.runs[i], verbose);
	json_end(f, b);
}
