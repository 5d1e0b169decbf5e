/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tui/edit.h"

#include "tui/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct edit e;

static int setup(void **state)
{
	(void)state;
	memset(&e, 0, sizeof(e));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	edit_done(&e);
	return 0;
}

static void type(const char *text)
{
	while (*text)
		assert_true(edit_key(&e, *text++));
}

static void line(const char *text)
{
	edit_begin(&e, "");
	type(text);
	edit_remember(&e);
}

static void keys_edit_where_the_cursor_is(void **state)
{
	(void)state;
	type("tcp prt");
	assert_false(edit_key(&e, TUI_KEY_LEFT));
	assert_false(edit_key(&e, TUI_KEY_LEFT));
	assert_true(edit_key(&e, 'o'));
	assert_string_equal(e.text, "tcp port");
	assert_true(edit_key(&e, TUI_KEY_DELETE));
	assert_string_equal(e.text, "tcp pot");
	assert_false(edit_key(&e, TUI_KEY_HOME));
	assert_false(edit_key(&e, TUI_KEY_BACKSPACE));
	assert_false(edit_key(&e, TUI_KEY_LEFT));
	assert_false(edit_key(&e, TUI_KEY_END));
	assert_false(edit_key(&e, TUI_KEY_DELETE));
	assert_true(edit_key(&e, TUI_KEY_BACKSPACE));
	assert_string_equal(e.text, "tcp po");
	assert_true(edit_key(&e, 23)); /* Ctrl-W */
	assert_string_equal(e.text, "tcp ");
	assert_true(edit_key(&e, 21)); /* Ctrl-U */
	assert_string_equal(e.text, "");
	assert_false(edit_key(&e, 21));
}

static void characters_are_whole(void **state)
{
	static const int keys[] = {'a', 0xe9, 0x7f51, 0x1f600};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_true(edit_key(&e, keys[i]));
	assert_string_equal(e.text, "a\u00e9\u7f51\U0001f600");
	edit_key(&e, TUI_KEY_LEFT);
	edit_key(&e, TUI_KEY_BACKSPACE);
	assert_string_equal(e.text, "a\u00e9\U0001f600");
	edit_key(&e, TUI_KEY_BACKSPACE);
	assert_string_equal(e.text, "a\U0001f600");
	edit_key(&e, TUI_KEY_DELETE);
	assert_string_equal(e.text, "a");
	assert_false(edit_key(&e, 7)); /* control characters, halves of pairs, other keys */
	assert_false(edit_key(&e, 0x9b));
	assert_false(edit_key(&e, 0xd800));
	assert_false(edit_key(&e, TUI_KEY_F0 + 2));
}

static void a_line_is_bounded(void **state)
{
	char text[2 * EDIT_TEXT];

	(void)state;
	for (int i = 0; i < 2 * EDIT_TEXT; i++)
		edit_key(&e, i % 3 ? 'x' : 0x7f51);
	assert_true(strlen(e.text) >= EDIT_TEXT - 3 && strlen(e.text) < EDIT_TEXT);
	memset(text, 'y', sizeof(text));
	memcpy(text + EDIT_TEXT - 2, "\u7f51", 3); /* would be cut in the middle */
	text[sizeof(text) - 1] = '\0';
	edit_begin(&e, text);
	assert_int_equal(strlen(e.text), EDIT_TEXT - 2);
}

static void lines_come_back(void **state)
{
	(void)state;
	line("one");
	line("two");
	line("one"); /* comes last, and once */
	line("");
	edit_begin(&e, "");
	type("new");
	assert_true(edit_key(&e, TUI_KEY_UP));
	assert_string_equal(e.text, "one");
	assert_true(edit_key(&e, TUI_KEY_UP));
	assert_string_equal(e.text, "two");
	assert_false(edit_key(&e, TUI_KEY_UP));
	assert_true(edit_key(&e, TUI_KEY_DOWN));
	assert_true(edit_key(&e, TUI_KEY_DOWN));
	assert_string_equal(e.text, "new");
	assert_false(edit_key(&e, TUI_KEY_DOWN));
}

static void history_is_bounded(void **state)
{
	char text[32];

	(void)state;
	for (int i = 0; i < 3 * EDIT_HISTORY; i++) {
		snprintf(text, sizeof(text), "line %d", i);
		line(text);
	}
	assert_int_equal(e.history_count, EDIT_HISTORY);
	edit_begin(&e, "");
	for (int i = 3 * EDIT_HISTORY; edit_key(&e, TUI_KEY_UP);) {
		snprintf(text, sizeof(text), "line %d", --i);
		assert_string_equal(e.text, text);
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keys_edit_where_the_cursor_is),
		TEST(characters_are_whole),
		TEST(a_line_is_bounded),
		TEST(lines_come_back),
		TEST(history_is_bounded),
	};

	return cmocka_run_group_tests_name("edit", tests, NULL, NULL);
}
