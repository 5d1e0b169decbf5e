/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is missing to run at all is told apart, and what does not matter is not held against it. */
#include "capture/needs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "capture/hooks.h"
#include "made_up.h"

enum { WHY = 256 };

#define NOTHING_LOADS (LACK(TP_BTF) | LACK(TRAMPOLINES))
#define NOT_PERMITTED \
	(LACK(CAP_BPF) | LACK(CAP_PERFMON) | LACK(CAP_NET_ADMIN) | LACK(KPROBES) | NOTHING_LOADS)

static struct kcaps good(void)
{
	return made_up(MADE_UP(6, 12), 0);
}

static struct kcaps lacking(unsigned int lacks)
{
	return made_up(MADE_UP(6, 12), lacks);
}

static enum need_state state_of(const struct kcaps *caps, enum need_id id)
{
	struct need needs[NEEDS];

	needs_judge(caps, needs);
	return needs[id].state;
}

static void expect_one_line(const char *why)
{
	assert_true(strlen(why) > 20 && strlen(why) < WHY - 1);
	assert_null(strpbrk(why, "\n\r\t"));
	assert_int_equal(why[strlen(why) - 1], ')'); /* nothing was cut, and there is what to do */
	assert_non_null(strchr(why, '('));
}

/* It cannot run, for @id; the line says @what, and not @never unless that is NULL. */
static void expect_missing(const struct kcaps *caps, enum need_id id, const char *what,
			   const char *never)
{
	char why[WHY] = "";

	assert_true(needs_refusal(caps, why, sizeof(why)));
	expect_one_line(why);
	if (!strstr(why, what) || (never && strstr(why, never)))
		fail_msg("`%s`, should say `%s` and not `%s`", why, what, never ? never : "");
	assert_int_equal(state_of(caps, id), NEED_MISSING);
}

static void expect_runs(const struct kcaps *caps)
{
	char why[WHY] = "untouched";

	assert_false(needs_refusal(caps, why, sizeof(why)));
	assert_string_equal(why, "untouched");
}

static void a_good_kernel_has_all(void **state)
{
	struct kcaps caps = good();
	struct need needs[NEEDS];

	(void)state;
	expect_runs(&caps);
	assert_true(needs_asked(&caps));
	needs_judge(&caps, needs);
	for (int i = 0; i < NEEDS; i++) {
		assert_non_null(needs[i].name);
		assert_true(strlen(needs[i].name) <= 32); /* `sockwatch check` has that room */
		assert_true(needs[i].state == NEED_MET || needs[i].state == NEED_MOOT);
		assert_string_not_equal(needs[i].value, "");
		assert_null(needs[i].todo);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(needs[i].name, needs[k].name);
	}
	for (int i = 0; i < NEED_STATES; i++)
		assert_non_null(need_state_name((enum need_state)i));
}

static void capabilities_are_told_apart(void **state)
{
	struct kcaps caps = lacking(LACK(CAP_BPF));

	(void)state;
	caps.is_root = false;
	expect_missing(&caps, NEED_CAP_BPF, "CAP_BPF is missing (run as root", "CAP_PERFMON is");
	assert_int_equal(state_of(&caps, NEED_CAP_PERFMON), NEED_MET);
	caps = lacking(LACK(CAP_PERFMON));
	expect_missing(&caps, NEED_CAP_PERFMON, "CAP_PERFMON is missing", "CAP_BPF is");
	caps = lacking(NOT_PERMITTED);
	expect_missing(&caps, NEED_CAP_BPF, "not permitted", "run as root:");
	expect_missing(&caps, NEED_CAP_PERFMON, "container", NULL); /* root, and may not */
	caps = lacking(LACK(CAP_NET_ADMIN));
	expect_runs(&caps);
	assert_int_equal(state_of(&caps, NEED_CAP_NET_ADMIN), NEED_LIMITS);
}

