/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "util/num.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef int parse_fn(const char *s, uint64_t min, uint64_t max, uint64_t *ret);

struct number {
	const char *text;
	int err;
	uint64_t value, min, max; /* max 0 = no bound */
};

enum { UNTOUCHED = 4711 };

static void check_all(parse_fn *parse, const struct number *n)
{
	for (; n->text; n++) {
		uint64_t value = UNTOUCHED;
		int err = parse(n->text, n->min, n->max ? n->max : UINT64_MAX, &value);

		if (err != n->err || value != (err ? UNTOUCHED : n->value))
			fail_msg("'%s': error %d, value %ju", n->text, err, (uintmax_t)value);
	}
}

static void u64_is_the_whole_text(void **state)
{
	const struct number numbers[] = {
		{"0", 0, 0, 0, 0},
		{"7", 0, 7, 0, 0},
		{"007", 0, 7, 0, 0},
		{"18446744073709551615", 0, UINT64_MAX, 0, 0},
		{"18446744073709551616", -ERANGE, 0, 0, 0},
		{"99999999999999999999999", -ERANGE, 0, 0, 0},
		{"99999999999999999999999x", -EINVAL, 0, 0, 0},
		{"", -EINVAL, 0, 0, 0},
		{" 1", -EINVAL, 0, 0, 0},
		{"1 ", -EINVAL, 0, 0, 0},
		{"+1", -EINVAL, 0, 0, 0},
		{"-1", -EINVAL, 0, 0, 0},
		{"0x10", -EINVAL, 0, 0, 0},
		{"1e3", -EINVAL, 0, 0, 0},
		{"1.0", -EINVAL, 0, 0, 0},
		{"1,000", -EINVAL, 0, 0, 0},
		{"\xd9\xa1", -EINVAL, 0, 0, 0}, /* an Arabic digit */
		{"80", 0, 80, 80, 80},
		{"79", -ERANGE, 0, 80, 80},
		{"81", -ERANGE, 0, 80, 80},
		{0},
	};

	(void)state;
	check_all(num_u64, numbers);
}

static void seconds_have_up_to_nine_decimals(void **state)
{
	const struct number numbers[] = {
		{"1", 0, 1000000000, 0, 0},
		{"0.5", 0, 500000000, 0, 0},
		{".5", 0, 500000000, 0, 0},
		{"0.000000001", 0, 1, 0, 0},
		{"3600.000000000", 0, 3600000000000, 0, 0},
		{"0.0000000001", -EINVAL, 0, 0, 0},
		{"18446744073.709551615", 0, UINT64_MAX, 0, 0},
		{"18446744073.709551616", -ERANGE, 0, 0, 0},
		{"18446744074", -ERANGE, 0, 0, 0},
		{"99999999999999999999999", -ERANGE, 0, 0, 0},
		{"99999999999999999999999.5", -ERANGE, 0, 0, 0},
		{"99999999999999999999999.x", -EINVAL, 0, 0, 0},
		{"1.", -EINVAL, 0, 0, 0},
		{".", -EINVAL, 0, 0, 0},
		{"", -EINVAL, 0, 0, 0},
		{"1,5", -EINVAL, 0, 0, 0},
		{"1.5s", -EINVAL, 0, 0, 0},
		{"1.5.5", -EINVAL, 0, 0, 0},
		{"-1", -EINVAL, 0, 0, 0},
		{"inf", -EINVAL, 0, 0, 0},
		{"nan", -EINVAL, 0, 0, 0},
		{"0.1", 0, 100000000, 100000000, 3600000000000},
		{"0.09", -ERANGE, 0, 100000000, 3600000000000},
		{"3600.1", -ERANGE, 0, 100000000, 3600000000000},
		{0},
	};

	(void)state;
	check_all(num_seconds, numbers);
}

static void bytes_take_one_suffix(void **state)
{
	const struct number numbers[] = {
		{"0", 0, 0, 0, 0},
		{"1023", 0, 1023, 0, 0},
		{"1K", 0, 1024, 0, 0},
		{"64k", 0, 65536, 0, 0},
		{"16M", 0, 16777216, 0, 0},
		{"2g", 0, 2147483648, 0, 0},
		{"17179869183G", 0, 17179869183ULL << 30, 0, 0},
		{"17179869184G", -ERANGE, 0, 0, 0},
		{"99999999999999999999999K", -ERANGE, 0, 0, 0},
		{"K", -EINVAL, 0, 0, 0},
		{"", -EINVAL, 0, 0, 0},
		{"1KK", -EINVAL, 0, 0, 0},
		{"1KB", -EINVAL, 0, 0, 0},
		{"1KiB", -EINVAL, 0, 0, 0},
		{"1T", -EINVAL, 0, 0, 0},
		{"1 K", -EINVAL, 0, 0, 0},
		{"1.5K", -EINVAL, 0, 0, 0},
		{"3K", -ERANGE, 0, 4096, 0},
		{"5K", -ERANGE, 0, 0, 4096},
		{"4K", 0, 4096, 4096, 4096},
		{0},
	};

	(void)state;
	check_all(num_bytes, numbers);
}

static void percent_is_a_share(void **state)
{
	static const struct {
		const char *text;
		uint64_t share;
		int err;
	} rows[] = {
		{"1", 10000000, 0},         {"1%", 10000000, 0},
		{"0.05", 500000, 0},        {".5%", 5000000, 0},
		{"100", 1000000000, 0},     {"2.1234567", 21234567, 0},
		{"2.12345678", 0, -EINVAL}, {"0", 0, -ERANGE},
		{"101", 0, -ERANGE},        {"184467440737095516", 0, -ERANGE},
		{"", 0, -EINVAL},           {"%", 0, -EINVAL},
		{"1%%", 0, -EINVAL},        {"1 %", 0, -EINVAL},
		{"-1", 0, -EINVAL},         {"0000000000000000000000000001", 0, -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t share = 0;

		if (num_percent(rows[i].text, 1, 1000000000, &share) != rows[i].err ||
		    share != rows[i].share)
			fail_msg("`%s`: %llu", rows[i].text, (unsigned long long)share);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(u64_is_the_whole_text),
		cmocka_unit_test(seconds_have_up_to_nine_decimals),
		cmocka_unit_test(bytes_take_one_suffix),
		cmocka_unit_test(percent_is_a_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
