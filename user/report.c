/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "report.h"

#include <stdio.h>
#include <string.h>

#include "util/buf.h"
#include "util/text.h"

enum {
	TEXT = 512,
	NAME_AT = 8, /* columns: a word for how good it is, a name, the rest */
	REST_AT = 41,
	STACKED = 64, /* narrower than this, the rest goes below the name */
};

static void choose(struct report *r)
{
	r->assumed = !needs_asked(&r->caps);
	r->given = r->caps;
	if (r->assumed)
		needs_grant(&r->given, false);
	hooks_choose(&r->given, r->without);
	if (r->assumed)
		needs_grant(&r->given, true);
	hooks_choose(&r->given, r->chosen);
}

void report_judge(struct report *r)
{
	r->refusal[0] = '\0';
	needs_judge(&r->caps, r->needs);
	choose(r);
	if (!needs_refusal(&r->caps, r->refusal, sizeof(r->refusal)))
		hooks_refusal(&r->caps, r->chosen, r->refusal, sizeof(r->refusal));
	r->exact = !r->refusal[0];
	for (int i = 0; i < HOOK_PURPOSES; i++)
		r->exact &= hooks_exact(r->chosen, i);
}

/* ---- what there is to say of a purpose ---- */

static const char *grade(const int chosen[HOOK_PURPOSES], int purpose)
{
	if (hooks_exact(chosen, purpose))
		return "exact";
	if (hooks_degraded(chosen, purpose))
		return "less";
	return chosen[purpose] >= 0 ? "partly" : "no";
}

/* As good as it gets: with a question mark if it hangs on what nobody may ask here. */
static void put_verdict(char *dst, size_t size, const struct report *r, int purpose)
{
	const char *best = grade(r->chosen, purpose), *worst = grade(r->without, purpose);

	snprintf(dst, size, "%s%s", best, strcmp(best, worst) ? "?" : "");
}

static const char *name_of(int purpose, int k)
{
	return k >= 0 ? hooks[purpose].alternatives[k].name : "";
}

static void put_way(char *dst, size_t size, const struct report *r, int purpose)
{
	const char *best = name_of(purpose, r->chosen[purpose]);
	const char *other = name_of(purpose, r->without[purpose]);

	if (!strcmp(best, other))
		snprintf(dst, size, "%s", best[0] ? best : "-");
	else
		snprintf(dst, size, "%s if there are BPF trampolines, else %s", best,
			 other[0] ? other : "nothing");
}

/* Without BTF it cannot be said what else there is not. */
static void put_lacking(char *dst, size_t size, const struct report *r, int purpose, int k)
{
	if (r->given.has[KCAP_BTF])
		hooks_lacking(&r->given, purpose, k, dst, size);
	else
		snprintf(dst, size, "%s", kcap_name(KCAP_BTF));
}

static const char *gap(const struct report *r, int purpose)
{
	const struct hook *hook = &hooks[purpose];
	int k = r->without[purpose];

	if (k >= 0)
		return hook->alternatives[k].gap;
	return hook->missing ? hook->missing : hook->unseen;
}

/* ---- text ---- */

struct page {
	struct buf *b;
	int width;
};

static void put_row(const struct page *p, const char *word, const char *name, const char *rest)
{
	bool stacked = p->width < STACKED;
	int at = stacked ? NAME_AT : REST_AT;
	char text[TEXT];

	text_sanitize(text, sizeof(text), rest, strlen(rest));
	buf_printf(p->b, "%-*s", NAME_AT, word);
	text_fold(p->b, name, NAME_AT, NAME_AT, p->width);
	if (stacked)
		buf_printf(p->b, "\n%*s", NAME_AT, "");
	else
		buf_printf(p->b, "%*s", REST_AT - NAME_AT - text_width(name), "");
	text_fold(p->b, text, at, at, p->width);
	buf_putc(p->b, '\n');
}

