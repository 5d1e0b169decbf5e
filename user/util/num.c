/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "util/num.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { NS_DIGITS = 9 };

static const uint64_t ns_per_s = 1000000000;

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/** *v = *v * factor + add, or -ERANGE. */
static int scale(uint64_t *v, uint64_t factor, uint64_t add)
{
	if (__builtin_mul_overflow(*v, factor, v) || __builtin_add_overflow(*v, add, v))
		return -ERANGE;
	return 0;
}

/** Read digits at *s, at least one, and move behind them. All are read even when out of range, so
 *  that text that is no number at all is told first. */
static int read_digits(const char **s, uint64_t *ret)
{
	uint64_t v = 0;
	int err = 0;

	if (!is_digit(**s))
		return -EINVAL;
	for (; is_digit(**s); (*s)++)
		if (!err)
			err = scale(&v, 10, (uint64_t)(**s - '0'));
	*ret = v;
	return err;
}

/** The end of every parser: nothing may follow, and the value must be in range. */
static int finish(const char *rest, int err, uint64_t v, uint64_t min, uint64_t max, uint64_t *ret)
{
	if (*rest)
		return -EINVAL;
	if (err)
		return err;
	if (v < min || v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

int num_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;
	int err = read_digits(&s, &v);

	return finish(s, err, v, min, max, ret);
}

/** Up to nine decimals behind the point as nanoseconds; -EINVAL if none or more. */
static int read_decimals(const char **s, uint64_t *ret_ns)
{
	uint64_t ns = 0;
	int digits = 0;

	for (; is_digit(**s) && digits < NS_DIGITS; (*s)++, digits++)
		ns = ns * 10 + (uint64_t)(**s - '0');
	if (!digits)
		return -EINVAL;
	for (; digits < NS_DIGITS; digits++)
		ns *= 10;
	*ret_ns = ns;
	return 0;
}

int num_seconds(const char *s, uint64_t min_ns, uint64_t max_ns, uint64_t *ret_ns)
{
	uint64_t v = 0, ns = 0;
	int err = 0;

	if (*s != '.')
		err = read_digits(&s, &v);
	if (err == -EINVAL)
		return err;
	if (*s == '.') {
		s++;
		if (read_decimals(&s, &ns))
			return -EINVAL;
	}
	if (!err)
		err = scale(&v, ns_per_s, ns);
	return finish(s, err, v, min_ns, max_ns, ret_ns);
}

int num_percent(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	char number[24];
	size_t len = strlen(s);
	uint64_t v;
	int err;

	if (len && s[len - 1] == '%')
		len--;
	if (len >= sizeof(number))
		return -EINVAL;
	memcpy(number, s, len);
	number[len] = '\0';
	err = num_seconds(number, 0, UINT64_MAX, &v); /* billionths of one percent */
	if (err)
		return err;
	if (v % 100)
		return -EINVAL;
	return finish("", 0, v / 100, min, max, ret);
}

static uint64_t suffix_factor(char c)
{
	switch (c) {
	case 'k':
	case 'K':
		return 1ULL << 10;
	case 'm':
	case 'M':
		return 1ULL << 20;
	case 'g':
	case 'G':
		return 1ULL << 30;
	default:
		return 0;
	}
}

int num_bytes(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0, factor;
	int err = read_digits(&s, &v);

	if (err == -EINVAL)
		return err;
	factor = suffix_factor(*s);
	if (factor) {
		s++;
		if (!err)
			err = scale(&v, factor, 0);
	}
	return finish(s, err, v, min, max, ret);
}
