/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/kbtf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <bpf/btf.h>
#include <cmocka.h>

enum { MANY = 3000 };

static int add_function(struct btf *btf, const char *name, int type, int parameters)
{
	int proto = btf__add_func_proto(btf, type);

	for (int i = 0; i < parameters; i++)
		assert_int_equal(btf__add_func_param(btf, "p", type), 0);
	return btf__add_func(btf, name, BTF_FUNC_STATIC, proto);
}

static void names_are_found_as_libbpf_finds_them(void **state)
{
	struct btf *btf = btf__new_empty();
	int type = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	struct kbtf *k;
	char name[32];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "name_%d", i % (MANY / 2)); /* each twice */
		if (i % 5 == 0)
			assert_true(btf__add_var(btf, name, BTF_VAR_STATIC, type) > 0);
		else if (i % 3)
			assert_true(add_function(btf, name, type, i % 5) > 0);
		else
			assert_true(btf__add_typedef(btf, name, type) > 0);
	}
	k = kbtf_new(btf);
	assert_non_null(k);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "name_%d", i);
		assert_int_equal(kbtf_find(k, name, BTF_KIND_FUNC),
				 btf__find_by_name_kind(btf, name, BTF_KIND_FUNC));
		assert_int_equal(kbtf_find(k, name, BTF_KIND_TYPEDEF),
				 btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF));
		assert_int_equal(kbtf_find(k, name, BTF_KIND_VAR),
				 btf__find_by_name_kind(btf, name, BTF_KIND_VAR));
	}
	assert_int_equal(kbtf_find(k, "int", BTF_KIND_TYPEDEF), -ENOENT);
	kbtf_free(k);
}

static void parameters_are_counted(void **state)
{
	struct btf *btf = btf__new_empty();
	int type = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	struct kbtf *k;

	(void)state;
	add_function(btf, "none", type, 0);
	add_function(btf, "four", type, 4);
	btf__add_typedef(btf, "alias", type);
	k = kbtf_new(btf);
	assert_int_equal(kbtf_parameters(k, "none"), 0);
	assert_int_equal(kbtf_parameters(k, "four"), 4);
	assert_int_equal(kbtf_parameters(k, "alias"), -1);
	assert_int_equal(kbtf_parameters(k, "missing"), -1);
	kbtf_free(k);
	kbtf_free(NULL);
}

static void nothing_is_found_in_nothing(void **state)
{
	struct kbtf *k = kbtf_new(btf__new_empty());

	(void)state;
	assert_int_equal(kbtf_find(k, "tcp_sendmsg", BTF_KIND_FUNC), -ENOENT);
	kbtf_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found_as_libbpf_finds_them),
		cmocka_unit_test(parameters_are_counted),
		cmocka_unit_test(nothing_is_found_in_nothing),
	};

	return cmocka_run_group_tests_name("kbtf", tests, NULL, NULL);
}