/* A line below a row: `unseen: ...`. */
static void put_detail(const struct page *p, const char *label, const char *detail)
{
	char text[TEXT];
	int at = NAME_AT + (int)strlen(label) + 2;

	text_sanitize(text, sizeof(text), detail, strlen(detail));
	buf_printf(p->b, "%*s%s: ", NAME_AT, "", label);
	text_fold(p->b, text, at, p->width < STACKED ? NAME_AT + 2 : at, p->width);
	buf_putc(p->b, '\n');
}

static void put_paragraph(const struct page *p, const char *paragraph)
{
	char text[TEXT];

	text_sanitize(text, sizeof(text), paragraph, strlen(paragraph));
	text_fold(p->b, text, 0, 0, p->width);
	buf_putc(p->b, '\n');
}

static void put_need(const struct page *p, const struct need *n, const char *help)
{
	static const char *const words[NEED_STATES] = {
		[NEED_MET] = "ok",      [NEED_MOOT] = "-",     [NEED_UNASKED] = "?",
		[NEED_LIMITS] = "less", [NEED_MISSING] = "NO",
	};
	char rest[TEXT];

	snprintf(rest, sizeof(rest), "%s%s%s", n->value, n->means ? ": " : "",
		 n->means ? n->means : "");
	put_row(p, words[n->state], n->name, rest);
	if (help)
		put_detail(p, "help", help);
}

static void put_needs(const struct page *p, const struct report *r)
{
	put_row(p, "", "WHAT IT TAKES", "HERE");
	for (int i = 0; i < NEEDS; i++) {
		const char *help = r->needs[i].todo;

		if (i + 1 < NEEDS && help == r->needs[i + 1].todo)
			help = NULL; /* said below the last of those that it would help */
		put_need(p, &r->needs[i], help);
	}
	put_paragraph(p, "NO: cannot run. less: sees less. -: does not matter here. ?: only root "
			 "can ask.");
	buf_putc(p->b, '\n');
}

static void put_better(const struct page *p, const struct report *r, int purpose)
{
	int k = hooks_better(&r->given, r->chosen, purpose);
	char lacking[TEXT / 2], text[TEXT];

	if (k < 0)
		return;
	put_lacking(lacking, sizeof(lacking), r, purpose, k);
	snprintf(text, sizeof(text), "%s; needs %s", name_of(purpose, k), lacking);
	put_detail(p, !strcmp(grade(r->chosen, purpose), "exact") ? "cheaper" : "better", text);
}

static void put_purpose(const struct page *p, const struct report *r, int purpose)
{
	const char *unseen = gap(r, purpose);
	char word[16], way[TEXT];

	put_verdict(word, sizeof(word), r, purpose);
	put_way(way, sizeof(way), r, purpose);
	put_row(p, word, hooks[purpose].purpose, way);
	if (unseen)
		put_detail(p, "unseen", unseen);
	put_better(p, r, purpose);
}

static void put_end(const struct page *p, const struct report *r)
{
	bool degraded = false;
	char text[TEXT];
	int inexact = 0;

	for (int i = 0; i < HOOK_PURPOSES; i++) {
		inexact += !hooks_exact(r->chosen, i);
		degraded |= hooks_degraded(r->chosen, i);
	}
	if (r->refusal[0])
		snprintf(text, sizeof(text), "Cannot run: %s", r->refusal);
	else if (r->exact)
		snprintf(text, sizeof(text), "Everything is exact.");
	else
		snprintf(text, sizeof(text), "%s. %d of the rows above %s not exact: see `unseen`.",
			 degraded ? "Degraded: not all bytes are exact" : "Bytes are exact",
			 inexact, inexact == 1 ? "is" : "are");
	put_paragraph(p, text);
}

