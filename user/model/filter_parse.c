/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Operators wait on a stack until one that binds less comes; each then joins the parts of the
 * program that are on the other stack. A part is tests in a row with two lists of ways out, for
 * yes and for no, that do not lead anywhere yet; the links of a list are kept in these ways
 * themselves. So there is no tree and no recursion.
 */
#include "model/filter_parts.h"

#include "util/text.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum op { /* those that bind more are greater */
	  OP_OPEN,
	  OP_OR,
	  OP_AND,
	  OP_NOT,
	  OP_TOGETHER, /* `tcp port 80` */
	  OP_LIST      /* `port 80 or 443`: the or of values for one word */
};

enum {
	OPS = (FILTER_DEPTH + 1) * (OP_LIST + 1), /* each once in each parenthesis */
	FIRST_TESTS = 8,
	NOWHERE = 0xfffd, /* end of a list of ways out */
	QUOTED = 56       /* bytes of somebody's word in a message */
};

struct part {
	uint16_t first, yes, no; /* its first test; heads of its lists */
};

struct parser {
	struct filter *f;
	struct filter_error *error;
	filter_service_fn *service;
	struct token token;
	struct {
		enum op op;
		struct token token;
	} ops[OPS];
	struct part parts[OPS + 1];
	size_t op_count, part_count, depth, pool_used;
	size_t cap;                     /* of the tests */
	struct filter_subject last;     /* what a value alone is about; no word: nothing */
	enum comparison comparison;     /* of last */
	bool listing;                   /* what was just read is a value of last */
	const struct filter_word *flag; /* what was just read, if it may stand before more */
	bool wanted;                    /* a condition must come next */
};

/* ---- errors ---- */

static bool fail(struct parser *p, const struct token *t, const char *before, const char *after,
		 ...) __attribute__((format(printf, 4, 5)));

/* `unknown word "prot" at column 5, did you mean "port"?` False, for the caller to return. */
static bool fail(struct parser *p, const struct token *t, const char *before, const char *after,
		 ...)
{
	struct filter_error *e = p->error;
	bool string = t->kind == TOKEN_STRING;
	char word[QUOTED] = "";
	int len;
	va_list ap;

	e->offset = (size_t)(t->text - p->f->text);
	e->column = 1;
	for (const char *s = p->f->text; s < t->text; s++)
		e->column += ((unsigned char)*s & 0xc0) != 0x80;
	if (t->kind == TOKEN_END || t->kind == TOKEN_BAD) {
		strcat(word, t->kind == TOKEN_END ? "the end" : "the quote");
	} else {
		word[0] = '"';
		text_sanitize(word + 1, sizeof(word) - 2, t->text + string, t->len - 2 * string);
		strcat(word, "\"");
	}
	len = snprintf(e->message, sizeof(e->message), "%s%s at column %u", before, word,
		       e->column);
	va_start(ap, after);
	vsnprintf(e->message + len, sizeof(e->message) - (size_t)len, after, ap);
	va_end(ap);
	return false;
}

static bool fail_unknown(struct parser *p)
{
	const struct token *t = &p->token;
	char near[FILTER_WORD], word[QUOTED] = "";
	struct in6_addr ip;

	text_sanitize(word, sizeof(word), t->text, t->len);
	if (t->kind == TOKEN_STRING)
		return fail(p, t, "", " needs a word before it, like proc");
	if (filter_nearest(near, t->text, t->len))
		return fail(p, t, "unknown word ", ", did you mean \"%s\"?", near);
	if (strspn(word, "0123456789") == strlen(word))
		return fail(p, t, "unknown word ", ", did you mean \"port %s\"?", word);
	if (inet_pton(AF_INET, word, &ip) == 1 || inet_pton(AF_INET6, word, &ip) == 1)
		return fail(p, t, "unknown word ", ", did you mean \"host %s\"?", word);
	return fail(p, t, "unknown word ", ", did you mean \"proc %s\"?", word);
}

/* ---- parts of the program ---- */

/* A way out, by its number in a list. */
static uint16_t *way(const struct parser *p, uint16_t link)
{
	struct filter_test *t = &p->f->tests[link / 2];

	return link % 2 ? &t->no : &t->yes;
}

static void lead(const struct parser *p, uint16_t list, uint16_t to)
{
	while (list != NOWHERE) {
		uint16_t *w = way(p, list);

		list = *w;
		*w = to;
	}
}

static uint16_t append(const struct parser *p, uint16_t list, uint16_t more)
{
	uint16_t *w = NULL, link;

	for (link = list; link != NOWHERE; link = *w)
		w = way(p, link);
	if (!w)
		return more;
	*w = more;
	return list;
}

static void swap_ways(struct part *part)
{
	uint16_t yes = part->yes;

	part->yes = part->no;
	part->no = yes;
}