static void who_is_not_permitted_is_told_that_first(void **state)
{
	struct kcaps caps = {.cgroup_fd = -1, .release = "4.4.0", .version = MADE_UP(4, 4)};

	(void)state;
	expect_missing(&caps, NEED_CAP_BPF, "not permitted", "4.4");
	assert_int_equal(state_of(&caps, NEED_BTF), NEED_MISSING);
	assert_int_equal(state_of(&caps, NEED_KERNEL), NEED_MISSING);
}

static void a_kernel_without_btf_is_told(void **state)
{
	struct kcaps caps = lacking(LACK(BTF) | NOTHING_LOADS | LACK(ITERATORS) | LACK(SK_STORAGE) |
				    LACK(TP_TCP_STATE));

	(void)state;
	expect_missing(&caps, NEED_BTF, "6.12.9-made-up gives no BTF", "too old");
	assert_int_equal(state_of(&caps, NEED_TRACING), NEED_UNASKED);
	assert_int_equal(state_of(&caps, NEED_TRAMPOLINES), NEED_UNASKED);
	assert_int_equal(state_of(&caps, NEED_KERNEL), NEED_MET);
	caps.btf_unread = true;
	expect_missing(&caps, NEED_BTF, "cannot load the kernel's BTF, which is there", "gives no");
}

static void a_kernel_that_is_too_old_is_told(void **state)
{
	struct kcaps caps = lacking(LACK(ITERATORS));

	(void)state;
	expect_missing(&caps, NEED_KERNEL, "too old: it has no BPF iterators (use Linux 6.1", NULL);
	caps = lacking(LACK(TP_TCP_STATE));
	expect_missing(&caps, NEED_KERNEL, "inet_sock_set_state", NULL);
	caps = made_up(MADE_UP(5, 11), 0);
	expect_missing(&caps, NEED_KERNEL, "5.11.9-made-up is too old: it has no socket storage",
		       NULL);
	caps = made_up(MADE_UP(5, 12), 0);
	expect_runs(&caps);
}

/* RHEL's 4.18 and 5.14 have much of what came later: what there is counts, not the number. */
static void backports_count(void **state)
{
	struct kcaps caps = good();

	(void)state;
	caps.version = MADE_UP(4, 18);
	caps.limits.memlock_bytes = UINT64_MAX;
	expect_runs(&caps);
}

static void a_user_namespace_is_told(void **state)
{
	struct kcaps caps = lacking(NOTHING_LOADS);

	(void)state;
	caps.limits.user_namespace = true;
	expect_missing(&caps, NEED_USER_NAMESPACE, "user namespace (run as root of the host)",
		       NULL);
	caps = lacking(NOT_PERMITTED);
	caps.limits.user_namespace = true;
	expect_missing(&caps, NEED_USER_NAMESPACE, "user namespace", "CAP_BPF");
	caps = good(); /* should a kernel lend BPF to one */
	caps.limits.user_namespace = true;
	expect_runs(&caps);
}

static void a_seccomp_filter_is_told(void **state)
{
	struct kcaps caps = lacking(NOTHING_LOADS);

	(void)state;
	caps.limits.seccomp = true;
	caps.limits.bpf_error = EPERM;
	expect_missing(&caps, NEED_SECCOMP, "seccomp filter refuses bpf(): Operation not",
		       "module");
	caps.limits.bpf_error = caps.tracing_error = ENOSYS;
	expect_missing(&caps, NEED_SECCOMP, "seccomp filter refuses bpf(): Function not", "module");
	caps = good();
	caps.limits.seccomp = true; /* as that of a service */
	expect_runs(&caps);
	assert_int_equal(state_of(&caps, NEED_SECCOMP), NEED_MOOT);
	caps = lacking(NOT_PERMITTED);
	caps.limits.seccomp = true;
	caps.limits.bpf_error = EPERM; /* the filter, or unprivileged_bpf_disabled */
	assert_int_equal(state_of(&caps, NEED_SECCOMP), NEED_UNASKED);
}

