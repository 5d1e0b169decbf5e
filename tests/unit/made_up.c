/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "made_up.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

enum { NEVER = 1 << 24 };

/* What was not always there, or is there no more, and since when. */
static const struct {
	enum kcap cap;
	unsigned int from, until; /* first version with it, first one without */
} history[] = {
	{KCAP_ITERATORS, MADE_UP(5, 9), NEVER},      /* 5ce6e77c7edf, of socket storage */
	{KCAP_STORAGE_ITER, 0, MADE_UP(7, 0)},       /* 5d800f87d0a5 */
	{KCAP_SK_STORAGE, MADE_UP(5, 12), NEVER},    /* 8e4597c627fb, c5dbb89fc2ac: its cookie */
	{KCAP_TP_SOCK_LENGTH, MADE_UP(6, 3), NEVER}, /* 6e6eda44b939 */
	{KCAP_FN_SENDPAGE, 0, MADE_UP(6, 5)},        /* dc97391e6610 */
	{KCAP_NO_SENDPAGE, MADE_UP(6, 5), NEVER},
	{KCAP_FN_ACCEPT_OLD, 0, MADE_UP(6, 10)}, /* 92ef0fd55ac8 */
	{KCAP_FN_ACCEPT, MADE_UP(6, 10), NEVER},
};

struct kcaps made_up(unsigned int version, unsigned int lacks)
{
	struct kcaps caps = {
		.cgroup_fd = -1, .version = version, .is_root = true, .is_admin = true};

	for (int i = 0; i < KCAP_COUNT; i++)
		caps.has[i] = true;
	for (size_t i = 0; i < sizeof(history) / sizeof(*history); i++)
		caps.has[history[i].cap] = version >= history[i].from && version < history[i].until;
	for (int i = 0; i < KCAP_COUNT; i++)
		if (lacks & 1U << i)
			caps.has[i] = false;
	caps.is_admin = caps.has[KCAP_CAP_BPF] && caps.has[KCAP_CAP_PERFMON] &&
			caps.has[KCAP_CAP_NET_ADMIN];
	caps.tracing_error = caps.has[KCAP_TP_BTF] ? 0 : EPERM;
	caps.trampoline_error = caps.has[KCAP_TRAMPOLINES] ? 0 : EPERM;
	if (!caps.has[KCAP_KPROBES])
		caps.kprobe_error = caps.has[KCAP_CAP_PERFMON] ? ENODEV : EACCES;
	snprintf(caps.release, sizeof(caps.release), "%u.%u.9-made-up", version >> 16,
		 version >> 8 & 0xff);
	caps.limits = (struct limits){.lockdown = "none",
				      .modules = "capability,landlock",
				      .unprivileged_bpf = 2,
				      .perf_paranoid = 2,
				      .jit = 1,
				      .memlock_bytes = UINT64_MAX};
	return caps;
}
