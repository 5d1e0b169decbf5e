/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "util/fmt.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { COLUMNS = 6, RANDOM = 200000 };

typedef char *fmt_fn(char *dst, size_t size, uint64_t v);

struct example {
	uint64_t value;
	const char *text;
};

static const uint64_t s = 1000000000, minute = 60 * 1000000000ULL;
static const uint64_t hour = 3600 * 1000000000ULL, day = 86400 * 1000000000ULL;

static void check_all(fmt_fn *fmt, const struct example *e)
{
	for (; e->text; e++) {
		char text[FMT_TEXT];

		assert_ptr_equal(fmt(text, sizeof(text), e->value), text);
		assert_string_equal(text, e->text);
	}
}

static void bytes_are_rounded_to_nearest(void **state)
{
	const struct example examples[] = {
		{0, "0"},
		{999, "999"},
		{1023, "1023"},
		{1024, "1.00K"},
		{1029, "1.00K"},
		{1030, "1.01K"},
		{1536, "1.50K"},
		{10234, "9.99K"},
		{10235, "10.0K"}, /* 9.995 */
		{12595, "12.3K"},
		{102348, "99.9K"},
		{102349, "100K"}, /* 99.95 */
		{1023 * 1024, "1023K"},
		{1023 * 1024 + 511, "1023K"},
		{1023 * 1024 + 512, "1.00M"},
		{1048575, "1.00M"},
		{1048576, "1.00M"},
		{1572864, "1.50M"},
		{1073741823, "1.00G"},
		{1ULL << 40, "1.00T"},
		{1ULL << 50, "1.00P"},
		{(1ULL << 60) - 1, "1.00E"},
		{1ULL << 60, "1.00E"},
		{UINT64_MAX, "16.0E"},
		{0},
	};

	(void)state;
	check_all(fmt_bytes, examples);
	check_all(fmt_rate, examples);
}

static void counts_have_base_1000(void **state)
{
	const struct example examples[] = {
		{0, "0"},
		{999, "999"},
		{99999, "99999"},
		{100000, "100k"},
		{100500, "101k"},
		{999499, "999k"},
		{999500, "1.0M"},
		{1234567, "1.2M"},
		{99949999, "99.9M"},
		{99950000, "100M"},
		{1500000000, "1.5G"},
		{UINT64_MAX, "18.4E"},
		{0},
	};

	(void)state;
	check_all(fmt_count, examples);
}

static void ages_are_cut_not_rounded(void **state)
{
	const struct example examples[] = {
		{0, "0.0s"},
		{s * 4 / 10, "0.4s"},
		{10 * s - 1, "9.9s"},
		{10 * s, "10s"},
		{minute - 1, "59s"},
		{62 * s, "1m02s"},
		{hour - 1, "59m59s"},
		{hour + 2 * minute, "1h02m"},
		{day - 1, "23h59m"},
		{3 * day + 4 * hour, "3d04h"},
		{100 * day - 1, "99d23h"},
		{100 * day, "100d"},
		{36500 * day - 1, "36499d"},
		{36500 * day, "100y"},
		{UINT64_MAX, "584y"},
		{0},
	};

	(void)state;
	check_all(fmt_age, examples);
}

static void exact_numbers_have_commas(void **state)
{
	const struct example examples[] = {
		{0, "0"},
		{999, "999"},
		{1000, "1,000"},
		{1234567, "1,234,567"},
		{UINT64_MAX, "18,446,744,073,709,551,615"},
		{0},
	};

	(void)state;
	check_all(fmt_exact, examples);
}

static void times_are_rfc_3339(void **state)
{
	const struct example examples[] = {
		{0, "1970-01-01T00:00:00.000000Z"},
		{1795430400123456789, "2026-11-23T10:40:00.123456Z"},
		{951782400 * s, "2000-02-29T00:00:00.000000Z"},
		{4107542399 * s + 999999999, "2100-02-28T23:59:59.999999Z"},
		{4107542400 * s, "2100-03-01T00:00:00.000000Z"},
		{UINT64_MAX, "2554-07-21T23:34:33.709551Z"},
		{0},
	};

	(void)state;
	check_all(fmt_time_utc, examples);
}

static void times_agree_with_gmtime(void **state)
{
	(void)state;
	for (uint64_t t = 0; t < UINT64_MAX / s - 90000; t += 43201 * 7) {
		time_t seconds = (time_t)t;
		char ours[FMT_TEXT], theirs[FMT_TEXT];
		struct tm tm;

		fmt_time_utc(ours, sizeof(ours), t * s);
		gmtime_r(&seconds, &tm);
		strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%S.000000Z", &tm);
		assert_string_equal(ours, theirs);
	}
}

