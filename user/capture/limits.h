/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What may stand between a process and the kernel's BPF: settings, filters, namespaces, modules.
 */
#ifndef CAPTURE_LIMITS_H
#define CAPTURE_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LIMITS_UNKNOWN = -100 }; /* of a setting: it cannot be read, or there is none */

struct limits {
	int bpf_error;          /* of a call of bpf() that asks for nothing: 0, EPERM, ENOSYS */
	bool user_namespace;    /* not the initial one: its capabilities do not count for BPF */
	bool seccomp;           /* a filter of system calls is on */
	char lockdown[16];      /* none, integrity, confidentiality; empty = not known */
	char modules[128];      /* security modules, `lockdown,capability`; empty = not known */
	int unprivileged_bpf;   /* kernel.unprivileged_bpf_disabled */
	int perf_paranoid;      /* kernel.perf_event_paranoid */
	int jit;                /* net.core.bpf_jit_enable */
	uint64_t memlock_bytes; /* soft RLIMIT_MEMLOCK; UINT64_MAX = unlimited */
};

/** Ask. Never fails: what cannot be asked is not known. */
void limits_probe(struct limits *limits);

/** First line of @path below the directory @dir; empty when there is none to be read. */
void limits_read_line(int dir, const char *path, char *dst, size_t size);

/** Root directory of a file system of @type, mounted where only this descriptor knows, owned; -1 if
 *  that is not permitted. */
int limits_open_fs(const char *type);

#endif
