/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/uses.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct use_key key_of(uint64_t cookie, uint32_t pid)
{
	struct use_key key;

	memset(&key, 0, sizeof(key));
	key.cookie = cookie;
	key.pid = pid;
	key.start_ns = 7 * (uint64_t)pid;
	return key;
}

static struct uses with_bound(size_t max_uses)
{
	struct uses u;

	assert_int_equal(uses_init(&u, max_uses), 0);
	return u;
}

static struct use *get(struct uses *u, uint64_t cookie, uint32_t pid)
{
	struct use_key key = key_of(cookie, pid);
	struct open_socket *s = NULL;
	struct use *use = uses_get(u, &key, &s);

	if (!use)
		return NULL;
	assert_ptr_equal(s, uses_socket(u, cookie));
	assert_int_equal(s->cookie, cookie);
	assert_int_equal(use->pid, key.pid);
	assert_int_equal(use->start_ns, key.start_ns);
	return use;
}

static struct use *find(const struct uses *u, uint64_t cookie, uint32_t pid)
{
	struct use_key key = key_of(cookie, pid);

	return uses_find(u, &key);
}

static void what_was_made_is_found(void **state)
{
	struct uses u = with_bound(10);
	struct use *a, *b;

	(void)state;
	assert_null(find(&u, 1, 10));
	assert_null(uses_socket(&u, 1));
	a = get(&u, 1, 10);
	b = get(&u, 1, 11);
	assert_non_null(a);
	assert_ptr_not_equal(a, b);
	assert_ptr_equal(find(&u, 1, 10), a);
	assert_ptr_equal(get(&u, 1, 10), a);
	assert_ptr_equal(find(&u, 1, 11), b);
	assert_null(find(&u, 2, 10));
	assert_int_equal(u.use_count, 2);
	assert_int_equal(u.socket_count, 1);
	assert_ptr_equal(pool_at(&u.plain_uses, uses_socket(&u, 1)->uses), b);
	assert_ptr_equal(pool_at(&u.plain_uses, b->sibling), a);
	assert_int_equal(a->sibling, 0);
	uses_done(&u);
}

/* Each field tells uses apart. */
static void every_field_is_part_of_the_key(void **state)
{
	struct uses u = with_bound(10);
	struct use_key keys[7];
	struct open_socket *s;

	(void)state;
	for (int i = 0; i < 7; i++)
		keys[i] = key_of(1, 10);
	keys[1].cookie++;
	keys[2].start_ns++;
	keys[3].pid++;
	keys[4].port++;
	keys[5].kind++;
	keys[6].ip[15]++;
	for (int i = 0; i < 7; i++) {
		assert_null(uses_find(&u, &keys[i]));
		assert_non_null(uses_get(&u, &keys[i], &s));
	}
	assert_int_equal(u.use_count, 7);
	assert_int_equal(u.socket_count, 2);
	uses_done(&u);
}

static void new_ones_are_blank_also_in_used_memory(void **state)
{
	struct uses u = with_bound(10);
	struct open_socket *s;
	struct use *use;

	(void)state;
	for (int round = 0; round < 2; round++) {
		use = get(&u, 5, 50);
		s = uses_socket(&u, 5);
		assert_true(!use->tx_bytes && !use->rx_bytes && !use->told && !use->role);
		assert_true(!s->closing && !s->no_release && !s->missed && !s->listener);
		use->tx_bytes = use->rx_bytes = 99;
		use->told = s->closing = true;
		use->role = s->missed = 3;
		uses_listen(&u, s, 1, 80);
		uses_forget(&u, s);
		assert_null(find(&u, 5, 50));
		assert_null(uses_socket(&u, 5));
	}
	assert_int_equal(u.plain_uses.made, 1); /* it was the same memory both times */
	assert_int_equal(u.sockets.made, 1);
	assert_int_equal(u.listeners.made, 1);
	uses_done(&u);
}

static void many_stay_found_while_the_table_grows(void **state)
{
	enum { MANY = 20000 };
	struct uses u = with_bound(MANY);
	size_t buckets = u.mask;
	struct use *first = get(&u, 1, 1);

	(void)state;
	for (uint32_t i = 2; i <= MANY; i++)
		get(&u, 1 + i / 3, i)->tx_bytes = i;
	assert_true(u.mask > buckets);
	assert_int_equal(u.mask & (u.mask + 1), 0);
	assert_int_equal(u.use_count, MANY);
	assert_ptr_equal(find(&u, 1, 1), first); /* rows do not move */
	for (uint32_t i = 2; i <= MANY; i++)
		assert_int_equal(find(&u, 1 + i / 3, i)->tx_bytes, i);
	for (uint64_t cookie = 1; cookie <= 1 + MANY / 3; cookie += 2)
		uses_forget(&u, uses_socket(&u, cookie));
	for (uint32_t i = 2; i <= MANY; i++)
		assert_int_equal(find(&u, 1 + i / 3, i) != NULL, (1 + i / 3) % 2 == 0);
	uses_done(&u);
}

static void the_bound_is_of_uses(void **state)
{
	struct uses u = with_bound(3);

	(void)state;
	assert_non_null(get(&u, 1, 10));
	assert_non_null(get(&u, 1, 11));
	assert_non_null(get(&u, 2, 10));
	assert_null(get(&u, 3, 10));
	assert_null(get(&u, 2, 11));
	assert_null(uses_socket(&u, 3)); /* no socket without a use is left behind */
	assert_int_equal(u.socket_count, 2);
	assert_non_null(get(&u, 1, 11)); /* those that are there stay */
	uses_forget(&u, uses_socket(&u, 1));
	assert_int_equal(u.use_count, 1);
	assert_non_null(get(&u, 3, 10));
	assert_non_null(get(&u, 4, 10));
	assert_null(get(&u, 5, 10));
	assert_int_equal(u.use_count, 3);
	uses_done(&u);
}

