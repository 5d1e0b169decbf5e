/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Kprobes: in pairs, as the source of the programs names their functions, and where they serve. */
#include "capture/hooks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_PROBES = 128 };

static const char SOURCE[] = "bpf/sockwatch.bpf.c";

struct probe { /* one function of one program */
	char function[64];
	bool begins, ends; /* a call, by the program's name */
	int program;       /* number in the source */
};

static struct probe probes[MAX_PROBES];
static int probe_count, program_count;

/* Add the functions of a section, `?kprobe/a,b`; their number. */
static int add_functions(const char *section)
{
	const char *at = strstr(section, "probe/");
	int count = 0;

	at = at ? strchr(at, '/') : NULL;
	while (at && probe_count + count < MAX_PROBES) {
		struct probe *p = &probes[probe_count + count++];

		p->program = program_count;
		snprintf(p->function, sizeof(p->function), "%.*s", (int)strcspn(at + 1, ","),
			 at + 1);
		at = strchr(at + 1, ',');
	}
	return count;
}

static void add_program(const char *section, const char *name)
{
	bool returns = !strncmp(section, "?kretprobe/", 11);
	int count = add_functions(section);

	for (int i = 0; i < count; i++) {
		struct probe *p = &probes[probe_count++];

		p->ends = returns;
		p->begins = !returns && strstr(name, "_begin");
	}
	program_count++;
}

/* `SEC("...` on a line, more of its text on the next ones, then `int name(void *ctx)`. */
static int read_probes(void **state)
{
	FILE *f = fopen(SOURCE, "re");
	char line[256], section[1024] = "", part[256];

	(void)state;
	if (!f) {
		print_error("cannot open %s: run from the top of the tree\n", SOURCE);
		return -1;
	}
	while (fgets(line, sizeof(line), f)) {
		bool first = sscanf(line, "SEC(\"%255[^\"]", part) == 1;
		size_t len = first ? 0 : strlen(section);

		if (first || (len && sscanf(line, "    \"%255[^\"]", part) == 1)) {
			snprintf(section + len, sizeof(section) - len, "%s", part);
		} else if (sscanf(line, "int %255[a-z0-9_](void *ctx)", part) == 1) {
			add_program(section, part);
			section[0] = '\0';
		}
	}
	fclose(f);
	return 0;
}

static const struct probe *find(const char *function, bool begins)
{
	for (int i = 0; i < probe_count; i++)
		if ((begins ? probes[i].begins : probes[i].ends) &&
		    !strcmp(probes[i].function, function))
			return &probes[i];
	return NULL;
}

/* Else calls would be remembered for ever, or never booked. Programs are attached from the last to
 * the first: no call may begin before its end is waited for. */
static void a_call_that_begins_ends(void **state)
{
	int pairs = 0;

	(void)state;
	for (int i = 0; i < probe_count; i++) {
		const struct probe *p = &probes[i], *other;

		if (!p->begins && !p->ends)
			continue;
		other = find(p->function, p->ends);
		if (!other || p->begins != (p->program < other->program))
			fail_msg("the other end of %s", p->function);
		pairs++;
	}
	assert_true(pairs > 40 && probe_count < MAX_PROBES);
}

/* The kernel lets a program wait for the end of a function once: twice would book it twice. */
static void no_function_has_two_of_a_sort(void **state)
{
	(void)state;
	for (int i = 0; i < probe_count; i++)
		for (int k = 0; k < i; k++)
			if (!strcmp(probes[i].function, probes[k].function) &&
			    probes[i].ends == probes[k].ends)
				fail_msg("%s is probed twice", probes[i].function);
}

/* Kprobes are the last resort, and what goes with them keeps no state in socket storage. */
static void kprobes_serve_where_nothing_better_does(void **state)
{
	struct kcaps caps = {.cgroup_fd = -1, .release = "6.1.9-made-up"};
	int chosen[HOOK_PURPOSES];
	char why[256];

	(void)state;
	for (int i = 0; i < KCAP_COUNT; i++)
		caps.has[i] = true;
	assert_true(kcaps_limit(&caps, "kprobe"));
	hooks_choose(&caps, chosen);
	assert_true(hooks_by_pointer(chosen));
	assert_false(hooks_refusal(&caps, chosen, why, sizeof(why)));
	assert_true(hooks_wants(chosen, "tcp_release"));
	assert_true(hooks_wants(chosen, "send_end"));
	assert_true(hooks_wants(chosen, "sweep_pointers"));
	assert_true(hooks_wants(chosen, "sock_create"));
	assert_true(hooks_wants(chosen, "post_bind4"));
	assert_false(hooks_wants(chosen, "sweep"));
	assert_false(hooks_wants(chosen, "udp_sendmsg4"));
	assert_false(hooks_wants(chosen, "connect4"));
	for (int i = 0; i < HOOK_PURPOSES; i++)
		assert_int_equal(hooks_exact(chosen, i), i != HOOK_OTHER_BYTES);
	caps.has[KCAP_CGROUP2] = false;
	hooks_choose(&caps, chosen);
	for (int i = 0; i < HOOK_PURPOSES; i++)
		assert_int_equal(hooks_exact(chosen, i),
				 i != HOOK_OTHER_BYTES && i != HOOK_COOKIES);
	assert_true(hooks_wants(chosen, "bind_end"));
	caps.has[KCAP_TRAMPOLINES] = true;
	hooks_choose(&caps, chosen);
	assert_false(hooks_by_pointer(chosen));
	assert_false(hooks_wants(chosen, "tcp_release"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_that_begins_ends),
		cmocka_unit_test(no_function_has_two_of_a_sort),
		cmocka_unit_test(kprobes_serve_where_nothing_better_does),
	};

	return cmocka_run_group_tests(tests, read_probes, NULL);
}
