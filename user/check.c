/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "check.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "capture/hooks.h"
#include "capture/kcaps.h"
#include "capture/live.h"
#include "capture/needs.h"
#include "opts.h"
#include "util/buf.h"
#include "util/text.h"

enum { LINE = 256 };

struct report {
	struct kcaps caps;
	int chosen[HOOK_PURPOSES];
	char refusal[LINE]; /* why nothing can be watched, or empty */
	bool exact;
	struct buf out;
};

static const struct setting {
	const char *name, *path, *means;
} settings[] = {
	{"kernel.unprivileged_bpf_disabled", "/proc/sys/kernel/unprivileged_bpf_disabled",
	 "concerns only programs without CAP_BPF"},
	{"kernel.perf_event_paranoid", "/proc/sys/kernel/perf_event_paranoid",
	 "concerns kprobes; 3 hides them from all but root"},
	{"net.core.bpf_jit_enable", "/proc/sys/net/core/bpf_jit_enable",
	 "0 makes every program slower"},
};

static bool read_setting(const char *path, char *dst, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, dst, size - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	dst[n] = '\0';
	dst[strcspn(dst, "\n")] = '\0';
	return true;
}

static void memlock(char *dst, size_t size)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_MEMLOCK, &r) || r.rlim_cur == RLIM_INFINITY)
		snprintf(dst, size, "unlimited");
	else
		snprintf(dst, size, "%llu KiB", (unsigned long long)r.rlim_cur / 1024);
}

static void report_fill(struct report *r, const char *way)
{
	kcaps_probe(&r->caps);
	if (way)
		kcaps_limit(&r->caps, way);
	hooks_choose(&r->caps, r->chosen);
	if (!needs_refusal(&r->caps, r->refusal, sizeof(r->refusal)))
		hooks_refusal(&r->caps, r->chosen, r->refusal, sizeof(r->refusal));
	r->exact = !r->refusal[0];
	for (int i = 0; i < HOOK_PURPOSES; i++)
		r->exact &= hooks_exact(r->chosen, i);
}

/* The best way, when another one was chosen that leaves something unseen; else -1. */
static int better(const struct report *r, int purpose)
{
	if (hooks_exact(r->chosen, purpose) || r->chosen[purpose] == 0)
		return -1;
	return 0;
}

static const char *gap(const struct report *r, int purpose)
{
	const struct hook *hook = &hooks[purpose];

	if (r->chosen[purpose] >= 0)
		return hook->alternatives[r->chosen[purpose]].gap;
	return hook->missing ? hook->missing : hook->unseen;
}

static const char *way(const struct report *r, int purpose)
{
	int k = r->chosen[purpose];

	return k >= 0 ? hooks[purpose].alternatives[k].name : "";
}

/* ---- text ---- */

static const char *yes(bool b)
{
	return b ? "yes" : "no";
}

static void text_needs(struct report *r)
{
	char value[LINE];

	buf_printf(&r->out, "sockwatch %s, libbpf %s, Linux %s\n\nNeeded to run\n",
		   SOCKWATCH_VERSION, live_library_version(), r->caps.release);
	buf_printf(&r->out, "  capabilities: CAP_BPF %s, CAP_PERFMON %s, CAP_NET_ADMIN %s\n",
		   yes(r->caps.has[KCAP_CAP_BPF]), yes(r->caps.has[KCAP_CAP_PERFMON]),
		   yes(r->caps.has[KCAP_CAP_NET_ADMIN]));
	buf_printf(&r->out, "  types of the kernel (BTF): %s\n", yes(r->caps.has[KCAP_BTF]));
	buf_printf(&r->out, "  typed tracepoints: %s, iterators: %s\n",
		   yes(r->caps.has[KCAP_TP_BTF]), yes(r->caps.has[KCAP_ITERATORS]));
	buf_printf(&r->out, "Of use\n  trampolines (fentry, fexit): %s, cgroup2: %s\n",
		   yes(r->caps.has[KCAP_TRAMPOLINES]), yes(r->caps.has[KCAP_CGROUP2]));
	buf_printf(&r->out, "Settings\n  lockdown: %s\n",
		   r->caps.limits.lockdown[0] ? r->caps.limits.lockdown : "not known");
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		if (read_setting(settings[i].path, value, sizeof(value)))
			buf_printf(&r->out, "  %s = %s (%s)\n", settings[i].name, value,
				   settings[i].means);
	memlock(value, sizeof(value));
	buf_printf(&r->out, "  locked memory: %s (does not matter from Linux 5.11 on)\n\n", value);
}

