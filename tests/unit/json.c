/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Each function returns what follows, or NULL. */

static const char *skip_value(const char *s);

static const char *skip_string(const char *s)
{
	if (*s++ != '"')
		return NULL;
	for (; *s != '"'; s++) {
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return NULL;
		if (*s == '\\' && *++s != '"' && *s != '\\') /* we write no other escape */
			return NULL;
	}
	return s + 1;
}

static const char *skip_number(const char *s)
{
	size_t whole = strspn(s, "0123456789"), part;

	if (!whole || (whole > 1 && *s == '0'))
		return NULL;
	s += whole;
	if (*s != '.')
		return s;
	part = strspn(++s, "0123456789");
	return part ? s + part : NULL;
}

static const char *skip_list(const char *s, char end, bool keys)
{
	if (*++s == end)
		return s + 1;
	for (;;) {
		if (keys) {
			s = skip_string(s);
			if (!s || *s++ != ':')
				return NULL;
		}
		s = skip_value(s);
		if (!s || (*s != ',' && *s != end))
			return NULL;
		if (*s++ == end)
			return s;
	}
}

static const char *skip_value(const char *s)
{
	if (*s == '{')
		return skip_list(s, '}', true);
	if (*s == '[')
		return skip_list(s, ']', false);
	if (!strncmp(s, "true", 4) || !strncmp(s, "false", 5))
		return s + (*s == 't' ? 4 : 5);
	return *s == '"' ? skip_string(s) : skip_number(s);
}

void json_check(const char *line)
{
	const char *end = *line == '{' ? skip_value(line) : NULL;

	if (!end || *end)
		fail_msg("not JSON: %s", line);
}

uint64_t json_number(const char *line, const char *name)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":", name);
	at = strstr(line, key);
	if (!at)
		fail_msg("no %s in %s", name, line);
	return strtoull(at + strlen(key), NULL, 10);
}
