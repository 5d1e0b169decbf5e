/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What it takes to watch, need by need, so that what is missing is told apart. Pure. */
#ifndef CAPTURE_NEEDS_H
#define CAPTURE_NEEDS_H

#include <stdbool.h>
#include <stddef.h>

struct kcaps;

enum { NEED_TEXT = 192 };

/* In the order in which a refusal looks at them. */
enum need_id {
	NEED_USER_NAMESPACE,
	NEED_CAP_BPF,
	NEED_CAP_PERFMON,
	NEED_CAP_NET_ADMIN,
	NEED_BTF,
	NEED_KERNEL,
	NEED_SECCOMP,
	NEED_LOCKDOWN,
	NEED_MODULES,
	NEED_TRACING,
	NEED_TRAMPOLINES,
	NEED_KPROBES,
	NEED_CGROUP2,
	NEED_MEMLOCK,
	NEED_PARANOID,
	NEED_UNPRIVILEGED,
	NEED_JIT,
	NEEDS
};

enum need_state {
	NEED_MET,
	NEED_MOOT,    /* whatever it is, it changes nothing here */
	NEED_UNASKED, /* only who may load programs can know */
	NEED_LIMITS,  /* less is seen, or dearer */
	NEED_MISSING, /* nothing can be watched */
	NEED_STATES
};

struct need {
	const char *name; /* `BTF`, `kernel.perf_event_paranoid` */
	enum need_state state;
	char value[NEED_TEXT]; /* as it is here */
	const char *means;     /* what follows from it here, or NULL */
	char why[NEED_TEXT];   /* if it is missing: what fails for it, as a sentence */
	const char *todo;      /* what would help, or NULL */
};

/** Judge each need. Where programs could not be tried, what they would have shown is unasked. */
void needs_judge(const struct kcaps *caps, struct need needs[NEEDS]);
/** Why nothing can be watched at all, and what to do: one line into @dst. False if it can. */
bool needs_refusal(const struct kcaps *caps, char *dst, size_t size);
/** `ok`, `moot`, `unasked`, `limits`, `missing`. */
const char *need_state_name(enum need_state state);
/** Whether programs could be tried: if not, what @caps say of the kernel is what it shows to all.
 */
bool needs_asked(const struct kcaps *caps);
/** What @caps would be for who may load programs: all that only they can ask is there, but for
 *  BPF trampolines, which are there if @trampolines, and kprobes on a kernel that has none. */
void needs_grant(struct kcaps *caps, bool trampolines);

#endif
