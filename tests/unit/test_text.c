/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "util/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/buf.h"
#include "util/unicode.h"

enum { TEXT = 256, RANDOM = 20000, CODE_POINTS = 0x110000 };

struct example {
	const char *src;
	size_t len; /* 0 = strlen */
	const char *shown, *json;
};

static const struct example examples[] = {
	{"", 0, "", ""},
	{"nginx: worker", 0, "nginx: worker", "nginx: worker"},
	{"gr\xc3\xbc\xc3\x9f", 0, "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
	{"\xe6\x97\xa5\xe6\x9c\xac", 0, "\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac"},
	{"\xf0\x9f\x90\x99", 0, "\xf0\x9f\x90\x99", "\xf0\x9f\x90\x99"},
	{"a\0b", 3, "a\\x00b", "a\\\\x00b"},
	{"\033[2J", 0, "\\x1b[2J", "\\\\x1b[2J"},
	{"\r\n\t\b\a", 0, "\\x0d\\x0a\\x09\\x08\\x07", "\\\\x0d\\\\x0a\\\\x09\\\\x08\\\\x07"},
	{"\x7f", 0, "\\x7f", "\\\\x7f"},
	{"\xc2\x9b", 0, "\\u{009b}", "\\\\u{009b}"}, /* C1 CSI */
	{"\x9b", 0, "\\x9b", "\\\\x9b"},             /* the same as a bare byte */
	{"\xc2\xa0", 0, "\xc2\xa0", "\xc2\xa0"},
	{"\xc2\xad", 0, "\\u{00ad}", "\\\\u{00ad}"},
	{"a\xe2\x80\xaez", 0, "a\\u{202e}z", "a\\\\u{202e}z"}, /* RTL override */
	{"\xe2\x81\xa6", 0, "\\u{2066}", "\\\\u{2066}"},
	{"\xe2\x80\xa8", 0, "\\u{2028}", "\\\\u{2028}"},
	{"\xe2\x80\x8b", 0, "\\u{200b}", "\\\\u{200b}"},
	{"\xe2\x80\x8d", 0, "\\u{200d}", "\\\\u{200d}"},
	{"\xef\xbb\xbf", 0, "\\u{feff}", "\\\\u{feff}"},
	{"\xef\xbf\xb9", 0, "\\u{fff9}", "\\\\u{fff9}"},
	{"\xef\xbf\xbe", 0, "\\u{fffe}", "\\\\u{fffe}"},
	{"\xee\x80\x80", 0, "\\u{e000}", "\\\\u{e000}"},
	{"\xcd\xb8", 0, "\\u{0378}", "\\\\u{0378}"},           /* unassigned */
	{"\xf3\xa0\x81\x81", 0, "\\u{e0041}", "\\\\u{e0041}"}, /* a tag */
	{"\xf4\x8f\xbf\xbf", 0, "\\u{10ffff}", "\\\\u{10ffff}"},
	{"\xc0\x80", 0, "\\xc0\\x80", "\\\\xc0\\\\x80"}, /* overlong */
	{"\xe0\x80\xaf", 0, "\\xe0\\x80\\xaf", "\\\\xe0\\\\x80\\\\xaf"},
	{"\xed\xa0\x80", 0, "\\xed\\xa0\\x80", "\\\\xed\\\\xa0\\\\x80"}, /* a surrogate */
	{"\xf4\x90\x80\x80", 0, "\\xf4\\x90\\x80\\x80", "\\\\xf4\\\\x90\\\\x80\\\\x80"},
	{"\xff", 0, "\\xff", "\\\\xff"},
	{"\xe6\x97", 0, "\\xe6\\x97", "\\\\xe6\\\\x97"}, /* cut off */
	{"\xe6\x97z", 0, "\\xe6\\x97z", "\\\\xe6\\\\x97z"},
	{"e\xcc\x81", 0, "e\xcc\x81", "e\xcc\x81"},
	{"\xcc\x81z", 0, "\\u{0301}z", "\\\\u{0301}z"}, /* nothing to stand on */
	{" \xcc\x81", 0, " \\u{0301}", " \\\\u{0301}"},
	{"e\xcc\x81\xcc\x82\xcc\x83", 0, "e\xcc\x81\xcc\x82\\u{0303}",
	 "e\xcc\x81\xcc\x82\\\\u{0303}"},
	{"\033\xcc\x81", 0, "\\x1b\\u{0301}", "\\\\x1b\\\\u{0301}"},
	{"a\\b", 0, "a\\b", "a\\\\\\\\b"},
	{"\\x1b", 0, "\\x1b", "\\\\\\\\x1b"}, /* told from a real escape in JSON */
	{"say \"hi\"", 0, "say \"hi\"", "say \\\"hi\\\""},
};

enum { EXAMPLES = sizeof(examples) / sizeof(examples[0]) };

static size_t example_len(const struct example *e)
{
	return e->len ? e->len : strlen(e->src);
}

static void hostile_text_is_escaped(void **state)
{
	(void)state;
	for (int i = 0; i < EXAMPLES; i++) {
		const struct example *e = &examples[i];
		char text[TEXT];

		assert_int_equal(text_sanitize(text, sizeof(text), e->src, example_len(e)),
				 strlen(e->shown));
		assert_string_equal(text, e->shown);
	}
}

static void json_doubles_backslashes(void **state)
{
	struct buf b = {0};

	(void)state;
	for (int i = 0; i < EXAMPLES; i++) {
		buf_reset(&b);
		buf_puts(&b, ">");
		text_json(&b, examples[i].src, example_len(&examples[i]));
		assert_string_equal(b.data + 1, examples[i].json);
	}
	buf_done(&b);
}

/** Nothing in @s that moves a cursor, and all of it valid. */
static void check_harmless(const char *s)
{
	size_t len = strlen(s);

	while (len) {
		unsigned int cp = 0;
		size_t used = text_decode(s, len, &cp);

		assert_true(used > 0);
		assert_int_not_equal(unicode_class(cp), UNICODE_ESCAPE);
		s += used;
		len -= used;
	}
}

static void no_byte_value_passes_raw(void **state)
{
	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		char src[3] = {'a', (char)byte, 'b'}, text[TEXT];
		struct buf b = {0};
		bool plain = byte >= ' ' && byte < 0x7f;

		text_sanitize(text, sizeof(text), src, sizeof(src));
		check_harmless(text);
		assert_true(plain == (strlen(text) == 3));
		text_json(&b, src, sizeof(src));
		check_harmless(b.data);
		buf_done(&b);
	}
}

