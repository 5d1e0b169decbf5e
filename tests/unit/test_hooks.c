/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of hooks against the programs that there are, and the choices for made-up kernels. */
#include "capture/hooks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "capture/needs.h"
#include "made_up.h"

enum { MAX_PROGRAMS = 96, WHY = 256 };

static const char SOURCE[] = "bpf/sockwatch.bpf.c";

struct program {
	char section[64], name[64];
};

static struct program programs[MAX_PROGRAMS];
static int program_count;

/* `SEC("?...")`, with more text on further lines, `int name(` or `int BPF_PROG(name,` on the next.
 */
static int read_programs(void **state)
{
	FILE *f = fopen(SOURCE, "re");
	char line[256];
	bool named = true;

	(void)state;
	if (!f) {
		print_error("cannot open %s: run from the top of the tree\n", SOURCE);
		return -1;
	}
	while (fgets(line, sizeof(line), f)) {
		struct program *p = &programs[program_count];
		const char *at = line + 4;

		if (named && program_count < MAX_PROGRAMS &&
		    sscanf(line, "SEC(\"?%63[^\"]", p->section) == 1) {
			named = false;
		} else if (!named && strncmp(line, "    \"", 5) != 0) {
			if (!strncmp(at, "BPF_PROG(", 9))
				at += 9;
			if (strncmp(line, "int ", 4) != 0 ||
			    sscanf(at, "%63[a-z0-9_]", p->name) != 1)
				break;
			program_count++;
			named = true;
		}
	}
	fclose(f);
	return named && program_count > 10 && program_count < MAX_PROGRAMS ? 0 : -1;
}

static const struct program *find_program(const char *name)
{
	for (int i = 0; i < program_count; i++)
		if (!strcmp(programs[i].name, name))
			return &programs[i];
	return NULL;
}

static bool names(const struct hook_alternative *a, const char *program)
{
	for (int k = 0; k < HOOK_PROGRAMS && a->programs[k]; k++)
		if (!strcmp(a->programs[k], program))
			return true;
	return false;
}

static void each_alternative(void (*fn)(const struct hook *hook, const struct hook_alternative *a))
{
	for (int i = 0; i < HOOK_PURPOSES; i++)
		for (const struct hook_alternative *a = hooks[i].alternatives; a->name; a++)
			fn(&hooks[i], a);
}

static void check_programs(const struct hook *hook, const struct hook_alternative *a)
{
	for (int k = 0; k < HOOK_PROGRAMS && a->programs[k]; k++)
		if (!find_program(a->programs[k]))
			fail_msg("%s: no program %s in %s", hook->purpose, a->programs[k], SOURCE);
}

static void table_names_programs_that_exist(void **state)
{
	(void)state;
	each_alternative(check_programs);
}

static void every_program_is_in_the_table(void **state)
{
	(void)state;
	for (int i = 0; i < program_count; i++) {
		bool named = false;

		for (int k = 0; k < HOOK_PURPOSES; k++)
			for (const struct hook_alternative *a = hooks[k].alternatives; a->name; a++)
				named |= names(a, programs[i].name);
		if (!named)
			fail_msg("no purpose needs the program %s", programs[i].name);
	}
}

static unsigned int needs_of(const char *section)
{
	if (!strncmp(section, "cgroup/", 7) || !strncmp(section, "cgroup_skb/", 11))
		return 1U << KCAP_CGROUP2 | 1U << KCAP_CAP_NET_ADMIN;
	if (!strncmp(section, "fentry/", 7) || !strncmp(section, "fexit/", 6))
		return 1U << KCAP_TRAMPOLINES;
	if (!strncmp(section, "tp_btf/", 7))
		return 1U << KCAP_TP_BTF;
	if (!strncmp(section, "kprobe/", 7) || !strncmp(section, "kretprobe/", 10))
		return 1U << KCAP_KPROBES;
	if (!strncmp(section, "iter/", 5))
		return 1U << KCAP_TP_BTF | 1U << KCAP_ITERATORS;
	fail_msg("what does %s need?", section);
	return 0;
}