static void a_security_module_is_told(void **state)
{
	struct kcaps caps = lacking(NOTHING_LOADS);

	(void)state;
	expect_missing(&caps, NEED_MODULES, "forbids it: capability, landlock (", "lockdown");
	caps.limits.seccomp = true; /* but bpf() itself is let through */
	expect_missing(&caps, NEED_MODULES, "security module", "seccomp");
	caps.limits.modules[0] = '\0';
	expect_missing(&caps, NEED_MODULES, "forbids it: not known", NULL);
	caps = lacking(LACK(TRAMPOLINES));
	expect_runs(&caps);
	assert_int_equal(state_of(&caps, NEED_TRAMPOLINES), NEED_LIMITS);
}

static void lockdown_is_told(void **state)
{
	struct kcaps caps = lacking(NOTHING_LOADS);

	(void)state;
	caps.tracing_error = EINVAL; /* the verifier does not know bpf_probe_read_kernel() */
	strcpy(caps.limits.lockdown, "confidentiality");
	expect_missing(&caps, NEED_LOCKDOWN, "6.12.9-made-up refuses programs that read", "module");
	assert_int_equal(state_of(&caps, NEED_TRACING), NEED_MOOT);
	caps.limits.lockdown[0] = '\0';
	expect_missing(&caps, NEED_TRACING, "refused a BPF program", "confidentiality");
	caps = good();
	strcpy(caps.limits.lockdown, "integrity");
	expect_runs(&caps);
	assert_int_equal(state_of(&caps, NEED_LOCKDOWN), NEED_MOOT);
	caps = lacking(NOT_PERMITTED); /* known to all where securityfs is mounted */
	strcpy(caps.limits.lockdown, "confidentiality");
	assert_int_equal(state_of(&caps, NEED_LOCKDOWN), NEED_MISSING);
	caps.limits.lockdown[0] = '\0';
	assert_int_equal(state_of(&caps, NEED_LOCKDOWN), NEED_UNASKED);
}

static void a_kernel_without_bpf_is_told(void **state)
{
	struct kcaps caps = lacking(NOTHING_LOADS);

	(void)state;
	caps.limits.bpf_error = caps.tracing_error = ENOSYS;
	expect_missing(&caps, NEED_TRACING, "Function not implemented (see dmesg", "module");
}

static void locked_memory_counts_on_old_kernels_only(void **state)
{
	struct kcaps caps = good();

	(void)state;
	caps.limits.memlock_bytes = 64 << 10;
	caps.is_admin = false;
	expect_runs(&caps);
	assert_int_equal(state_of(&caps, NEED_MEMLOCK), NEED_MOOT);
	caps.version = MADE_UP(5, 10);
	expect_missing(&caps, NEED_MEMLOCK, "RLIMIT_MEMLOCK is 64 KiB", NULL);
	caps.is_admin = true; /* libbpf raises it */
	expect_runs(&caps);
	caps.is_admin = false;
	caps.limits.memlock_bytes = UINT64_MAX;
	expect_runs(&caps);
}

static void settings_never_refuse(void **state)
{
	const int values[] = {LIMITS_UNKNOWN, -1, 0, 1, 2, 3, 4};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct kcaps caps = good();

		caps.limits.perf_paranoid = caps.limits.unprivileged_bpf = values[i];
		expect_runs(&caps);
		assert_int_equal(state_of(&caps, NEED_PARANOID), NEED_MOOT);
		assert_int_equal(state_of(&caps, NEED_UNPRIVILEGED), NEED_MOOT);
		caps.limits.jit = values[i];
		expect_runs(&caps);
		assert_int_equal(state_of(&caps, NEED_JIT), values[i] ? NEED_MOOT : NEED_LIMITS);
	}
}

