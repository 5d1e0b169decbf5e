/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	NO_COMMAND = 0xffff,          /* of bpf() */
	INITIAL_USER_NS = 0xeffffffd, /* PROC_USER_INIT_INO of include/linux/proc_ns.h */
};

int limits_open_fs(const char *type)
{
	int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC), fd = -1; /* Linux 5.2 */

	if (fs < 0)
		return -1;
	if (!syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	close(fs);
	return fd;
}

void limits_read_line(int dir, const char *path, char *dst, size_t size)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, dst, size - 1);

	dst[n > 0 ? n : 0] = '\0';
	dst[strcspn(dst, "\n")] = '\0';
	if (fd >= 0)
		close(fd);
}

static int read_setting(const char *path)
{
	char text[32], *end;
	long value;

	limits_read_line(AT_FDCWD, path, text, sizeof(text));
	value = strtol(text, &end, 10);
	return end == text ? LIMITS_UNKNOWN : (int)value;
}

/* `none [integrity] confidentiality` */
static void pick_lockdown(char *dst, size_t size, const char *text)
{
	const char *word = strchr(text, '['), *end = word ? strchr(word, ']') : NULL;

	if (end)
		snprintf(dst, size, "%.*s", (int)(end - word - 1), word + 1);
}

/* Containers and small systems do not mount securityfs. */
static void probe_security(struct limits *l)
{
	int dir = open("/sys/kernel/security", O_RDONLY | O_DIRECTORY | O_CLOEXEC), own = -1;
	char text[128];

	limits_read_line(dir, "lsm", l->modules, sizeof(l->modules));
	if (!l->modules[0])
		own = limits_open_fs("securityfs");
	if (own >= 0)
		limits_read_line(own, "lsm", l->modules, sizeof(l->modules));
	limits_read_line(own >= 0 ? own : dir, "lockdown", text, sizeof(text));
	pick_lockdown(l->lockdown, sizeof(l->lockdown), text);
	if (own >= 0)
		close(own);
	if (dir >= 0)
		close(dir);
}

static bool in_user_namespace(void)
{
	struct stat st;

	return !stat("/proc/self/ns/user", &st) && st.st_ino != INITIAL_USER_NS;
}

/* __sys_bpf refuses who may not call it before it looks at the command. */
static int probe_bpf_call(void)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	if (!syscall(SYS_bpf, NO_COMMAND, &attr, sizeof(attr)) || errno == EINVAL)
		return 0;
	return errno;
}

static uint64_t probe_memlock(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_MEMLOCK, &r) || r.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return r.rlim_cur;
}

void limits_probe(struct limits *l)
{
	memset(l, 0, sizeof(*l));
	l->bpf_error = probe_bpf_call();
	l->user_namespace = in_user_namespace();
	l->seccomp = prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER;
	probe_security(l);
	l->unprivileged_bpf = read_setting("/proc/sys/kernel/unprivileged_bpf_disabled");
	l->perf_paranoid = read_setting("/proc/sys/kernel/perf_event_paranoid");
	l->jit = read_setting("/proc/sys/net/core/bpf_jit_enable");
	l->memlock_bytes = probe_memlock();
}