static void check_needs(const struct hook *hook, const struct hook_alternative *a)
{
	assert_int_not_equal(a->needs, 0);
	assert_int_equal(a->needs >> KCAP_COUNT, 0);
	for (int k = 0; k < HOOK_PROGRAMS && a->programs[k]; k++) {
		unsigned int needs = needs_of(find_program(a->programs[k])->section);

		if ((a->needs & needs) != needs)
			fail_msg("%s, %s: %s needs more", hook->purpose, a->name, a->programs[k]);
	}
}

static void alternatives_need_what_their_programs_need(void **state)
{
	(void)state;
	each_alternative(check_needs);
	for (int i = 0; i < KCAP_COUNT; i++) {
		assert_non_null(kcap_name((enum kcap)i));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(kcap_name((enum kcap)i), kcap_name((enum kcap)k));
	}
}

static bool is_sentence(const char *text)
{
	size_t len = strlen(text);

	return len > 10 && len < 120 && text[len - 1] != '.' && !strpbrk(text, "\n\t");
}

/* Nothing goes unsaid, but for purposes that say in the table why there is nothing to say. */
static bool needs_no_words(int purpose)
{
	return purpose == HOOK_SENDPAGE || purpose == HOOK_CONNECT_ERRNO ||
	       purpose == HOOK_PACKET_RELEASE;
}

static void every_purpose_says_what_is_missing_without_it(void **state)
{
	const int most = (int)(sizeof(hooks[0].alternatives) / sizeof(hooks[0].alternatives[0]));

	(void)state;
	for (int i = 0; i < HOOK_PURPOSES; i++) {
		const struct hook *hook = &hooks[i];

		assert_non_null(hook->purpose);
		assert_non_null(hook->alternatives[0].name);
		assert_null(hook->alternatives[most - 1].name); /* the end of the list */
		if (hook->missing ? hook->required || !is_sentence(hook->missing)
				  : !hook->required && !hook->unseen && !needs_no_words(i))
			fail_msg("%s: %s", hook->purpose, hook->missing ? hook->missing : "silent");
	}
}

/* A kernel that has everything, whenever that was, seen by root. */
static struct kcaps good_kernel(void)
{
	struct kcaps caps = made_up(MADE_UP(6, 12), 0);

	for (int i = 0; i < KCAP_COUNT; i++)
		caps.has[i] = true;
	return caps;
}

static void a_good_kernel_gets_the_best_of_each(void **state)
{
	struct kcaps caps = good_kernel();
	int chosen[HOOK_PURPOSES];
	char why[WHY] = "";

	(void)state;
	hooks_choose(&caps, chosen);
	for (int i = 0; i < HOOK_PURPOSES; i++)
		assert_int_equal(chosen[i], 0);
	assert_false(needs_refusal(&caps, why, sizeof(why)));
	assert_false(hooks_refusal(&caps, chosen, why, sizeof(why)));
	assert_string_equal(why, "");
	assert_true(hooks_wants(chosen, "send_length"));
	assert_false(hooks_wants(chosen, ""));
	assert_false(hooks_wants(chosen, "sen")); /* not by its beginning */
}

static bool has_all(const struct kcaps *caps, unsigned int needs)
{
	for (int i = 0; i < KCAP_COUNT; i++)
		if (needs & 1U << i && !caps->has[i])
			return false;
	return true;
}

