/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "util/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct thing {
	uint64_t a, b, c;
};

enum { MANY = 5 * POOL_CHUNK + 7 };

static void things_stay_where_they_are(void **state)
{
	struct pool p;
	struct thing *first;

	(void)state;
	pool_init(&p, sizeof(struct thing));
	assert_null(pool_at(&p, 0));
	first = pool_at(&p, pool_get(&p));
	for (uint32_t i = 2; i <= MANY; i++) {
		struct thing *t = pool_at(&p, pool_get(&p));

		assert_int_equal(t->a | t->b | t->c, 0);
		assert_int_equal((uintptr_t)t % _Alignof(struct thing), 0);
		t->a = t->b = t->c = i;
	}
	assert_ptr_equal(pool_at(&p, 1), first);
	for (uint32_t i = 2; i <= MANY; i++)
		assert_int_equal(((struct thing *)pool_at(&p, i))->c, i);
	assert_int_equal(p.made, MANY);
	pool_done(&p);
}

static void what_is_given_back_is_used_again(void **state)
{
	struct pool p;
	uint32_t numbers[100];

	(void)state;
	pool_init(&p, sizeof(struct thing));
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 100; i++) {
			struct thing *t;

			numbers[i] = pool_get(&p);
			t = pool_at(&p, numbers[i]);
			assert_int_equal(t->a | t->b | t->c, 0);
			memset(t, 0xff, sizeof(*t));
		}
		for (int i = 0; i < 100; i++)
			pool_put(&p, numbers[i * 37 % 100]);
	}
	assert_int_equal(p.made, 100);
	pool_done(&p);
	assert_int_equal(pool_get(&p), 1); /* usable like new */
	pool_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(things_stay_where_they_are),
		cmocka_unit_test(what_is_given_back_is_used_again),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
