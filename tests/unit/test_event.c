/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "event/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

typedef const char *name_fn(uint8_t value);

static const struct {
	name_fn *name;
	uint8_t count;
	bool may_repeat; /* two of the kernel's states are one to a user */
} enums[] = {
	{transport_name, TRANSPORT_COUNT, false}, {role_name, ROLE_COUNT, false},
	{state_name, STATE_COUNT, true},          {unattributed_name, UNATTRIBUTED_COUNT, false},
	{lost_name, LOST_COUNT, false},
};

enum { ENUMS = sizeof(enums) / sizeof(enums[0]) };

static void every_value_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int e = 0; e < ENUMS; e++) {
		for (uint8_t i = 0; i < enums[e].count; i++) {
			const char *name = enums[e].name(i);

			assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_12"),
					 strlen(name));
			if (enums[e].name != unattributed_name || i)
				assert_int_not_equal(strlen(name), 0);
			for (uint8_t j = 0; j < i && !enums[e].may_repeat; j++)
				assert_string_not_equal(name, enums[e].name(j));
		}
	}
}

static void values_out_of_range_have_a_name_too(void **state)
{
	(void)state;
	for (int e = 0; e < ENUMS; e++) {
		for (int i = enums[e].count; i < 256; i++) {
			const char *name = enums[e].name((uint8_t)i);

			assert_string_equal(name,
					    enums[e].name == transport_name ? "other" : "unknown");
		}
	}
}

static void names_are_those_of_the_log(void **state)
{
	(void)state;
	assert_string_equal(transport_name(TRANSPORT_TCP), "tcp");
	assert_string_equal(transport_name(TRANSPORT_UDPLITE), "udplite");
	assert_string_equal(role_name(ROLE_LISTENER), "listener");
	assert_string_equal(state_name(STATE_ESTABLISHED), "established");
	assert_string_equal(state_name(STATE_SYN_SENT), "syn_sent");
	assert_string_equal(state_name(STATE_CLOSE), "closed");
	assert_string_equal(state_name(STATE_NEW_SYN_RECV), state_name(STATE_SYN_RECV));
	assert_string_equal(state_name(STATE_BOUND), "bound");
	assert_string_equal(unattributed_name(UNATTRIBUTED_NONE), "");
	assert_string_equal(unattributed_name(UNATTRIBUTED_BEFORE_START), "before_start");
	assert_string_equal(lost_name(LOST_RING_FULL), "ring_full");
	assert_string_equal(lost_name(LOST_BAD_RECORD), "bad_record");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_has_a_name_of_its_own),
		cmocka_unit_test(values_out_of_range_have_a_name_too),
		cmocka_unit_test(names_are_those_of_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
