/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * The filter language: `tcp and port 443 and not proc nginx` into a predicate on connections.
 * Specified in user/share/man/sockwatch-filter.7, whose words are those of filter_word().
 *
 * A filter chooses connections; rows of processes and ports and all totals are then sums over those
 * (see model_set_filter). It is compiled into a list of tests, each with the number of the next one
 * for either answer, always further down: no stack, and no test that cannot change the answer.
 */
#ifndef MODEL_FILTER_H
#define MODEL_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct filter;
struct model;
struct row;

enum {                       /* bounds; what is beyond is an error that says so */
       FILTER_LENGTH = 8192, /* bytes of text */
       FILTER_DEPTH = 100,   /* parentheses open at once */
       FILTER_TESTS = 1000,  /* conditions */
       FILTER_MESSAGE = 256
};

struct filter_error {
	size_t offset;       /* bytes before what is wrong; the length when something is missing */
	unsigned int column; /* the same for people: characters, from 1 */
	char message[FILTER_MESSAGE]; /* one line without full stop, printable; says the column */
};

/** Port of a service by name, 0 when there is none. */
typedef uint16_t filter_service_fn(const char *name);

/** Compile @text; without conditions it matches everything. @service may be NULL: no names then.
 *  NULL with @error filled when @text is wrong or memory is out. Owned by the caller. */
struct filter *filter_new(const char *text, filter_service_fn *service, struct filter_error *error);
/** NULL is a no-op. */
void filter_free(struct filter *f);
/** As given; owned by @f. */
const char *filter_text(const struct filter *f);
/** Does @row, one of connections, match? Reads names of users and the time of the last tick from
 *  @m. Costs tens of nanoseconds. */
bool filter_match(const struct filter *f, const struct row *row, const struct model *m);
/** True when rows can begin or cease to match by time alone. */
bool filter_ages(const struct filter *f);

struct filter_word_info {
	const char *names; /* spellings, a blank between two; the usual one first */
	const char *value; /* what follows: `PORT`, `ADDRESS`, ...; NULL = nothing */
	const char *help;  /* one line, no full stop */
};

/** Word number @i of the language, for help and completion. False beyond the last. */
bool filter_word(size_t i, struct filter_word_info *info);

#endif
