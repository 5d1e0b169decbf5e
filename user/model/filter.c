/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/filter.h"

#include "model/filter_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct filter *filter_new(const char *text, filter_service_fn *service, struct filter_error *error)
{
	struct filter *f = calloc(1, sizeof(*f));
	size_t len = strlen(text);

	*error = (struct filter_error){.column = 1};
	if (len > FILTER_LENGTH) {
		snprintf(error->message, sizeof(error->message),
			 "longer than %d bytes, which is the most", FILTER_LENGTH);
		free(f);
		return NULL;
	}
	if (f) {
		f->text = strdup(text);
		f->pool = malloc(2 * len + 2); /* each pattern and its NUL */
	}
	if (f && f->text && f->pool && filter_parse(f, service, error))
		return f;
	if (!error->message[0])
		snprintf(error->message, sizeof(error->message), "out of memory");
	filter_free(f);
	return NULL;
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	free(f->text);
	free(f->pool);
	free(f->tests);
	free(f);
}

const char *filter_text(const struct filter *f)
{
	return f->text;
}

bool filter_match(const struct filter *f, const struct row *row, const struct model *m)
{
	uint16_t at = f->count ? 0 : TEST_MATCH;

	while (at < f->count) {
		const struct filter_test *t = &f->tests[at];

		at = t->word->holds(t, row, m) ? t->yes : t->no;
	}
	return at == TEST_MATCH;
}

bool filter_ages(const struct filter *f)
{
	return f->ages;
}

static size_t next_char(const char *s, size_t len)
{
	size_t n = 1;

	while (n < len && ((unsigned char)s[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* Only the last * is ever tried again, at each place once: no more steps than one length by the
 * other. */
bool filter_glob(const char *pattern, const char *text, size_t len)
{
	const char *star = NULL;
	size_t i = 0, retry = 0;

	while (i < len) {
		const char *p = pattern;

		if (*p == '*') {
			star = ++pattern;
			retry = i;
			continue;
		}
		if (*p == '?') {
			pattern++;
			i += next_char(text + i, len - i);
			continue;
		}
		p += *p == '\\' && p[1];
		if (*p && *p == text[i]) {
			pattern = p + 1;
			i++;
		} else if (star) {
			pattern = star;
			i = ++retry;
		} else {
			return false;
		}
	}
	pattern += strspn(pattern, "*");
	return !*pattern;
}
