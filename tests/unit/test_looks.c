/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Further looks: by name, by kind of program, and that no program that can be skipped lacks them.
 */
#include "capture/looks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_PLACES = 64 };

struct place {
	char section[64], program[64];
};

static struct place firsts[MAX_PLACES], furthers[MAX_PLACES];
static int first_count, further_count;

/* `SEC("?...")` and `int BPF_PROG(name,` on the next line. */
static int read_firsts(void)
{
	FILE *f = fopen("bpf/sockwatch.bpf.c", "re");
	char line[256];

	if (!f)
		return -1;
	while (first_count < MAX_PLACES && fgets(line, sizeof(line), f)) {
		struct place *p = &firsts[first_count];

		if (sscanf(line, "SEC(\"?%63[^\"]", p->section) == 1 &&
		    fgets(line, sizeof(line), f) &&
		    sscanf(line, "int BPF_PROG(%63[a-z0-9_]", p->program) == 1)
			first_count++;
	}
	fclose(f);
	return 0;
}

/* `FURTHER("...", name,` */
static int read_furthers(void)
{
	FILE *f = fopen("bpf/again.bpf.h", "re");
	char line[256];

	if (!f)
		return -1;
	while (further_count < MAX_PLACES && fgets(line, sizeof(line), f)) {
		struct place *p = &furthers[further_count];

		further_count += sscanf(line, "FURTHER(\"%63[^\"]\", %63[a-z0-9_]", p->section,
					p->program) == 2;
	}
	fclose(f);
	return 0;
}

static int read_places(void **state)
{
	(void)state;
	if (read_firsts() || read_furthers()) {
		print_error("cannot open the programs: run from the top of the tree\n");
		return -1;
	}
	return first_count > 10 && first_count < MAX_PLACES ? 0 : -1;
}

static bool has_place(const struct place *places, int count, const struct place *wanted)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(places[i].section, wanted->section) &&
		    !strcmp(places[i].program, wanted->program))
			return true;
	return false;
}

static bool can_be_skipped(const char *section)
{
	return !strncmp(section, "tp_btf/", 7) || !strncmp(section, "fentry/", 7) ||
	       !strncmp(section, "fexit/", 6);
}

static void what_can_be_skipped_is_looked_at_again(void **state)
{
	(void)state;
	for (int i = 0; i < first_count; i++)
		if (can_be_skipped(firsts[i].section) &&
		    !has_place(furthers, further_count, &firsts[i]))
			fail_msg("no further look at %s", firsts[i].program);
	for (int i = 0; i < further_count; i++)
		if (!has_place(firsts, first_count, &furthers[i]))
			fail_msg("%s is no first look at %s", furthers[i].program,
				 furthers[i].section);
}

static void a_name_tells_the_look(void **state)
{
	const struct {
		const char *program, *first;
		enum look look;
	} names[] = {
		{"send_length", "send_length", LOOK_FIRST},
		{"send_length_again", "send_length", LOOK_SECOND},
		{"send_length_last", "send_length", LOOK_LAST},
		{"_again", "_again", LOOK_FIRST},
		{"_last", "_last", LOOK_FIRST},
		{"again", "again", LOOK_FIRST},
		{"a_last_again", "a_last", LOOK_SECOND},
		{"", "", LOOK_FIRST},
	};
	char first[LOOK_NAME];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_int_equal(looks_which(names[i].program, first), names[i].look);
		assert_string_equal(first, names[i].first);
	}
}

static struct kcaps good_kernel(void)
{
	struct kcaps caps = {.cgroup_fd = -1};

	for (int i = 0; i < KCAP_COUNT; i++)
		caps.has[i] = true;
	return caps;
}

/* send_length is on a tracepoint, consume_udp on a trampoline. */
static void a_kind_that_is_preempted_gets_further_looks(void **state)
{
	struct kcaps caps = good_kernel();
	int chosen[HOOK_PURPOSES];

	(void)state;
	hooks_choose(&caps, chosen);
	for (int i = 0; i < 4; i++) {
		caps.tp_preempted = i & 1;
		caps.fn_preempted = i & 2;
		assert_int_equal(looks_wanted(&caps, chosen, "send_length_again"), i & 1);
		assert_int_equal(looks_wanted(&caps, chosen, "send_length_last"), i & 1);
		assert_int_equal(looks_wanted(&caps, chosen, "consume_udp_again"), i >> 1);
		assert_int_equal(looks_wanted(&caps, chosen, "consume_udp_last"), i >> 1);
		assert_false(looks_wanted(&caps, chosen, "send_length"));
		assert_false(looks_wanted(&caps, chosen, "nothing_again"));
	}
}

static void what_is_not_chosen_gets_none(void **state)
{
	struct kcaps caps = good_kernel();
	int chosen[HOOK_PURPOSES];

	(void)state;
	caps.tp_preempted = caps.fn_preempted = true;
	hooks_choose(&caps, chosen);
	assert_false(looks_wanted(&caps, chosen, "inet_sendmsg_exit_again"));
	caps.has[KCAP_TP_SOCK_LENGTH] = false;
	hooks_choose(&caps, chosen);
	assert_true(looks_wanted(&caps, chosen, "inet_sendmsg_exit_again"));
	assert_false(looks_wanted(&caps, chosen, "send_length_again"));
	caps.has[KCAP_TRAMPOLINES] = false;
	hooks_choose(&caps, chosen);
	assert_false(looks_wanted(&caps, chosen, "inet_sendmsg_exit_again"));
	assert_false(looks_wanted(&caps, chosen, "consume_udp_last"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_can_be_skipped_is_looked_at_again),
		cmocka_unit_test(a_name_tells_the_look),
		cmocka_unit_test(a_kind_that_is_preempted_gets_further_looks),
		cmocka_unit_test(what_is_not_chosen_gets_none),
	};

	return cmocka_run_group_tests(tests, read_places, NULL);
}