/* Only where nothing better sees calls are they wanted, and a setting that hides them is told. */
static void kprobes_matter_where_nothing_better_serves(void **state)
{
	struct kcaps caps = lacking(LACK(KPROBES));

	(void)state;
	assert_int_equal(state_of(&caps, NEED_KPROBES), NEED_MOOT);
	caps = made_up(MADE_UP(6, 1), LACK(KPROBES));
	assert_int_equal(state_of(&caps, NEED_KPROBES), NEED_MOOT);
	caps = made_up(MADE_UP(6, 1), LACK(TRAMPOLINES));
	assert_int_equal(state_of(&caps, NEED_KPROBES), NEED_MET);
	caps = made_up(MADE_UP(6, 1), LACK(TRAMPOLINES) | LACK(KPROBES));
	expect_runs(&caps);
	assert_int_equal(state_of(&caps, NEED_KPROBES), NEED_LIMITS);
	assert_int_equal(state_of(&caps, NEED_PARANOID), NEED_MOOT);
	caps.is_admin = false;
	caps.kprobe_error = EACCES;
	caps.limits.perf_paranoid = 3;
	expect_runs(&caps);
	assert_int_equal(state_of(&caps, NEED_PARANOID), NEED_LIMITS);
	caps.has[KCAP_TRAMPOLINES] = true;
	assert_int_equal(state_of(&caps, NEED_PARANOID), NEED_MOOT);
}

/* What only programs can tell is not held against who may not load them. */
static void who_may_not_ask_is_told_what_could_be(void **state)
{
	struct kcaps caps = lacking(NOT_PERMITTED | LACK(CGROUP2));
	struct kcaps granted = caps;

	(void)state;
	assert_false(needs_asked(&caps));
	assert_int_equal(state_of(&caps, NEED_TRACING), NEED_UNASKED);
	assert_int_equal(state_of(&caps, NEED_TRAMPOLINES), NEED_UNASKED);
	assert_int_equal(state_of(&caps, NEED_CGROUP2), NEED_UNASKED);
	needs_grant(&granted, true);
	for (int i = 0; i < KCAP_COUNT; i++)
		assert_int_equal(granted.has[i], good().has[i]);
	granted = caps;
	needs_grant(&granted, false);
	assert_false(granted.has[KCAP_TRAMPOLINES]);
	assert_true(granted.has[KCAP_TP_BTF] && granted.has[KCAP_CGROUP2]);
	caps = lacking(NOT_PERMITTED | LACK(BTF));
	needs_grant(&caps, true);
	assert_false(caps.has[KCAP_TP_BTF] || caps.has[KCAP_TRAMPOLINES]);
}

/* One bit after the other, and any of two: whatever is refused is said in one whole line. */
static void every_refusal_is_one_line(void **state)
{
	(void)state;
	for (int a = 0; a < KCAP_COUNT; a++)
		for (int b = 0; b < KCAP_COUNT; b++) {
			struct kcaps caps = lacking(1U << a | 1U << b);
			int chosen[HOOK_PURPOSES];
			char why[WHY + 1];

			memset(caps.release, 'r', sizeof(caps.release) - 1);
			memset(caps.limits.modules, 'm', sizeof(caps.limits.modules) - 1);
			hooks_choose(&caps, chosen);
			memset(why, '#', sizeof(why));
			if (needs_refusal(&caps, why, WHY) ||
			    hooks_refusal(&caps, chosen, why, WHY))
				expect_one_line(why);
			assert_int_equal(why[WHY], '#');
			memset(why, '#', sizeof(why));
			if (needs_refusal(&caps, why, 20) || hooks_refusal(&caps, chosen, why, 20))
				assert_int_equal(strlen(why), 19);
			assert_int_equal(why[20], '#');
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_kernel_has_all),
		cmocka_unit_test(capabilities_are_told_apart),
		cmocka_unit_test(who_is_not_permitted_is_told_that_first),
		cmocka_unit_test(a_kernel_without_btf_is_told),
		cmocka_unit_test(a_kernel_that_is_too_old_is_told),
		cmocka_unit_test(backports_count),
		cmocka_unit_test(a_user_namespace_is_told),
		cmocka_unit_test(a_seccomp_filter_is_told),
		cmocka_unit_test(a_security_module_is_told),
		cmocka_unit_test(lockdown_is_told),
		cmocka_unit_test(a_kernel_without_bpf_is_told),
		cmocka_unit_test(locked_memory_counts_on_old_kernels_only),
		cmocka_unit_test(settings_never_refuse),
		cmocka_unit_test(kprobes_matter_where_nothing_better_serves),
		cmocka_unit_test(who_may_not_ask_is_told_what_could_be),
		cmocka_unit_test(every_refusal_is_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
