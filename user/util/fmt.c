/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "util/fmt.h"

#include <stdio.h>

static const uint64_t ns_per_s = 1000000000;

/** A number whose last @decimals digits stand behind a point, and its unit: `12.3K`. */
static char *put_scaled(char *dst, size_t size, uint64_t v, int decimals, char unit)
{
	unsigned int n = (unsigned int)v;

	if (decimals == 2)
		snprintf(dst, size, "%u.%02u%c", n / 100, n % 100, unit);
	else if (decimals == 1)
		snprintf(dst, size, "%u.%u%c", n / 10, n % 10, unit);
	else
		snprintf(dst, size, "%u%c", n, unit);
	return dst;
}

/**
 * @n / @unit with @decimals digits behind the point, rounded to nearest, as a whole number.
 * Digit by digit: the remainder is below 2^60, so ten times it still fits.
 */
static uint64_t divide_rounded(uint64_t n, uint64_t unit, int decimals)
{
	uint64_t v = n / unit, rest = n % unit;

	for (int i = 0; i < decimals; i++) {
		v = v * 10 + rest * 10 / unit;
		rest = rest * 10 % unit;
	}
	return v + (rest >= unit - rest);
}

char *fmt_bytes(char *dst, size_t size, uint64_t bytes)
{
	const char *name = "KMGTPE";
	uint64_t unit = 1024, v;

	if (bytes < 1024) {
		snprintf(dst, size, "%u", (unsigned int)bytes);
		return dst;
	}
	for (; name[1]; name++, unit *= 1024)
		if (divide_rounded(bytes, unit, 0) < 1024)
			break;
	v = divide_rounded(bytes, unit, 2);
	if (v < 1000)
		return put_scaled(dst, size, v, 2, *name);
	v = divide_rounded(bytes, unit, 1);
	if (v < 1000)
		return put_scaled(dst, size, v, 1, *name);
	return put_scaled(dst, size, divide_rounded(bytes, unit, 0), 0, *name);
}

char *fmt_rate(char *dst, size_t size, uint64_t bytes_per_s)
{
	return fmt_bytes(dst, size, bytes_per_s);
}

char *fmt_count(char *dst, size_t size, uint64_t n)
{
	const char *name = "kMGTPE";
	uint64_t unit = 1000, v;

	if (n < 100000) {
		snprintf(dst, size, "%u", (unsigned int)n);
		return dst;
	}
	for (; name[1]; name++, unit *= 1000)
		if (divide_rounded(n, unit, 0) < 1000)
			break;
	v = divide_rounded(n, unit, 1);
	if (v < 1000)
		return put_scaled(dst, size, v, 1, *name);
	return put_scaled(dst, size, divide_rounded(n, unit, 0), 0, *name);
}

static char *put_pair(char *dst, size_t size, uint64_t big, char unit, uint64_t small,
		      char small_unit)
{
	snprintf(dst, size, "%u%c%02u%c", (unsigned int)big, unit, (unsigned int)small, small_unit);
	return dst;
}

char *fmt_age(char *dst, size_t size, uint64_t ns)
{
	const uint64_t minute = 60, hour = 60 * minute, day = 24 * hour, year = 365 * day;
	uint64_t s = ns / ns_per_s;

	if (s < 10)
		return put_scaled(dst, size, ns / (ns_per_s / 10), 1, 's');
	if (s < minute)
		return put_scaled(dst, size, s, 0, 's');
	if (s < hour)
		return put_pair(dst, size, s / minute, 'm', s % minute, 's');
	if (s < day)
		return put_pair(dst, size, s / hour, 'h', s % hour / minute, 'm');
	if (s < 100 * day)
		return put_pair(dst, size, s / day, 'd', s % day / hour, 'h');
	if (s < 100 * year)
		return put_scaled(dst, size, s / day, 0, 'd');
	return put_scaled(dst, size, s / year, 0, 'y');
}

char *fmt_exact(char *dst, size_t size, uint64_t n)
{
	char text[FMT_TEXT];
	size_t at = sizeof(text);
	int digits = 0;

	text[--at] = '\0';
	do {
		if (digits && digits % 3 == 0)
			text[--at] = ',';
		text[--at] = (char)('0' + n % 10);
		n /= 10;
		digits++;
	} while (n);
	snprintf(dst, size, "%s", text + at);
	return dst;
}

struct date {
	unsigned int year, month, day;
};

/**
 * The Gregorian day so many days after 1970-01-01, in 400-year eras that start on 1 March, so that
 * the leap day is the last. Own arithmetic: gmtime_r() may open /etc/localtime, which a process
 * that gave up its rights cannot, and a time zone with leap seconds would shift the log.
 */
static struct date date_of(uint64_t days)
{
	uint64_t z = days + 719468, era = z / 146097, of_era = z % 146097;
	uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	uint64_t month = (5 * of_year + 2) / 153; /* 0 = March */
	struct date d = {
		.year = (unsigned int)(year + era * 400 + (month >= 10)),
		.month = (unsigned int)(month < 10 ? month + 3 : month - 9),
		.day = (unsigned int)(of_year - (153 * month + 2) / 5 + 1),
	};

	return d;
}

char *fmt_time_utc(char *dst, size_t size, uint64_t wall_ns)
{
	uint64_t s = wall_ns / ns_per_s;
	unsigned int of_day = (unsigned int)(s % 86400);
	struct date d = date_of(s / 86400);

	snprintf(dst, size, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ", d.year, d.month, d.day,
		 of_day / 3600, of_day / 60 % 60, of_day % 60,
		 (unsigned int)(wall_ns % ns_per_s / 1000));
	return dst;
}