/* Make one part of the last two, or turn the last one round. */
static void apply(struct parser *p, enum op op)
{
	struct part *b = &p->parts[p->part_count - 1], *a;

	if (op == OP_NOT) {
		swap_ways(b);
		return;
	}
	a = b - 1;
	p->part_count--;
	if (op == OP_OR || op == OP_LIST) {
		lead(p, a->no, b->first);
		a->yes = append(p, a->yes, b->yes);
		a->no = b->no;
	} else {
		lead(p, a->yes, b->first);
		a->no = append(p, a->no, b->no);
		a->yes = b->yes;
	}
}

static void apply_down_to(struct parser *p, enum op op)
{
	while (p->op_count && p->ops[p->op_count - 1].op >= op)
		apply(p, p->ops[--p->op_count].op);
}

static void push(struct parser *p, enum op op)
{
	p->ops[p->op_count].token = p->token;
	p->ops[p->op_count++].op = op;
}

static void join(struct parser *p, enum op op)
{
	apply_down_to(p, op);
	push(p, op);
	p->wanted = true;
}

static struct filter_test *add_test(struct parser *p)
{
	struct filter *f = p->f;

	if (f->count == FILTER_TESTS) {
		fail(p, &p->token, "", " is beyond %d conditions, which is the most", FILTER_TESTS);
		return NULL;
	}
	if (f->count == p->cap) {
		size_t cap = p->cap ? 2 * p->cap : FIRST_TESTS;
		struct filter_test *more = realloc(f->tests, cap * sizeof(*more));

		if (!more)
			return NULL;
		f->tests = more;
		p->cap = cap;
	}
	f->tests[f->count] = (struct filter_test){.yes = NOWHERE, .no = NOWHERE};
	return &f->tests[f->count];
}

/* The test at the end is complete. */
static void take_test(struct parser *p, bool negated)
{
	uint16_t yes = (uint16_t)(2 * p->f->count);
	struct part part = {.first = p->f->count++, .yes = yes, .no = (uint16_t)(yes + 1)};

	if (negated)
		swap_ways(&part);
	p->parts[p->part_count++] = part;
	p->wanted = false;
}

/* ---- conditions ---- */

static void next(struct parser *p)
{
	p->token = filter_lex(p->token.text + p->token.len);
}

static struct token peek(const struct parser *p)
{
	return filter_lex(p->token.text + p->token.len);
}

static bool is_value(const struct token *t)
{
	if (t->kind == TOKEN_WORD)
		return !filter_find(t->text, t->len).word;
	return t->kind == TOKEN_STRING;
}

/* The current token, which is the value, as text of its own. */
static char *keep_value(struct parser *p)
{
	bool string = p->token.kind == TOKEN_STRING;
	size_t len = p->token.len - 2 * string;
	char *text = p->f->pool + p->pool_used;

	memcpy(text, p->token.text + string, len);
	text[len] = '\0';
	p->pool_used += len + 1;
	return text;
}

/* The current token is a value of the last subject; @alone without having that before it. */
static bool read_value(struct parser *p, bool alone)
{
	char near[FILTER_WORD];
	struct filter_test *t = add_test(p);
	struct filter_value v = {.comparison = p->comparison, .service = p->service};
	const char *wrong;

	if (!t)
		return false;
	t->word = p->last.word;
	t->column = p->last.column;
	t->ends = p->last.ends;
	v.text = keep_value(p);
	wrong = t->word->read(t, &v);
	if (wrong && alone && filter_nearest(near, p->token.text, p->token.len))
		return fail_unknown(p);
	if (wrong)
		return fail(p, &p->token, "", " is %s", wrong);
	p->f->ages |= t->column && t->column->ages;
	take_test(p, p->comparison == COMPARE_NE);
	p->listing = p->comparison <= COMPARE_EQ;
	if (!p->listing)
		p->last.word = NULL;
	return true;
}

static bool read_flag(struct parser *p, const struct filter_word *word)
{
	struct filter_test *t = add_test(p);

	if (!t)
		return false;
	t->word = word;
	take_test(p, false);
	p->flag = word;
	return true;
}

/* `src port 80`: the end is of the first word, the rest of the second. */
static void read_side(struct parser *p, struct filter_subject *s)
{
	struct token t = peek(p);
	struct filter_subject what = {.word = NULL};

	if (s->word->kind == WORD_SIDE && t.kind == TOKEN_WORD)
		what = filter_find(t.text, t.len);
	if (!what.word || what.word->kind != WORD_END)
		return;
	next(p);
	s->word = what.word;
}

/* Whether the comparison that may be there is one for @s. */
static bool read_comparison(struct parser *p, const struct filter_subject *s)
{
	struct token t = peek(p);
	bool number = s->column && s->column->unit != UNIT_ID;

	p->comparison = COMPARE_NONE;
	if (t.kind != TOKEN_COMPARE) {
		if (number)
			return fail(p, &p->token, "",
				    " needs one of < <= > >= = != and a number behind it");
		return true;
	}
	if (t.comparison > COMPARE_NE && !s->word->ordered)
		return fail(p, &t, "",
			    " is not for \"%.*s\", which takes = and !=", (int)p->token.len,
			    p->token.text);
	next(p);
	p->comparison = t.comparison;
	return true;
}