static size_t encode(unsigned int cp, char *s)
{
	size_t len = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = len; i-- > 1; cp >>= 6)
		s[i] = (char)(0x80 | (cp & 0x3f));
	s[0] = (char)(lead[len] | cp);
	return len;
}

static void every_code_point_is_decoded_or_refused(void **state)
{
	(void)state;
	for (unsigned int cp = 0; cp < CODE_POINTS + 0x1000; cp++) {
		bool valid = cp < CODE_POINTS && (cp < 0xd800 || cp > 0xdfff);
		unsigned int back = 0;
		char s[4];
		size_t len = encode(cp, s);

		assert_int_equal(text_decode(s, len, &back), valid ? len : 0);
		assert_int_equal(back, valid ? cp : 0);
		assert_int_equal(text_decode(s, len - 1, &back), 0);
	}
}

static void decoding_reads_no_further_than_told(void **state)
{
	unsigned int cp = 7;

	(void)state;
	assert_int_equal(text_decode("", 0, &cp), 0);
	assert_int_equal(text_decode(NULL, 0, &cp), 0);
	assert_int_equal(text_decode("\xe6\x97\xa5", 2, &cp), 0);
	assert_int_equal(cp, 7);
}

static void dangerous_ranges_are_escaped(void **state)
{
	static const unsigned int bad[][2] = {
		{0, 0x1f},
		{0x7f, 0x9f},
		{0x200b, 0x200f},
		{0x2028, 0x202e},
		{0x2060, 0x206f},
		{0xd800, 0xf8ff},
		{0xfdd0, 0xfdef},
		{0xfe00, 0xfe0f},
		{0xfeff, 0xfeff},
		{0xfff0, 0xfffb},
		{0xfffe, 0xffff},
		{0xe0000, 0x10ffff},
		{0x110000, 0x110010},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (unsigned int cp = bad[i][0]; cp <= bad[i][1]; cp++)
			assert_int_equal(unicode_class(cp), UNICODE_ESCAPE);
	for (unsigned int cp = ' '; cp < 0x7f; cp++)
		assert_int_equal(unicode_class(cp), UNICODE_NARROW);
	assert_int_equal(unicode_class(0xffffffff), UNICODE_ESCAPE);
}

static void random_bytes_come_out_harmless_and_stay(void **state)
{
	(void)state;
	srand(1);
	for (int i = 0; i < RANDOM; i++) {
		char src[16], once[TEXT], twice[TEXT], fit[TEXT];
		size_t len = (size_t)rand() % sizeof(src);

		for (size_t at = 0; at < len; at++)
			src[at] = (char)rand();
		text_sanitize(once, sizeof(once), src, len);
		check_harmless(once);
		text_sanitize(twice, sizeof(twice), once, strlen(once));
		assert_string_equal(once, twice);
		text_fit(fit, sizeof(fit), once, 11, i & 1);
		check_harmless(fit);
		assert_int_equal(text_width(fit), 11);
	}
}

static void sanitizing_cuts_at_whole_characters(void **state)
{
	static const char src[] = "a\xe6\x97\xa5\033\xc2\x9bz";
	static const size_t whole[] = {0, 1, 4, 8, 16, 17};
	char text[TEXT];

	(void)state;
	for (size_t size = 1; size < 20; size++) {
		size_t expected = 0;

		for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
			if (whole[i] < size)
				expected = whole[i];
		memset(text, '#', sizeof(text));
		assert_int_equal(text_sanitize(text, size, src, sizeof(src) - 1), expected);
		assert_int_equal(strlen(text), expected);
		assert_int_equal(text[size], '#');
	}
	memset(text, '#', sizeof(text));
	assert_int_equal(text_sanitize(text, 0, src, sizeof(src) - 1), 0);
	assert_int_equal(text[0], '#');
}

static size_t format(char *dst, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static size_t format(char *dst, size_t size, const char *fmt, ...)
{
	va_list args;
	size_t len;

	va_start(args, fmt);
	len = text_vformat(dst, size, fmt, args);
	va_end(args);
	return len;
}

static void formatted_text_is_sanitised(void **state)
{
	char text[2 * TEXT], lots[4096];

	(void)state;
	assert_int_equal(format(text, sizeof(text), "%s: %d", "a\033[2J", 7), 11);
	assert_string_equal(text, "a\\x1b[2J: 7");
	assert_int_equal(format(text, 6, "%s", "a\033[2J"), 5);
	assert_string_equal(text, "a\\x1b");
	memset(lots, 'z', sizeof(lots) - 1);
	lots[sizeof(lots) - 1] = '\0';
	assert_int_equal(format(text, sizeof(text), "%s", lots), sizeof(text) - 1);
}

static void widths_need_no_locale(void **state)
{
	(void)state;
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("gr\xc3\xbcn"), 4);
	assert_int_equal(text_width("\xe6\x97\xa5\xe6\x9c\xac"), 4);
	assert_int_equal(text_width("\xf0\x9f\x90\x99"), 2);
	assert_int_equal(text_width("e\xcc\x81"), 1);
	assert_int_equal(text_width("\xef\xbd\xb1"), 1); /* halfwidth katakana */
	assert_int_equal(text_width("\xef\xbc\xa1"), 2); /* fullwidth A */
}

static void text_is_fitted_to_cells(void **state)
{
	static const struct {
		const char *src;
		int cells, right;
		const char *fitted;
	} fits[] = {
		{"abc", 5, 0, "abc  "},
		{"abc", 5, 1, "  abc"},
		{"abc", 3, 0, "abc"},
		{"abcd", 3, 0, "ab~"},
		{"abcd", 3, 1, "ab~"},
		{"abcd", 1, 0, "~"},
		{"abcd", 0, 0, ""},
		{"abcd", -1, 1, ""},
		{"", 2, 0, "  "},
		{"", 2, 1, "  "},
		{"\xe6\x97\xa5\xe6\x9c\xac", 4, 0, "\xe6\x97\xa5\xe6\x9c\xac"},
		{"\xe6\x97\xa5\xe6\x9c\xac", 3, 0, "\xe6\x97\xa5~"},
		{"\xe6\x97\xa5\xe6\x9c\xac", 2, 0, "~ "}, /* half a character is left */
		{"\xe6\x97\xa5", 3, 1, " \xe6\x97\xa5"},
		{"e\xcc\x81", 1, 0, "e\xcc\x81"},
		{"ae\xcc\x81z", 2, 0, "a~"},
		{"e\xcc\x81zz", 2, 0, "e\xcc\x81~"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++) {
		char text[TEXT];
		size_t len =
			text_fit(text, sizeof(text), fits[i].src, fits[i].cells, fits[i].right);

		assert_string_equal(text, fits[i].fitted);
		assert_int_equal(len, strlen(text));
	}
}

static void fitting_never_overruns(void **state)
{
	(void)state;
	for (size_t size = 0; size < 12; size++) {
		for (int cells = 0; cells < 12; cells++) {
			char text[TEXT];

			memset(text, '#', sizeof(text));
			text_fit(text, size, "a\xe6\x97\xa5\xe6\x9c\xacyz", cells, cells & 1);
			assert_int_equal(text[size], '#');
			if (!size)
				continue;
			assert_true(strlen(text) < size);
			check_harmless(text);
		}
	}
}

static void expect_fold(const char *src, int at, int indent, int width, const char *want)
{
	struct buf b = {0};

	buf_puts(&b, "");
	text_fold(&b, src, at, indent, width);
	assert_string_equal(b.data ? b.data : "", want);
	buf_done(&b);
}

static void text_is_folded_at_blanks(void **state)
{
	(void)state;
	expect_fold("", 0, 4, 10, "");
	expect_fold("one two three", 0, 4, 80, "one two three");
	expect_fold("one two three", 0, 4, 7, "one two\n    three");
	expect_fold("one two three", 3, 1, 8, "one\n two\n three");
	expect_fold("one  two", 0, 0, 80, "one two");
	expect_fold("a muchlongerword b", 0, 2, 5, "a\n  muchlongerword\n  b");
	expect_fold("\xe6\x97\xa5 \xe6\x9c\xac x", 0, 0, 5,
		    "\xe6\x97\xa5 \xe6\x9c\xac\nx"); /* wide
							ones
							count
							twice
						      */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_text_is_escaped),
		cmocka_unit_test(json_doubles_backslashes),
		cmocka_unit_test(no_byte_value_passes_raw),
		cmocka_unit_test(every_code_point_is_decoded_or_refused),
		cmocka_unit_test(decoding_reads_no_further_than_told),
		cmocka_unit_test(dangerous_ranges_are_escaped),
		cmocka_unit_test(random_bytes_come_out_harmless_and_stay),
		cmocka_unit_test(sanitizing_cuts_at_whole_characters),
		cmocka_unit_test(formatted_text_is_sanitised),
		cmocka_unit_test(widths_need_no_locale),
		cmocka_unit_test(text_is_fitted_to_cells),
		cmocka_unit_test(fitting_never_overruns),
		cmocka_unit_test(text_is_folded_at_blanks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
