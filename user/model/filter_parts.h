/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What a filter is made of, for the files of the filter alone. */
#ifndef MODEL_FILTER_PARTS_H
#define MODEL_FILTER_PARTS_H

#include "model/column.h"
#include "model/filter.h"

/* ---- text into tokens ---- */

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_STRING, /* in quotes, which are part of it */
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_NOT,
	TOKEN_COMPARE,
	TOKEN_BAD /* a quote that is not closed */
};

enum comparison {
	COMPARE_NONE, /* none was written: as = where that makes sense */
	COMPARE_EQ,
	COMPARE_NE,
	COMPARE_LT,
	COMPARE_LE,
	COMPARE_GT,
	COMPARE_GE
};

struct token {
	enum token_kind kind;
	enum comparison comparison;
	const char *text; /* borrowed from the filter's text */
	size_t len;
};

/** The token at @at; the next one is at text + len. */
struct token filter_lex(const char *at);
/** Is @text of @len bytes the word @name, in either case? */
bool filter_same_word(const char *text, size_t len, const char *name);

/* ---- tests ---- */

enum { END_LOCAL = 1, END_PEER = 2, END_BOTH = 3 }; /* of a connection */

enum { TEST_MATCH = 0xfffe, TEST_FAIL = 0xffff }; /* ends of a program */

struct filter_range {
	uint64_t min, max; /* empty if min > max */
};

struct filter_test {
	const struct filter_word *word;
	const struct column *column; /* of words that are columns */
	uint16_t yes, no;            /* the next test, TEST_MATCH or TEST_FAIL */
	uint8_t ends;                /* of words about an end */
	union {
		struct {
			struct filter_range ports;
			uint8_t ip[16], bits; /* of the prefix; 0 with any_ip */
			bool any_ip;
		} end;
		struct filter_range range;
		uint32_t set; /* bits of an enum */
		struct {
			const char *pattern; /* owned by the filter; NULL: range holds */
			bool glob;           /* it has wildcards; else it is to be the same */
			struct filter_range range;
		} name;
	};
};

struct filter {
	char *text;                /* owned, as the next two */
	char *pool;                /* patterns */
	struct filter_test *tests; /* the first one is where it begins */
	uint16_t count;
	bool ages;
};

/* ---- words ---- */

enum { FILTER_WORD = 24 }; /* bytes of the longest word and its NUL */

enum word_kind { /* in the order in which they may stand together: `ip6 udp port 53` */
		 WORD_FAMILY,
		 WORD_TRANSPORT,
		 WORD_FLAG,
		 WORD_VALUE,
		 WORD_END, /* takes a value for one or both ends */
		 WORD_SIDE /* takes an address, or one of WORD_END behind it */
};

/** What a value is read from. */
struct filter_value {
	char *text; /* without quotes; in the filter's pool, so tests may keep it */
	enum comparison comparison;
	filter_service_fn *service; /* or NULL */
};

struct filter_word {
	const char *names; /* spellings, a blank between two; the usual one first */
	const char *value; /* what follows: `PORT`, `ADDRESS`, ...; NULL = nothing */
	const char *help;  /* one line, no full stop */
	enum word_kind kind;
	uint8_t arg;  /* which family, transport, end */
	bool ordered; /* can be compared by < and > */
	/** Read a value into @t. NULL, or what it is not: `no port (...)`. */
	const char *(*read)(struct filter_test *t, const struct filter_value *v);
	bool (*holds)(const struct filter_test *t, const struct row *row, const struct model *m);
};

/** What a word of the text means: a word of the language, or a column by its number. */
struct filter_subject {
	const struct filter_word *word; /* NULL: unknown */
	const struct column *column;
	uint8_t ends;
};

struct filter_subject filter_find(const char *text, size_t len);
/** The word that somebody meant who wrote @text into @dst; false if none is near. */
bool filter_nearest(char dst[FILTER_WORD], const char *text, size_t len);

/* ---- values ---- */

const char *filter_read_port(struct filter_test *t, const struct filter_value *v);
const char *filter_read_service(struct filter_test *t, const struct filter_value *v);
const char *filter_read_address(struct filter_test *t, const struct filter_value *v);
const char *filter_read_number(struct filter_test *t, const struct filter_value *v);
const char *filter_read_name(struct filter_test *t, const struct filter_value *v);
const char *filter_read_user(struct filter_test *t, const struct filter_value *v);
const char *filter_read_transport(struct filter_test *t, const struct filter_value *v);
const char *filter_read_role(struct filter_test *t, const struct filter_value *v);
const char *filter_read_state(struct filter_test *t, const struct filter_value *v);
const char *filter_read_cgroup(struct filter_test *t, const struct filter_value *v);

/** Does the first @len bytes of @text look like what @pattern says: `*`, `?`, `\` before what is
 *  meant as it is? */
bool filter_glob(const char *pattern, const char *text, size_t len);

/** Is the name of a test that of @len bytes at @name? */
bool filter_name_holds(const struct filter_test *t, const char *name, size_t len);
bool filter_holds_cgroup(const struct filter_test *t, const struct row *row, const struct model *m);
bool filter_holds_unit(const struct filter_test *t, const struct row *row, const struct model *m);
bool filter_holds_container(const struct filter_test *t, const struct row *row,
			    const struct model *m);

/* ---- all together ---- */

/** Fill the tests of @f, whose text is set. False with @error filled. */
bool filter_parse(struct filter *f, filter_service_fn *service, struct filter_error *error);

#endif