/* The current token is a word of the language. */
static bool read_subject(struct parser *p, struct filter_subject s)
{
	struct token word = p->token, value;

	if (!s.word->read)
		return read_flag(p, s.word);
	read_side(p, &s);
	if (!read_comparison(p, &s))
		return false;
	p->last = s;
	value = peek(p);
	if (value.kind == TOKEN_OPEN && p->comparison <= COMPARE_EQ)
		return true; /* `port (80 or 443)` */
	if (value.kind == TOKEN_BAD)
		return fail(p, &value, "", " is not closed");
	if (value.kind != TOKEN_WORD && value.kind != TOKEN_STRING)
		return fail(p, &word, "", " needs a value behind it");
	next(p);
	return read_value(p, false);
}

static bool read_condition(struct parser *p)
{
	struct filter_subject s = {.word = NULL};

	if (p->token.kind == TOKEN_WORD)
		s = filter_find(p->token.text, p->token.len);
	if (s.word)
		return read_subject(p, s);
	return p->last.word ? read_value(p, true) : fail_unknown(p);
}

/* ---- what stands between them ---- */

static bool open_paren(struct parser *p)
{
	if (p->depth++ == FILTER_DEPTH)
		return fail(p, &p->token, "", " is deeper than %d others, which is the most",
			    FILTER_DEPTH);
	push(p, OP_OPEN);
	return true;
}

static bool close_paren(struct parser *p)
{
	apply_down_to(p, OP_OR);
	if (!p->op_count)
		return fail(p, &p->token, "", " closes nothing");
	p->op_count--;
	p->depth--;
	p->listing = false;
	p->flag = NULL;
	return true;
}

/* Twice not is nothing: so however many there are, they need no room. */
static bool read_not(struct parser *p)
{
	if (p->op_count && p->ops[p->op_count - 1].op == OP_NOT)
		p->op_count--;
	else
		push(p, OP_NOT);
	return true;
}

static bool read_wanted(struct parser *p)
{
	switch (p->token.kind) {
	case TOKEN_NOT:
		return read_not(p);
	case TOKEN_OPEN:
		return open_paren(p);
	case TOKEN_WORD:
	case TOKEN_STRING:
		p->listing = false;
		p->flag = NULL;
		return read_condition(p);
	default:
		return fail(p, &p->token, "a condition is missing before ", "%s", "");
	}
}

static bool read_or(struct parser *p)
{
	struct token t = peek(p);

	join(p, p->listing && is_value(&t) ? OP_LIST : OP_OR);
	return true;
}

/* `tcp port 80`: as in tcpdump, a word about the protocol may stand before what is of it. */
static bool read_together(struct parser *p)
{
	struct filter_subject s = {.word = NULL};
	char near[FILTER_WORD];

	if (p->token.kind == TOKEN_WORD)
		s = filter_find(p->token.text, p->token.len);
	if (s.word && p->flag && p->flag->kind < WORD_FLAG && p->flag->kind < s.word->kind) {
		join(p, OP_TOGETHER);
		return read_wanted(p);
	}
	if (p->token.kind == TOKEN_WORD && !s.word &&
	    filter_nearest(near, p->token.text, p->token.len))
		return fail_unknown(p);
	return fail(p, &p->token, "\"and\" or \"or\" is missing before ", "%s", "");
}

static bool read_operator(struct parser *p)
{
	switch (p->token.kind) {
	case TOKEN_AND:
		join(p, OP_AND);
		return true;
	case TOKEN_OR:
		return read_or(p);
	case TOKEN_CLOSE:
		return close_paren(p);
	case TOKEN_COMPARE:
		return fail(p, &p->token, "", " has nothing to compare before it");
	default:
		return read_together(p);
	}
}

static bool finish(struct parser *p)
{
	struct filter *f = p->f;

	apply_down_to(p, OP_OR);
	if (p->op_count)
		return fail(p, &p->ops[p->op_count - 1].token, "", " is not closed");
	lead(p, p->parts[0].yes, TEST_MATCH);
	lead(p, p->parts[0].no, TEST_FAIL);
	return f->count;
}

bool filter_parse(struct filter *f, filter_service_fn *service, struct filter_error *error)
{
	struct parser p = {.f = f, .error = error, .service = service, .wanted = true};

	p.token = (struct token){.text = f->text};
	next(&p);
	if (p.token.kind == TOKEN_END)
		return true;
	for (; p.token.kind != TOKEN_END || p.wanted; next(&p)) {
		if (p.token.kind == TOKEN_BAD)
			return fail(&p, &p.token, "", " is not closed");
		if (!(p.wanted ? read_wanted(&p) : read_operator(&p)))
			return false;
	}
	return finish(&p);
}