/* What a user is told of a purpose: what is not seen, and a need of it that is not met. */
static void check_note(const struct kcaps *caps, const int chosen[HOOK_PURPOSES], int purpose)
{
	bool missed = chosen[purpose] < 0 && hooks[purpose].missing, lacks = false;
	bool degraded = hooks_degraded(chosen, purpose);
	char note[160] = "untouched";

	assert_int_equal(hooks_note(caps, chosen, purpose, note, sizeof(note)), missed || degraded);
	if (!missed && !degraded)
		return;
	assert_int_equal(!strncmp(note, "degraded: ", 10), degraded);
	assert_non_null(strstr(note, degraded ? hooks[purpose].alternatives[chosen[purpose]].gap
					      : hooks[purpose].missing));
	assert_null(strchr(note, '\n'));
	assert_int_equal(note[strlen(note) - 1], ')'); /* nothing was cut */
	for (int i = 0; i < KCAP_COUNT; i++)
		lacks |= !caps->has[i] && strstr(note, kcap_name((enum kcap)i));
	assert_true(lacks);
}

/* Each need that is not met is named, and no other. */
static void check_lacking(const struct kcaps *caps, int purpose, int k)
{
	unsigned int needs = hooks[purpose].alternatives[k].needs;
	char got[512], want[512] = "", cut[11];

	for (int i = 0; i < KCAP_COUNT; i++)
		if (needs & 1U << i && !caps->has[i]) {
			strcat(want, want[0] ? ", " : "");
			strcat(want, kcap_name((enum kcap)i));
		}
	hooks_lacking(caps, purpose, k, got, sizeof(got));
	assert_string_equal(got, want);
	cut[10] = '#';
	hooks_lacking(caps, purpose, k, cut, 10);
	assert_int_equal(strncmp(cut, want, 9), 0);
	assert_true(strlen(cut) <= 9 && cut[10] == '#');
}

/* The first alternative that a kernel can do and that keeps state where the bytes do. */
static int best_of(const struct kcaps *caps, const struct hook_alternative *a, int keep)
{
	for (int k = 0; a[k].name; k++)
		if (has_all(caps, a[k].needs) &&
		    (keep == KEEP_ANY || a[k].keep == KEEP_ANY || (int)a[k].keep == keep))
			return k;
	return -1;
}

/* Whatever a kernel has: the best alternatives, their programs and no others. */
static void check_choice(const struct kcaps *caps)
{
	int chosen[HOOK_PURPOSES], keep = KEEP_ANY;
	bool refused = false;
	char why[WHY] = "";

	hooks_choose(caps, chosen);
	for (int i = 0; i < HOOK_PURPOSES; i++) {
		const struct hook_alternative *a = hooks[i].alternatives;
		int best = best_of(caps, a, keep);

		assert_int_equal(chosen[i], best);
		for (int k = 0; a[k].name; k++)
			check_lacking(caps, i, k);
		if (i == HOOK_BYTES)
			keep = best < 0 ? KEEP_STORAGE : (int)a[best].keep;
		refused |= hooks[i].required && best < 0;
		check_note(caps, chosen, i);
	}
	for (int i = 0; i < program_count; i++) {
		bool wanted = false;

		for (int k = 0; k < HOOK_PURPOSES; k++)
			wanted |= chosen[k] >= 0 &&
				  names(&hooks[k].alternatives[chosen[k]], programs[i].name);
		assert_int_equal(hooks_wants(chosen, programs[i].name), wanted);
		if (wanted && !has_all(caps, needs_of(programs[i].section)))
			fail_msg("%s is chosen and cannot be loaded", programs[i].name);
	}
	assert_int_equal(hooks_refusal(caps, chosen, why, sizeof(why)), refused);
	assert_int_equal(why[0] != '\0', refused);
}

static void any_kernel_gets_the_best_that_it_can(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct kcaps caps = good_kernel();

		for (int i = 0; i < KCAP_COUNT; i++) {
			seed = seed * 1664525 + 1013904223;
			caps.has[i] = seed >> 29; /* one in eight is missing */
		}
		check_choice(&caps);
	}
}

