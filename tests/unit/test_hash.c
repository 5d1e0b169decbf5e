/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "util/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { INPUT_MAX = 64 };

/* Key and input 00 01 02 ...; from an implementation whose 2-4 form gives the vectors of the
 * paper, and whose 1-3 form agrees with CPython's and Rust's. */
static const struct {
	size_t len;
	uint64_t hash;
} vectors[] = {
	{0, 0xabac0158050fc4dc},  {1, 0xc9f49bf37d57ca93},  {7, 0xd3927d989bb11140},
	{8, 0x369095118d299a8e},  {9, 0x25a48eb36c063de4},  {15, 0xd320d86d2a519956},
	{16, 0xcc4fdd1a7d908b66}, {63, 0x9d199062b7bbb3a8}, {64, 0xf17997ec4b4a6065},
};

static void hash_gives_the_known_values(void **state)
{
	const struct hash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	uint8_t input[INPUT_MAX];

	(void)state;
	for (int i = 0; i < INPUT_MAX; i++)
		input[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		assert_int_equal(hash_bytes(&key, input, vectors[i].len), vectors[i].hash);
}

static void hash_agrees_with_cpython(void **state)
{
	const struct hash_key zero = {0};

	(void)state; /* PYTHONHASHSEED=0 python3 -c 'print(hex(hash(b"sockwatch") & 2**64 - 1))' */
	assert_int_equal(hash_bytes(&zero, "sockwatch", 9), 0xc93f269826a5b128);
}

static void hash_takes_any_alignment(void **state)
{
	const struct hash_key key = {1, 2};
	char text[2 * INPUT_MAX];

	(void)state;
	for (size_t at = 0; at < 8; at++) {
		memset(text + at, 'x', INPUT_MAX);
		assert_int_equal(hash_bytes(&key, text + at, INPUT_MAX - 3),
				 hash_bytes(&key, text, INPUT_MAX - 3));
		memset(text, 'x', at + 1);
	}
}

static void hash_of_nothing_reads_nothing(void **state)
{
	const struct hash_key key = {1, 2};

	(void)state;
	assert_int_equal(hash_bytes(&key, NULL, 0), hash_bytes(&key, "", 0));
}

static void random_keys_differ(void **state)
{
	struct hash_key a = hash_key_random(), b = hash_key_random();

	(void)state;
	assert_memory_not_equal(&a, &b, sizeof(a));
	assert_int_not_equal(hash_bytes(&a, "x", 1), hash_bytes(&b, "x", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_gives_the_known_values),
		cmocka_unit_test(hash_agrees_with_cpython),
		cmocka_unit_test(hash_takes_any_alignment),
		cmocka_unit_test(hash_of_nothing_reads_nothing),
		cmocka_unit_test(random_keys_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