/** Numbers of all magnitudes; those around powers of 2 and 10 are the ones that break widths. */
static uint64_t sample(int i)
{
	static const uint64_t mix = 0x9e3779b97f4a7c15;
	uint64_t v = (uint64_t)i * mix, ten = 1;

	v = (v ^ v >> 31) * mix;
	if (i % 4 == 0)
		return (1ULL << (v % 64)) - 2 + v / 64 % 5;
	if (i % 4 == 1) {
		for (uint64_t n = v % 20; n; n--)
			ten *= 10;
		return ten * (1 + v / 64 % 9) - 2 + v / 1024 % 5;
	}
	return v >> (v % 64);
}

static void check_width(fmt_fn *fmt, uint64_t v)
{
	char text[FMT_TEXT];

	fmt(text, sizeof(text), v);
	if (strlen(text) > COLUMNS || !strlen(text))
		fail_msg("%ju is '%s'", (uintmax_t)v, text);
}

static void widths_hold_for_every_number(void **state)
{
	(void)state;
	for (int i = 0; i < RANDOM; i++) {
		uint64_t v = sample(i);

		check_width(fmt_bytes, v);
		check_width(fmt_rate, v);
		check_width(fmt_count, v);
		check_width(fmt_age, v);
	}
}

/** What a text says, in bytes, and how much one unit of its last digit is. */
static long double value_of(const char *text, long double base, long double *step)
{
	const char *units = "KMGTPE", *dot = strchr(text, '.');
	char *end;
	long double v = strtold(text, &end), unit = 1;
	const char *at = *end ? strchr(units, *end == 'k' ? 'K' : *end) : NULL;

	for (int n = at ? (int)(at - units) + 1 : 0; n; n--)
		unit *= base;
	*step = unit;
	for (int n = dot ? (int)(end - dot) - 1 : 0; n; n--)
		*step /= 10;
	return v * unit;
}

static void check_nearest(fmt_fn *fmt, uint64_t v, long double base)
{
	long double step, said, error;
	char text[FMT_TEXT];

	said = value_of(fmt(text, sizeof(text), v), base, &step);
	error = said > v ? said - v : v - said;
	if (error > step / 2 * 1.0000001L)
		fail_msg("%ju is '%s'", (uintmax_t)v, text);
}

static void no_number_is_off_by_more_than_half_a_digit(void **state)
{
	(void)state;
	setlocale(LC_ALL, "C");
	for (int i = 0; i < RANDOM; i++) {
		check_nearest(fmt_bytes, sample(i), 1024);
		check_nearest(fmt_count, sample(i), 1000);
	}
}

static void bytes_never_show_1024_of_a_unit(void **state)
{
	(void)state;
	for (int i = 0; i < RANDOM; i++) {
		char text[FMT_TEXT];

		fmt_bytes(text, sizeof(text), sample(i));
		assert_null(strstr(text, "1024"));
	}
}

static void the_locale_changes_nothing(void **state)
{
	char text[FMT_TEXT];

	(void)state;
	if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "fr_FR.UTF-8"))
		skip();
	assert_string_equal(fmt_bytes(text, sizeof(text), 1536), "1.50K");
	assert_string_equal(fmt_exact(text, sizeof(text), 1000), "1,000");
	setlocale(LC_ALL, "C");
}

static void short_buffers_are_not_overrun(void **state)
{
	fmt_fn *const all[] = {fmt_bytes, fmt_rate, fmt_count, fmt_age, fmt_exact, fmt_time_utc};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (size_t size = 1; size < FMT_TEXT; size++) {
			char text[FMT_TEXT];

			memset(text, 'x', sizeof(text));
			all[i](text, size, UINT64_MAX);
			assert_non_null(memchr(text, '\0', size));
			assert_int_equal(text[size], 'x');
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_rounded_to_nearest),
		cmocka_unit_test(counts_have_base_1000),
		cmocka_unit_test(ages_are_cut_not_rounded),
		cmocka_unit_test(exact_numbers_have_commas),
		cmocka_unit_test(times_are_rfc_3339),
		cmocka_unit_test(times_agree_with_gmtime),
		cmocka_unit_test(widths_hold_for_every_number),
		cmocka_unit_test(no_number_is_off_by_more_than_half_a_digit),
		cmocka_unit_test(bytes_never_show_1024_of_a_unit),
		cmocka_unit_test(the_locale_changes_nothing),
		cmocka_unit_test(short_buffers_are_not_overrun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
