/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void keys_are_bound_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < key_row_count; i++) {
		for (int k = 0; k < KEYS_MAX && key_rows[i].keys[k]; k++)
			assert_int_equal(keys_action(key_rows[i].keys[k]), key_rows[i].action);
	}
}

static void keys_reach_every_action_once(void **state)
{
	int rows[ACTION_COUNT] = {0};

	(void)state;
	for (size_t i = 0; i < key_row_count; i++) {
		assert_true(key_rows[i].keys[0] != 0);
		rows[key_rows[i].action]++;
	}
	assert_int_equal(rows[ACTION_NONE], 0);
	for (int a = ACTION_NONE + 1; a < ACTION_COUNT; a++)
		assert_int_equal(rows[a], 1);
}

static void keys_have_help_and_a_name(void **state)
{
	char text[KEYS_TEXT];

	(void)state;
	assert_non_null(key_rows[0].help);
	for (size_t i = 0; i < key_row_count; i++) {
		size_t len = strlen(keys_text(text, sizeof(text), &key_rows[i]));

		assert_true(len > 0 && len < 32);
		assert_true(!key_rows[i].hint == !key_rows[i].label);
		assert_true(!key_rows[i].help ||
			    key_rows[i].help[strlen(key_rows[i].help) - 1] != '.');
	}
}

static void keys_name_joined_rows(void **state)
{
	char text[KEYS_TEXT];

	(void)state;
	for (size_t i = 0; i < key_row_count; i++) {
		if (key_rows[i].action == ACTION_QUIT)
			assert_string_equal(keys_text(text, sizeof(text), &key_rows[i]),
					    "q F10 Ctrl-C");
		if (key_rows[i].action == ACTION_UP)
			assert_string_equal(keys_text(text, sizeof(text), &key_rows[i]),
					    "Up k Down j");
		assert_string_equal(keys_text(text, 1, &key_rows[i]), "");
	}
}

static void keys_ignore_what_is_not_bound(void **state)
{
	(void)state;
	assert_int_equal(keys_action('x'), ACTION_NONE);
	assert_int_equal(keys_action(0), ACTION_NONE);
	assert_int_equal(keys_action(TUI_KEY_NONE), ACTION_NONE);
	assert_int_equal(keys_action(TUI_KEY_RESIZE), ACTION_NONE);
	assert_int_equal(keys_action(0x7f51), ACTION_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_bound_once),
		cmocka_unit_test(keys_reach_every_action_once),
		cmocka_unit_test(keys_have_help_and_a_name),
		cmocka_unit_test(keys_name_joined_rows),
		cmocka_unit_test(keys_ignore_what_is_not_bound),
	};

	return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
