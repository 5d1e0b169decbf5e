/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/needs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "capture/kcaps.h"

#define OLDEST "6.1" /* that was seen to count every byte: tests/vm */

enum {
	VERSION_OLDEST = 6 << 16 | 1 << 8,
	VERSION_NO_MEMLOCK = 5 << 16 | 11 << 8, /* maps count for the memory cgroup: 97306be45fbe */
	NO_SUPPORT = 524,                       /* ENOTSUPP of include/linux/errno.h */
	PARANOID_KPROBES = 3, /* a patch of Debian and Ubuntu: "Allow further restriction" */
};

static const uint64_t memlock_needed = 16 << 20; /* ring, hashes, programs */

static const char *const state_names[NEED_STATES] = {
	[NEED_MET] = "ok",        [NEED_MOOT] = "moot",       [NEED_UNASKED] = "unasked",
	[NEED_LIMITS] = "limits", [NEED_MISSING] = "missing",
};

const char *need_state_name(enum need_state state)
{
	return state_names[state];
}

static void set(struct need *n, enum need_state state, const char *value)
{
	n->state = state;
	snprintf(n->value, sizeof(n->value), "%s", value);
}

static void miss(struct need *n, const char *todo, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Nothing can be watched for it. */
static void miss(struct need *n, const char *todo, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(n->why, sizeof(n->why), fmt, args);
	va_end(args);
	n->state = NEED_MISSING;
	n->todo = todo;
}

static const char *error_text(int error)
{
	return error == NO_SUPPORT ? "not supported" : strerror(error);
}

static bool may_load(const struct kcaps *caps)
{
	return caps->has[KCAP_CAP_BPF] && caps->has[KCAP_CAP_PERFMON];
}

/* Refused although the capabilities are there: by whom, unless the kernel itself says why. */
static int who_refuses(const struct kcaps *caps)
{
	const struct limits *l = &caps->limits;

	if (!may_load(caps) || !caps->has[KCAP_BTF] || caps->has[KCAP_TP_BTF])
		return -1;
	if (caps->tracing_error != EPERM && caps->tracing_error != EACCES && !l->bpf_error)
		return strcmp(l->lockdown, "confidentiality") ? NEED_TRACING : NEED_LOCKDOWN;
	if (l->user_namespace)
		return NEED_USER_NAMESPACE;
	if (l->bpf_error && l->seccomp)
		return NEED_SECCOMP;
	return l->bpf_error == ENOSYS ? NEED_TRACING : NEED_MODULES;
}

static bool is_refused(int error)
{
	return error == EPERM || error == EACCES;
}

bool needs_asked(const struct kcaps *caps)
{
	int who = who_refuses(caps);

	return may_load(caps) && (who < 0 || who == NEED_TRACING || who == NEED_LOCKDOWN);
}

void needs_grant(struct kcaps *caps, bool trampolines)
{
	const enum kcap given[] = {KCAP_CAP_BPF, KCAP_CAP_PERFMON, KCAP_CAP_NET_ADMIN,
				   KCAP_CGROUP2};

	for (size_t i = 0; i < sizeof(given) / sizeof(*given); i++)
		caps->has[given[i]] = true;
	caps->has[KCAP_TP_BTF] = caps->has[KCAP_BTF];
	caps->has[KCAP_TRAMPOLINES] = caps->has[KCAP_BTF] && trampolines;
	caps->has[KCAP_KPROBES] |= is_refused(caps->kprobe_error);
}

/* ---- the needs, one by one ---- */

/* BPF asks the capabilities of the initial one (bpf_capable, perfmon_capable). */
static void judge_user_namespace(const struct kcaps *caps, struct need *n)
{
	set(n, NEED_MOOT,
	    caps->limits.user_namespace ? "not that of the host" : "that of the host");
	if (caps->limits.user_namespace && !caps->has[KCAP_TP_BTF])
		miss(n, "run as root of the host",
		     "not permitted to load BPF programs: our capabilities are those of a user "
		     "namespace");
}

static void judge_capability(const struct kcaps *caps, struct need *n, enum kcap cap)
{
	static const char as_user[] = "run as root: sudo sockwatch, or grant CAP_BPF, CAP_PERFMON "
				      "and CAP_NET_ADMIN";
	static const char as_root[] = "give the container CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, "
				      "or run as root of the host";

	set(n, NEED_MET, "yes");
	if (caps->has[cap])
		return;
	set(n, NEED_LIMITS, "no");
	n->todo = caps->is_root ? as_root : as_user;
	if (cap == KCAP_CAP_NET_ADMIN)
		n->means = "no programs on cgroups";
	else
		miss(n, n->todo, "not permitted to load BPF programs: %s is missing",
		     kcap_name(cap));
}

static void judge_cap_bpf(const struct kcaps *caps, struct need *n)
{
	judge_capability(caps, n, KCAP_CAP_BPF);
}

static void judge_cap_perfmon(const struct kcaps *caps, struct need *n)
{
	judge_capability(caps, n, KCAP_CAP_PERFMON);
}

static void judge_cap_net_admin(const struct kcaps *caps, struct need *n)
{
	judge_capability(caps, n, KCAP_CAP_NET_ADMIN);
}

static void judge_btf(const struct kcaps *caps, struct need *n)
{
	set(n, NEED_MET, "yes");
	if (caps->has[KCAP_BTF])
		return;
	set(n, NEED_MISSING, caps->btf_unread ? "there, cannot be loaded" : "no");
	if (caps->btf_unread)
		miss(n, "see ulimit -v and ulimit -n, and the version of libbpf",
		     "cannot load the kernel's BTF, which is there: not enough memory or "
		     "descriptors, or libbpf is too old");
	else
		miss(n, "needs CONFIG_DEBUG_INFO_BTF=y, and /sys mounted in a container",
		     "kernel %s gives no BTF in /sys/kernel/btf/vmlinux", caps->release);
}

static void judge_kernel(const struct kcaps *caps, struct need *n)
{
	static const enum kcap needed[] = {KCAP_ITERATORS, KCAP_SK_STORAGE, KCAP_TP_TCP_STATE};
	static const char todo[] = "use Linux " OLDEST " or newer";

	set(n, NEED_MET, caps->release);
	if (caps->version && caps->version < VERSION_OLDEST) {
		set(n, NEED_UNASKED, caps->release); /* it may well have all that is needed */
		n->means = "never tried";
		n->todo = "sockwatch selftest shows whether each byte counts";
	}
	if (!caps->has[KCAP_BTF] && caps->version && caps->version < VERSION_OLDEST)
		miss(n, todo, "kernel %s is too old", caps->release);
	for (size_t i = 0; caps->has[KCAP_BTF] && i < sizeof(needed) / sizeof(*needed); i++)
		if (!caps->has[needed[i]])
			miss(n, todo, "kernel %s is too old: it has no %s", caps->release,
			     kcap_name(needed[i]));
	if (n->state == NEED_MISSING)
		n->means = "too old";
}

static void judge_seccomp(const struct kcaps *caps, struct need *n)
{
	const struct limits *l = &caps->limits;

	set(n, NEED_MOOT, l->seccomp ? "filters system calls" : "no filter");
	if (!l->seccomp)
		return;
	if (who_refuses(caps) == NEED_SECCOMP)
		miss(n, "allow it in the seccomp profile of the container or unit",
		     "not permitted to load BPF programs: a seccomp filter refuses bpf(): %s",
		     error_text(l->bpf_error));
	else if (l->bpf_error)
		n->state = NEED_UNASKED;
	n->means = l->bpf_error ? "bpf() is refused" : "bpf() passes";
}

static void judge_lockdown(const struct kcaps *caps, struct need *n)
{
	const char *mode = caps->limits.lockdown;

	set(n, NEED_MOOT, mode[0] ? mode : "not known");
	if (!strcmp(mode, "confidentiality"))
		miss(n, "boot without lockdown=confidentiality; integrity does no harm",
		     "kernel %s refuses programs that read its memory: lockdown is "
		     "'confidentiality'",
		     caps->release);
	else if (!mode[0] && !caps->has[KCAP_TP_BTF])
		n->state = NEED_UNASKED;
}

/* `a,b` as `a, b`, which can be folded; at most twice as long. */
static void put_list(char *dst, const char *src)
{
	for (; *src; src++) {
		*dst++ = *src;
		if (*src == ',')
			*dst++ = ' ';
	}
	*dst = '\0';
}

static void judge_modules(const struct kcaps *caps, struct need *n)
{
	char names[sizeof(caps->limits.modules) * 2] = "not known";

	if (caps->limits.modules[0])
		put_list(names, caps->limits.modules);
	set(n, NEED_MOOT, names);
	if (who_refuses(caps) == NEED_MODULES)
		miss(n, "see dmesg and the log of the module",
		     "not permitted to load BPF programs, with all capabilities: a security module "
		     "forbids it: %.90s",
		     names);
}

static void judge_tracing(const struct kcaps *caps, struct need *n)
{
	int who = who_refuses(caps);

	set(n, NEED_MET, "yes");
	if (caps->has[KCAP_TP_BTF])
		return;
	set(n, NEED_UNASKED, "not tried");
	if (who < 0)
		return;
	set(n, NEED_MOOT, error_text(caps->tracing_error));
	n->means = "see above";
	if (who != NEED_TRACING)
		return;
	n->means = NULL;
	miss(n, "see dmesg; lockdown, or a kernel built without BPF, does that",
	     "kernel %s refused a BPF program although the capabilities are there: %s",
	     caps->release, error_text(caps->tracing_error));
}

static void judge_trampolines(const struct kcaps *caps, struct need *n)
{
	static const char forbidden[] = "lockdown or a security module refuses them; kernels from "
					"kernel.org do not";
	static const char none[] =
		"needs CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS=y; on arm64 Linux "
		"6.4";

	set(n, NEED_MET, "yes");
	if (caps->has[KCAP_TRAMPOLINES])
		return;
	set(n, NEED_UNASKED, "not tried");
	if (!needs_asked(caps) || !caps->has[KCAP_BTF])
		return;
	set(n, NEED_LIMITS, error_text(caps->trampoline_error));
	n->means = "no fentry, no fexit";
	if (who_refuses(caps) < 0)
		n->todo = caps->trampoline_error == EPERM ? forbidden : none;
}

/* Whether nothing better than kprobes sees calls. */
static bool wants_kprobes(const struct kcaps *caps)
{
	return needs_asked(caps) && caps->has[KCAP_TP_BTF] && !caps->has[KCAP_TP_SOCK_LENGTH] &&
	       !caps->has[KCAP_TRAMPOLINES];
}

static bool hides_kprobes(const struct kcaps *caps)
{
	return caps->limits.perf_paranoid >= PARANOID_KPROBES && is_refused(caps->kprobe_error);
}

static void judge_kprobes(const struct kcaps *caps, struct need *n)
{
	set(n, NEED_MOOT, "yes");
	if (caps->has[KCAP_KPROBES]) {
		n->state = wants_kprobes(caps) ? NEED_MET : NEED_MOOT;
		return;
	}
	set(n, NEED_MOOT, caps->kprobe_error == ENODEV ? "no" : error_text(caps->kprobe_error));
	if (!needs_asked(caps) && caps->kprobe_error != ENODEV)
		set(n, NEED_UNASKED, "not tried");
	if (!wants_kprobes(caps))
		return;
	n->state = NEED_LIMITS;
	n->means = "nothing sees calls";
	if (caps->kprobe_error == ENODEV)
		n->todo = "needs CONFIG_KPROBE_EVENTS=y";
	else if (!hides_kprobes(caps))
		n->todo = "see dmesg and the log of the security module";
}

static void judge_cgroup2(const struct kcaps *caps, struct need *n)
{
	set(n, NEED_MET, "yes");
	if (caps->has[KCAP_CGROUP2])
		return;
	set(n, NEED_UNASKED, "not mounted");
	if (!needs_asked(caps))
		return;
	n->state = NEED_LIMITS;
	n->means = "no programs on cgroups";
	n->todo = "mount -t cgroup2 none /sys/fs/cgroup/unified, or CAP_SYS_ADMIN";
}

/* libbpf raises it where it counts and CAP_SYS_RESOURCE lets it. */
static void judge_memlock(const struct kcaps *caps, struct need *n)
{
	uint64_t limit = caps->limits.memlock_bytes;

	set(n, NEED_MOOT, "unlimited");
	if (limit != UINT64_MAX)
		snprintf(n->value, sizeof(n->value), "%" PRIu64 " KiB", limit >> 10);
	if (caps->version >= VERSION_NO_MEMLOCK)
		n->means = "counts only before Linux 5.11";
	else if (limit < memlock_needed && !caps->is_admin)
		miss(n, "raise it: ulimit -l unlimited",
		     "not permitted to make BPF maps: RLIMIT_MEMLOCK is %" PRIu64
		     " KiB, which counts before Linux 5.11",
		     limit >> 10);
	else if (limit < memlock_needed)
		n->means = "counts before Linux 5.11, and is raised";
}

static void set_number(struct need *n, int value)
{
	set(n, NEED_MOOT, "not known");
	if (value != LIMITS_UNKNOWN)
		snprintf(n->value, sizeof(n->value), "%d", value);
}

/* Linux asks perfmon_capable() for a kprobe whatever the setting is; Debian and Ubuntu refuse all
 * of perf_event_open() at 3 and above, some of their kernels to all but CAP_SYS_ADMIN. */
static void judge_paranoid(const struct kcaps *caps, struct need *n)
{
	set_number(n, caps->limits.perf_paranoid);
	n->means = wants_kprobes(caps) ? "lets us use kprobes" : "concerns kprobes; none is used";
	if (!hides_kprobes(caps) || caps->is_admin)
		return;
	n->means = "hides kprobes without CAP_SYS_ADMIN";
	if (!wants_kprobes(caps))
		return;
	n->state = NEED_LIMITS;
	n->todo = "sysctl kernel.perf_event_paranoid=2, or CAP_SYS_ADMIN";
}

static void judge_unprivileged(const struct kcaps *caps, struct need *n)
{
	set_number(n, caps->limits.unprivileged_bpf);
	n->means = "concerns programs that need no CAP_BPF; ours do";
}

static void judge_jit(const struct kcaps *caps, struct need *n)
{
	set_number(n, caps->limits.jit);
	if (caps->limits.jit != 0)
		return;
	n->state = NEED_LIMITS;
	n->means = "programs are interpreted: slower";
	n->todo = "sysctl net.core.bpf_jit_enable=1";
}

static const struct {
	const char *name;
	void (*judge)(const struct kcaps *caps, struct need *n);
} table[NEEDS] = {
	[NEED_USER_NAMESPACE] = {"user namespace", judge_user_namespace},
	[NEED_CAP_BPF] = {"CAP_BPF", judge_cap_bpf},
	[NEED_CAP_PERFMON] = {"CAP_PERFMON", judge_cap_perfmon},
	[NEED_CAP_NET_ADMIN] = {"CAP_NET_ADMIN", judge_cap_net_admin},
	[NEED_BTF] = {"BTF, types of the kernel", judge_btf},
	[NEED_KERNEL] = {"Linux " OLDEST " or newer", judge_kernel},
	[NEED_SECCOMP] = {"seccomp", judge_seccomp},
	[NEED_LOCKDOWN] = {"lockdown", judge_lockdown},
	[NEED_MODULES] = {"security modules", judge_modules},
	[NEED_TRACING] = {"BPF programs load", judge_tracing},
	[NEED_TRAMPOLINES] = {"BPF trampolines", judge_trampolines},
	[NEED_KPROBES] = {"kprobes", judge_kprobes},
	[NEED_CGROUP2] = {"cgroup2", judge_cgroup2},
	[NEED_MEMLOCK] = {"RLIMIT_MEMLOCK", judge_memlock},
	[NEED_PARANOID] = {"kernel.perf_event_paranoid", judge_paranoid},
	[NEED_UNPRIVILEGED] = {"kernel.unprivileged_bpf_disabled", judge_unprivileged},
	[NEED_JIT] = {"net.core.bpf_jit_enable", judge_jit},
};

void needs_judge(const struct kcaps *caps, struct need needs[NEEDS])
{
	memset(needs, 0, sizeof(*needs) * NEEDS);
	for (int i = 0; i < NEEDS; i++) {
		needs[i].name = table[i].name;
		table[i].judge(caps, &needs[i]);
	}
}

bool needs_refusal(const struct kcaps *caps, char *dst, size_t size)
{
	struct need needs[NEEDS];

	needs_judge(caps, needs);
	for (int i = 0; i < NEEDS; i++)
		if (needs[i].state == NEED_MISSING) {
			snprintf(dst, size, "%s (%s)", needs[i].why, needs[i].todo);
			return true;
		}
	return false;
}
