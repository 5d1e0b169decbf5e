/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What `sockwatch check` says of kernels that are not here, and that it fits. */
#include "report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "json.h"
#include "made_up.h"
#include "util/buf.h"
#include "util/text.h"

#define NOT_PERMITTED                                                             \
	(LACK(CAP_BPF) | LACK(CAP_PERFMON) | LACK(CAP_NET_ADMIN) | LACK(TP_BTF) | \
	 LACK(TRAMPOLINES) | LACK(KPROBES))

static struct report judged(unsigned int version, unsigned int lacks)
{
	struct report r = {.caps = made_up(version, lacks), .library = "v1.1"};

	r.caps.is_root = !(lacks & LACK(CAP_BPF));
	r.caps.limits.memlock_bytes = 8 << 20;
	report_judge(&r);
	return r;
}

/* Without the first line, which has our version. */
static void golden(const char *name, const struct report *r, int width)
{
	struct buf b = {0};

	report_text(r, &b, width);
	assert_non_null(strchr(b.data, '\n'));
	fixture_golden(name, strchr(b.data, '\n') + 1);
	buf_done(&b);
}

static void report_text_is_for_newcomers(void **state)
{
	struct report good = judged(MADE_UP(6, 12), 0);
	struct report locked = judged(MADE_UP(6, 18), LACK(TRAMPOLINES));
	struct report nobody = judged(MADE_UP(6, 1), NOT_PERMITTED);
	struct report old = judged(MADE_UP(5, 10), LACK(CGROUP2));

	(void)state;
	golden("check-good-80.txt", &good, 80);
	golden("check-locked-80.txt", &locked, 80);
	golden("check-locked-40.txt", &locked, 40);
	golden("check-nobody-80.txt", &nobody, 80);
	golden("check-old-80.txt", &old, 80);
}

/* Only on narrow screens may a line be wider: with one word, behind a label. */
static void check_width(const struct report *r, int width)
{
	struct buf b = {0};

	report_text(r, &b, width);
	for (char *line = strtok(b.data, "\n"); line; line = strtok(NULL, "\n")) {
		const char *last = strrchr(line, ' ');

		if (text_width(line) > width && (width >= 64 || (last && last - line > 16)))
			fail_msg("width %d: `%s`", width, line);
		assert_int_not_equal(line[strlen(line) - 1], ' ');
	}
	buf_done(&b);
}

static void report_text_fits(void **state)
{
	struct report reports[] = {judged(MADE_UP(6, 12), 0),
				   judged(MADE_UP(6, 18), LACK(TRAMPOLINES) | LACK(CGROUP2)),
				   judged(MADE_UP(6, 1), NOT_PERMITTED),
				   judged(MADE_UP(5, 8), LACK(CAP_NET_ADMIN))};

	(void)state;
	for (int i = 0; i < 4; i++)
		for (int width = 20; width <= 200; width++)
			check_width(&reports[i], width);
}

static void only_what_is_all_seen_is_exact(void **state)
{
	struct report r = judged(MADE_UP(6, 12), 0);

	(void)state;
	assert_true(r.exact && !r.refusal[0] && !r.assumed);
	r = judged(MADE_UP(6, 1), 0);
	assert_true(r.exact && !r.refusal[0]);
	r = judged(MADE_UP(6, 18), LACK(TRAMPOLINES));
	assert_true(!r.exact && !r.refusal[0] && !r.assumed);
	r = judged(MADE_UP(6, 12), LACK(CGROUP2));
	assert_true(!r.exact && !r.refusal[0]);
	r = judged(MADE_UP(6, 1), LACK(TRAMPOLINES) | LACK(KPROBES)); /* no calls */
	assert_true(!r.exact && !r.refusal[0] && hooks_degraded(r.chosen, HOOK_BYTES));
	r = judged(MADE_UP(6, 12), NOT_PERMITTED); /* however good it would be */
	assert_true(!r.exact && r.assumed && strstr(r.refusal, "CAP_BPF"));
	r = judged(MADE_UP(6, 12), LACK(CAP_NET_ADMIN));
	assert_true(!r.exact && !r.assumed && !r.refusal[0]);
}

/* Who may not ask is told both what could be and what is left if not. */
static void what_is_not_known_is_told_as_such(void **state)
{
	struct report r = judged(MADE_UP(6, 18), NOT_PERMITTED);
	struct buf b = {0};

	(void)state;
	assert_int_equal(r.chosen[HOOK_ACCEPT], 0);
	assert_string_equal(hooks[HOOK_ACCEPT].alternatives[r.without[HOOK_ACCEPT]].programs[0],
			    "getpeername4");
	assert_int_equal(r.chosen[HOOK_BYTES], r.without[HOOK_BYTES]);
	report_text(&r, &b, 200);
	assert_non_null(strstr(b.data, "exact?  accept"));
	assert_non_null(strstr(b.data, "exact   bytes of TCP sockets"));
	assert_non_null(strstr(b.data, "if there are BPF trampolines, else cgroup/getpeername"));
	buf_done(&b);
}

static void without_btf_nothing_else_is_blamed(void **state)
{
	struct report r = judged(MADE_UP(6, 12), LACK(BTF) | LACK(TP_BTF) | LACK(TRAMPOLINES) |
							 LACK(TP_SOCK_LENGTH) | LACK(FN_INET_IO));
	struct buf b = {0};

	(void)state;
	report_text(&r, &b, 200);
	assert_non_null(strstr(b.data, "; needs BTF\n"));
	assert_null(strstr(b.data, "(6.3)"));
	assert_null(strstr(b.data, "trampolines\n"));
	buf_done(&b);
}

static size_t times(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void report_json_has_all(void **state)
{
	const unsigned int lacks[] = {0, LACK(TRAMPOLINES), NOT_PERMITTED, LACK(BTF)};

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct report r = judged(MADE_UP(6, 12), lacks[i]);
		struct buf b = {0};

		report_json(&r, &b);
		assert_int_equal(strcspn(b.data, "\n"), b.len - 1);
		b.data[b.len - 1] = '\0';
		json_check(b.data);
		assert_int_equal(times(b.data, "\"purpose\":"), HOOK_PURPOSES);
		assert_int_equal(times(b.data, "\"name\":"), NEEDS);
		assert_int_equal(times(b.data, "],\"exact\":true"), r.exact);
		assert_int_equal(times(b.data, "\"cannot_run\":"), r.refusal[0] != '\0');
		assert_int_equal(times(b.data, "\"assumed\":true"), r.assumed);
		buf_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(report_text_is_for_newcomers),
		cmocka_unit_test(report_text_fits),
		cmocka_unit_test(only_what_is_all_seen_is_exact),
		cmocka_unit_test(what_is_not_known_is_told_as_such),
		cmocka_unit_test(without_btf_nothing_else_is_blamed),
		cmocka_unit_test(report_json_has_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