void report_text(const struct report *r, struct buf *b, int width)
{
	const struct page p = {.b = b, .width = width};
	char head[TEXT];

	snprintf(head, sizeof(head), "sockwatch %s, libbpf %s, Linux %s", SOCKWATCH_VERSION,
		 r->library, r->caps.release);
	put_paragraph(&p, head);
	buf_putc(b, '\n');
	put_needs(&p, r);
	if (r->assumed)
		put_paragraph(&p, "With the capabilities it would see what follows; a ? depends on "
				  "what only root can ask the kernel.");
	put_row(&p, "SEEN", "WHAT", "BY");
	for (int i = 0; i < HOOK_PURPOSES; i++)
		put_purpose(&p, r, i);
	buf_putc(b, '\n');
	put_paragraph(&p, "Not seen on any kernel: memory-mapped packet rings, and what is below "
			  "the socket: headers, retransmitted bytes.");
	put_end(&p, r);
}

/* ---- JSON ---- */

static void put_key(struct buf *b, const char *before, const char *key)
{
	buf_printf(b, "%s\"", before);
	text_json(b, key, strlen(key));
	buf_puts(b, "\":");
}

static void put_string(struct buf *b, const char *before, const char *key, const char *value)
{
	put_key(b, before, key);
	buf_putc(b, '"');
	text_json(b, value, strlen(value));
	buf_putc(b, '"');
}

static void json_need(struct buf *b, const struct need *n)
{
	put_string(b, "{", "name", n->name);
	put_string(b, ",", "state", need_state_name(n->state));
	put_string(b, ",", "value", n->value);
	if (n->means)
		put_string(b, ",", "means", n->means);
	if (n->todo)
		put_string(b, ",", "help", n->todo);
	buf_putc(b, '}');
}

static void json_capabilities(struct buf *b, const struct kcaps *caps)
{
	for (int i = 0; i < KCAP_COUNT; i++) {
		put_key(b, i ? "," : "{", kcap_name((enum kcap)i));
		buf_puts(b, caps->has[i] ? "true" : "false");
	}
	buf_putc(b, '}');
}

static void json_purpose(const struct report *r, struct buf *b, int purpose)
{
	int k = hooks_better(&r->given, r->chosen, purpose);
	char text[TEXT];

	put_string(b, "{", "purpose", hooks[purpose].purpose);
	put_verdict(text, sizeof(text), r, purpose);
	put_string(b, ",", "seen", text);
	buf_printf(b, ",\"exact\":%s,\"degraded\":%s", strcmp(text, "exact") ? "false" : "true",
		   strncmp(text, "less", 4) ? "false" : "true");
	if (r->chosen[purpose] >= 0)
		put_string(b, ",", "by", name_of(purpose, r->chosen[purpose]));
	if (r->without[purpose] >= 0 && r->without[purpose] != r->chosen[purpose])
		put_string(b, ",", "else_by", name_of(purpose, r->without[purpose]));
	if (gap(r, purpose))
		put_string(b, ",", "unseen", gap(r, purpose));
	if (k >= 0) {
		put_lacking(text, sizeof(text), r, purpose, k);
		put_string(b, ",", "better", name_of(purpose, k));
		put_string(b, ",", "needs", text);
	}
	buf_putc(b, '}');
}

void report_json(const struct report *r, struct buf *b)
{
	put_string(b, "{", "version", SOCKWATCH_VERSION);
	put_string(b, ",", "libbpf", r->library);
	put_string(b, ",", "kernel", r->caps.release);
	put_string(b, ",", "lockdown", r->caps.limits.lockdown);
	put_key(b, ",", "capabilities");
	json_capabilities(b, &r->caps);
	buf_puts(b, ",\"needs\":[");
	for (int i = 0; i < NEEDS; i++) {
		buf_puts(b, i ? "," : "");
		json_need(b, &r->needs[i]);
	}
	buf_printf(b, "],\"assumed\":%s,\"purposes\":[", r->assumed ? "true" : "false");
	for (int i = 0; i < HOOK_PURPOSES; i++) {
		buf_puts(b, i ? "," : "");
		json_purpose(r, b, i);
	}
	buf_printf(b, "],\"exact\":%s", r->exact ? "true" : "false");
	if (r->refusal[0])
		put_string(b, ",", "cannot_run", r->refusal);
	buf_puts(b, "}\n");
}
