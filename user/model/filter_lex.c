/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/filter_parts.h"

#include <string.h>

struct symbol {
	const char *text;
	enum token_kind kind;
	enum comparison comparison;
};

/* Longer ones first. As in ss, a single & or | will do. */
static const struct symbol signs[] = {
	{"&&", TOKEN_AND, COMPARE_NONE},   {"&", TOKEN_AND, COMPARE_NONE},
	{"||", TOKEN_OR, COMPARE_NONE},    {"|", TOKEN_OR, COMPARE_NONE},
	{"(", TOKEN_OPEN, COMPARE_NONE},   {")", TOKEN_CLOSE, COMPARE_NONE},
	{"==", TOKEN_COMPARE, COMPARE_EQ}, {"=", TOKEN_COMPARE, COMPARE_EQ},
	{"!=", TOKEN_COMPARE, COMPARE_NE}, {"!", TOKEN_NOT, COMPARE_NONE},
	{"<=", TOKEN_COMPARE, COMPARE_LE}, {"<", TOKEN_COMPARE, COMPARE_LT},
	{">=", TOKEN_COMPARE, COMPARE_GE}, {">", TOKEN_COMPARE, COMPARE_GT},
};

/* Comparisons by letter, as in ss, need no quotes in a shell. */
static const struct symbol keywords[] = {
	{"and", TOKEN_AND, COMPARE_NONE},   {"or", TOKEN_OR, COMPARE_NONE},
	{"not", TOKEN_NOT, COMPARE_NONE},   {"eq", TOKEN_COMPARE, COMPARE_EQ},
	{"ne", TOKEN_COMPARE, COMPARE_NE},  {"neq", TOKEN_COMPARE, COMPARE_NE},
	{"lt", TOKEN_COMPARE, COMPARE_LT},  {"le", TOKEN_COMPARE, COMPARE_LE},
	{"leq", TOKEN_COMPARE, COMPARE_LE}, {"gt", TOKEN_COMPARE, COMPARE_GT},
	{"ge", TOKEN_COMPARE, COMPARE_GE},  {"geq", TOKEN_COMPARE, COMPARE_GE},
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool filter_same_word(const char *text, size_t len, const char *name)
{
	for (size_t i = 0; i < len; i++) {
		if (!name[i] || lower(text[i]) != lower(name[i]))
			return false;
	}
	return !name[len];
}

static const struct symbol *sign_at(const char *at)
{
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		if (!strncmp(at, signs[i].text, strlen(signs[i].text)))
			return &signs[i];
	}
	return NULL;
}

static struct token word_at(const char *at)
{
	struct token t = {.kind = TOKEN_WORD, .text = at};

	t.len = strcspn(at, " \t\r\n()&|=!<>\"'");
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		if (filter_same_word(at, t.len, keywords[i].text)) {
			t.kind = keywords[i].kind;
			t.comparison = keywords[i].comparison;
		}
	}
	return t;
}

/* A backslash keeps what is behind it from being the end. */
static struct token string_at(const char *at)
{
	struct token t = {.kind = TOKEN_STRING, .text = at};
	const char *end = at + 1;

	while (*end && *end != *at)
		end += *end == '\\' && end[1] ? 2 : 1;
	if (!*end)
		t.kind = TOKEN_BAD;
	t.len = (size_t)(end - at) + (*end != '\0');
	return t;
}

struct token filter_lex(const char *at)
{
	const struct symbol *sign;

	at += strspn(at, " \t\r\n");
	if (!*at)
		return (struct token){.kind = TOKEN_END, .text = at};
	if (*at == '"' || *at == '\'')
		return string_at(at);
	sign = sign_at(at);
	if (!sign)
		return word_at(at);
	return (struct token){
		.kind = sign->kind,
		.comparison = sign->comparison,
		.text = at,
		.len = strlen(sign->text),
	};
}