/* Neither the reader's nor the kernel's fault: another way or less is seen, nothing is refused. */
static void one_thing_missing_is_not_the_end(void **state)
{
	const enum kcap optional[] = {KCAP_CGROUP2, KCAP_CAP_NET_ADMIN, KCAP_TP_TCP_DESTROY,
				      KCAP_TRAMPOLINES};

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct kcaps caps = good_kernel();
		int chosen[HOOK_PURPOSES];
		char why[WHY];

		caps.has[optional[i]] = false;
		check_choice(&caps);
		hooks_choose(&caps, chosen);
		assert_false(needs_refusal(&caps, why, sizeof(why)));
		assert_false(hooks_refusal(&caps, chosen, why, sizeof(why)));
		assert_true(hooks_wants(chosen, "send_length"));
		assert_int_equal(hooks_wants(chosen, "post_bind4"), i > 1);
		assert_int_equal(hooks_wants(chosen, "sock_release"), i > 1);
		assert_int_equal(hooks_wants(chosen, "tcp_destroy"), i != 2);
	}
}

static void expect_one_line(const char *why)
{
	assert_true(strlen(why) > 20 && strlen(why) < WHY - 1);
	assert_null(strpbrk(why, "\n\r\t"));
	assert_int_not_equal(why[strlen(why) - 1], '.');
	assert_non_null(strchr(why, '(')); /* what to do, or to look at */
}

static void expect_says(const char *why, const char *what)
{
	if (!strstr(why, what))
		fail_msg("`%s` does not say `%s`", why, what);
}

static void a_way_leaves_out_what_is_better(void **state)
{
	const unsigned int no_hooks = 1U << KCAP_TP_SOCK_LENGTH | 1U << KCAP_TRAMPOLINES;
	const struct {
		const char *way;
		unsigned int lacks;
	} ways[] = {
		{"tracepoint", 0},
		{"lossy", 0},
		{"suspicious", 0},
		{"hurried", 0},
		{"fexit", 1U << KCAP_TP_SOCK_LENGTH},
		{"no-cgroup", 1U << KCAP_CGROUP2},
		{"no-trampoline", 1U << KCAP_TRAMPOLINES},
		{"kprobe", no_hooks},
		{"kprobe-only", no_hooks | 1U << KCAP_CGROUP2},
		{"degraded", no_hooks | 1U << KCAP_KPROBES},
	};
	struct kcaps caps = good_kernel();

	(void)state;
	assert_false(kcaps_limit(&caps, "nosuch"));
	assert_false(kcaps_limit(&caps, ""));
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		caps = good_kernel();
		assert_true(kcaps_limit(&caps, ways[i].way));
		for (int cap = 0; cap < KCAP_COUNT; cap++)
			assert_int_equal(caps.has[cap], !(ways[i].lacks >> cap & 1));
	}
}

static void a_kernel_without_a_way_to_count_is_too_old(void **state)
{
	struct kcaps caps = good_kernel();
	int chosen[HOOK_PURPOSES];
	char why[WHY] = "";

	(void)state;
	strcpy(caps.release, "5.15.0-made-up");
	caps.has[KCAP_TP_SOCK_LENGTH] = false;
	caps.has[KCAP_TRAMPOLINES] = false;
	caps.has[KCAP_TP_TCP_RCVD] = false;
	caps.has[KCAP_KPROBES] = false;
	hooks_choose(&caps, chosen);
	assert_int_equal(chosen[HOOK_BYTES], -1);
	assert_true(hooks_refusal(&caps, chosen, why, sizeof(why)));
	expect_one_line(why);
	expect_says(why, "5.15.0-made-up");
	expect_says(why, "tracepoint sock_send_length");
	expect_says(why, "too old");
	expect_says(why, "6.3");
	caps.has[KCAP_TRAMPOLINES] = true;
	hooks_choose(&caps, chosen);
	assert_int_equal(chosen[HOOK_BYTES], 1);
	assert_false(hooks_refusal(&caps, chosen, why, sizeof(why)));
}