static const char *verdict(const struct report *r, int purpose)
{
	if (hooks_exact(r->chosen, purpose))
		return "exact";
	return r->chosen[purpose] >= 0 ? "partly" : "no";
}

static void text_purpose(struct report *r, int purpose)
{
	const char *unseen = gap(r, purpose);
	char lacking[LINE];
	int k = better(r, purpose);

	buf_printf(&r->out, "%-7s %s\n", verdict(r, purpose), hooks[purpose].purpose);
	if (r->chosen[purpose] >= 0)
		buf_printf(&r->out, "        by %s\n", way(r, purpose));
	if (unseen)
		buf_printf(&r->out, "        unseen: %s\n", unseen);
	if (k < 0)
		return;
	hooks_lacking(&r->caps, purpose, k, lacking, sizeof(lacking));
	buf_printf(&r->out, "        better: %s (needs %s)\n", hooks[purpose].alternatives[k].name,
		   lacking);
}

static void text_report(struct report *r)
{
	text_needs(r);
	for (int i = 0; i < HOOK_PURPOSES; i++)
		text_purpose(r, i);
	buf_puts(&r->out, "\nNot seen on any kernel: memory-mapped packet rings, bytes below the "
			  "socket (headers,\nretransmits), splice from a kTLS socket.\n");
	if (r->refusal[0])
		buf_printf(&r->out, "Cannot run: %s\n", r->refusal);
	else
		buf_printf(&r->out, "%s\n",
			   r->exact ? "Everything is exact."
				    : "Bytes are exact; what is marked is not.");
}

/* ---- JSON ---- */

static void json_string(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "\"%s\":\"", key);
	text_json(b, value, strlen(value));
	buf_putc(b, '"');
}

static void json_purpose(struct report *r, int purpose)
{
	const char *unseen = gap(r, purpose);
	char lacking[LINE];
	int k = better(r, purpose);

	buf_putc(&r->out, '{');
	json_string(&r->out, "purpose", hooks[purpose].purpose);
	buf_printf(&r->out, ",\"exact\":%s", hooks_exact(r->chosen, purpose) ? "true" : "false");
	if (r->chosen[purpose] >= 0) {
		buf_putc(&r->out, ',');
		json_string(&r->out, "by", way(r, purpose));
	}
	if (unseen) {
		buf_putc(&r->out, ',');
		json_string(&r->out, "unseen", unseen);
	}
	if (k >= 0) {
		hooks_lacking(&r->caps, purpose, k, lacking, sizeof(lacking));
		buf_putc(&r->out, ',');
		json_string(&r->out, "better", hooks[purpose].alternatives[k].name);
		buf_putc(&r->out, ',');
		json_string(&r->out, "needs", lacking);
	}
	buf_putc(&r->out, '}');
}

static void json_report(struct report *r)
{
	buf_putc(&r->out, '{');
	json_string(&r->out, "version", SOCKWATCH_VERSION);
	buf_putc(&r->out, ',');
	json_string(&r->out, "kernel", r->caps.release);
	buf_putc(&r->out, ',');
	json_string(&r->out, "lockdown", r->caps.limits.lockdown);
	buf_puts(&r->out, ",\"capabilities\":{");
	for (int i = 0; i < KCAP_COUNT; i++) {
		buf_puts(&r->out, i ? ",\"" : "\"");
		text_json(&r->out, kcap_name(i), strlen(kcap_name(i)));
		buf_printf(&r->out, "\":%s", r->caps.has[i] ? "true" : "false");
	}
	buf_puts(&r->out, "},\"purposes\":[");
	for (int i = 0; i < HOOK_PURPOSES; i++) {
		if (i)
			buf_putc(&r->out, ',');
		json_purpose(r, i);
	}
	buf_printf(&r->out, "],\"exact\":%s", r->exact ? "true" : "false");
	if (r->refusal[0]) {
		buf_putc(&r->out, ',');
		json_string(&r->out, "cannot_run", r->refusal);
	}
	buf_puts(&r->out, "}\n");
}

int check_run(const struct opts *opts)
{
	struct report r = {0};
	int status, err;

	report_fill(&r, opts->hooks);
	if (opts->format)
		json_report(&r);
	else
		text_report(&r);
	status = r.refusal[0] ? EXIT_PERMISSION : r.exact ? EXIT_OK : EXIT_RUN;
	err = buf_write(&r.out, STDOUT_FILENO);
	if (err) {
		fprintf(stderr, "sockwatch: cannot write to stdout: %s\n", strerror(-err));
		status = EXIT_RUN;
	}
	buf_done(&r.out);
	kcaps_done(&r.caps);
	return status;
}