static void a_bound_of_nothing_refuses_all(void **state)
{
	struct uses u = with_bound(0);

	(void)state;
	assert_null(get(&u, 1, 10));
	assert_int_equal(u.socket_count, 0);
	uses_done(&u);
}

/* In an order that has nothing to do with that of their making. */
static void sockets_are_forgotten_in_any_order(void **state)
{
	enum {
		COUNT = 1009 /* a prime: steps of any length visit all */
	};
	struct uses u = with_bound(2 * COUNT);

	(void)state;
	for (uint64_t i = 0; i < COUNT; i++) {
		get(&u, 1 + i, 1);
		get(&u, 1 + i, 2);
		uses_socket(&u, 1 + i)->no_release = i % 2;
		u.no_release_count += i % 2;
	}
	for (uint64_t i = 0; i < COUNT; i++) {
		uint64_t cookie = 1 + i * 389 % COUNT;

		assert_non_null(find(&u, cookie, 2));
		uses_forget(&u, uses_socket(&u, cookie));
		assert_null(find(&u, cookie, 1));
		assert_null(find(&u, cookie, 2));
		assert_int_equal(u.socket_count, COUNT - 1 - i);
		assert_int_equal(u.use_count, 2 * (COUNT - 1 - i));
	}
	assert_int_equal(u.no_release_count, 0);
	uses_forget(&u, NULL);
	uses_done(&u);
}

struct visit {
	struct uses *uses;
	uint64_t sum;
	unsigned int count;
	bool forget;
};

static void visit_socket(struct open_socket *s, void *arg)
{
	struct visit *visit = arg;

	visit->sum += s->cookie;
	visit->count++;
	if (visit->forget)
		uses_forget(visit->uses, s);
}

static void each_socket_is_visited_once(void **state)
{
	struct uses u = with_bound(10000);
	struct visit visit = {.uses = &u};

	(void)state;
	uses_each_socket(&u, visit_socket, &visit);
	assert_int_equal(visit.count, 0);
	for (uint64_t cookie = 1; cookie <= 3000; cookie++)
		for (uint32_t pid = 1; pid <= 2; pid++)
			get(&u, cookie, pid);
	uses_each_socket(&u, visit_socket, &visit);
	assert_int_equal(visit.count, 3000);
	assert_int_equal(visit.sum, 3000 * 3001 / 2);
	visit = (struct visit){.uses = &u, .forget = true};
	uses_each_socket(&u, visit_socket, &visit);
	assert_int_equal(visit.count, 3000);
	assert_int_equal(u.socket_count, 0);
	assert_int_equal(u.use_count, 0);
	uses_done(&u);
}

static void listeners_are_found_by_port_and_namespace(void **state)
{
	struct uses u = with_bound(1000);

	(void)state;
	for (uint32_t i = 1; i <= 600; i++) { /* ports that meet in one bucket, too */
		get(&u, i, 1);
		uses_listen(&u, uses_socket(&u, i), 7, (uint16_t)i);
	}
	get(&u, 601, 1);
	uses_listen(&u, uses_socket(&u, 601), 7, 80); /* SO_REUSEPORT */
	uses_listen(&u, uses_socket(&u, 601), 7, 9000);
	assert_true(uses_listened(&u, 7, 1) && uses_listened(&u, 7, 80) &&
		    uses_listened(&u, 7, 600));
	assert_false(uses_listened(&u, 8, 80) || uses_listened(&u, 7, 601) ||
		     uses_listened(&u, 7, 9000));
	uses_forget(&u, uses_socket(&u, 80));
	assert_true(uses_listened(&u, 7, 80));
	uses_forget(&u, uses_socket(&u, 601));
	assert_false(uses_listened(&u, 7, 80));
	for (uint32_t i = 1; i <= 600; i++)
		uses_forget(&u, uses_socket(&u, i));
	for (uint32_t i = 1; i <= 600; i++)
		assert_false(uses_listened(&u, 7, (uint16_t)i));
	assert_int_equal(u.socket_count, 0);
	uses_done(&u);
}

static void done_leaves_nothing(void **state)
{
	struct uses u = with_bound(10), zero;

	(void)state;
	memset(&zero, 0, sizeof(zero));
	get(&u, 1, 1);
	get(&u, 2, 1);
	uses_forget(&u, uses_socket(&u, 1));
	uses_done(&u);
	assert_memory_equal(&u, &zero, sizeof(u));
	uses_done(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_made_is_found),
		cmocka_unit_test(every_field_is_part_of_the_key),
		cmocka_unit_test(new_ones_are_blank_also_in_used_memory),
		cmocka_unit_test(many_stay_found_while_the_table_grows),
		cmocka_unit_test(the_bound_is_of_uses),
		cmocka_unit_test(a_bound_of_nothing_refuses_all),
		cmocka_unit_test(sockets_are_forgotten_in_any_order),
		cmocka_unit_test(each_socket_is_visited_once),
		cmocka_unit_test(listeners_are_found_by_port_and_namespace),
		cmocka_unit_test(done_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