/* Lockdown on a kernel before 6.3, or arm64 before 6.4, without kprobes: less, and it is said. */
static void without_hooks_on_calls_it_is_degraded(void **state)
{
	struct kcaps caps = good_kernel(), limited = good_kernel();
	int chosen[HOOK_PURPOSES], other[HOOK_PURPOSES];
	char text[WHY] = "";

	(void)state;
	caps.has[KCAP_TP_SOCK_LENGTH] = false;
	caps.has[KCAP_TRAMPOLINES] = caps.has[KCAP_KPROBES] = false;
	hooks_choose(&caps, chosen);
	assert_true(kcaps_limit(&limited, "degraded"));
	hooks_choose(&limited, other);
	assert_memory_equal(chosen, other, sizeof(chosen));
	assert_false(hooks_refusal(&caps, chosen, text, sizeof(text)));
	assert_true(hooks_degraded(chosen, HOOK_BYTES));
	assert_false(hooks_exact(chosen, HOOK_BYTES));
	assert_true(hooks_wants(chosen, "tcp_received"));
	assert_true(hooks_degraded(chosen, HOOK_UDP_BYTES));
	assert_true(hooks_wants(chosen, "skb_egress"));
	assert_int_equal(chosen[HOOK_UDP_RECV_PEERS], -1); /* they are of calls */
	assert_true(hooks_note(&caps, chosen, HOOK_BYTES, text, sizeof(text)));
	expect_says(text, "degraded: ");
	expect_says(text, "needs tracepoint sock_send_length (6.3)");
	assert_true(hooks_note(&caps, chosen, HOOK_OTHER_BYTES, text, sizeof(text)));
	expect_says(text, "MPTCP");
	assert_true(hooks_note(&caps, chosen, HOOK_UDP_SEND_PEERS, text, sizeof(text)));
	caps.has[KCAP_CGROUP2] = false;
	hooks_choose(&caps, chosen);
	assert_true(hooks_degraded(chosen, HOOK_BYTES));
	assert_true(hooks_note(&caps, chosen, HOOK_UDP_BYTES, text, sizeof(text)));
	expect_says(text, "UDP and ping sockets are not counted (needs cgroup2)");
	caps.has[KCAP_TRAMPOLINES] = true;
	hooks_choose(&caps, chosen);
	for (int i = 0; i < HOOK_PURPOSES; i++)
		assert_false(hooks_degraded(chosen, i));
}

/* Whatever a required purpose needs: without it the reason is told, and it is the right one. */
static void every_required_need_is_told(void **state)
{
	(void)state;
	for (int cap = 0; cap < KCAP_COUNT; cap++) {
		struct kcaps caps = good_kernel();
		int chosen[HOOK_PURPOSES];
		char why[WHY] = "";

		caps.has[cap] = false;
		check_choice(&caps);
		hooks_choose(&caps, chosen);
		if (!hooks_refusal(&caps, chosen, why, sizeof(why)))
			continue;
		expect_one_line(why);
		expect_says(why, kcap_name((enum kcap)cap));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_names_programs_that_exist),
		cmocka_unit_test(every_program_is_in_the_table),
		cmocka_unit_test(alternatives_need_what_their_programs_need),
		cmocka_unit_test(every_purpose_says_what_is_missing_without_it),
		cmocka_unit_test(a_good_kernel_gets_the_best_of_each),
		cmocka_unit_test(any_kernel_gets_the_best_that_it_can),
		cmocka_unit_test(one_thing_missing_is_not_the_end),
		cmocka_unit_test(a_way_leaves_out_what_is_better),
		cmocka_unit_test(a_kernel_without_a_way_to_count_is_too_old),
		cmocka_unit_test(without_hooks_on_calls_it_is_degraded),
		cmocka_unit_test(every_required_need_is_told),
	};

	return cmocka_run_group_tests(tests, read_programs, NULL);
}
