/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/kcaps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

static const char *const names[KCAP_COUNT] = {
	[KCAP_CAP_BPF] = "CAP_BPF",
	[KCAP_CAP_PERFMON] = "CAP_PERFMON",
	[KCAP_CAP_NET_ADMIN] = "CAP_NET_ADMIN",
	[KCAP_BTF] = "BTF",
	[KCAP_TP_BTF] = "typed tracepoints",
	[KCAP_ITERATORS] = "BPF iterators",
	[KCAP_TP_SOCK_LENGTH] = "tracepoint sock_send_length (6.3)",
	[KCAP_TP_TCP_STATE] = "tracepoint inet_sock_set_state",
	[KCAP_TP_TCP_DESTROY] = "tracepoint tcp_destroy_sock",
	[KCAP_CGROUP2] = "cgroup2",
	[KCAP_TRAMPOLINES] = "BPF trampolines",
	[KCAP_KPROBES] = "kprobes",
};

const char *kcap_name(enum kcap cap)
{
	return names[cap];
}

static void probe_capabilities(struct kcaps *caps)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};
	uint64_t effective;
	bool admin;

	if (syscall(SYS_capget, &head, data))
		return;
	effective = data[0].effective | (uint64_t)data[1].effective << 32;
	admin = effective >> CAP_SYS_ADMIN & 1;
	caps->has[KCAP_CAP_BPF] = admin || (effective >> CAP_BPF & 1);
	caps->has[KCAP_CAP_PERFMON] = admin || (effective >> CAP_PERFMON & 1);
	caps->has[KCAP_CAP_NET_ADMIN] = admin || (effective >> CAP_NET_ADMIN & 1);
}

static void read_word(const char *path, char *dst, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, dst, size - 1);

	dst[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

/* `none [integrity] confidentiality` */
static void probe_lockdown(struct kcaps *caps)
{
	char text[128], *word, *end;

	read_word("/sys/kernel/security/lockdown", text, sizeof(text));
	word = strchr(text, '[');
	end = word ? strchr(word, ']') : NULL;
	if (end)
		snprintf(caps->lockdown, sizeof(caps->lockdown), "%.*s", (int)(end - word - 1),
			 word + 1);
}

static void probe_version(struct kcaps *caps)
{
	struct utsname u;
	unsigned int major = 0, minor = 0;

	if (uname(&u))
		return;
	snprintf(caps->release, sizeof(caps->release), "%s", u.release);
	if (sscanf(u.release, "%u.%u", &major, &minor) == 2)
		caps->version = major << 16 | minor << 8;
}

static bool has_tracepoint(const struct btf *btf, const char *name)
{
	char type[64];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0;
}

/* Load `r0 = 0; exit` as a tracing program; whether the kernel takes it, not what it would do. */
static bool loads(const struct btf *btf, const char *target, int kind, enum bpf_attach_type type)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type);
	int id = btf__find_by_name_kind(btf, target, kind), fd;

	if (id < 0)
		return false;
	opts.attach_btf_id = id;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, NULL, "GPL", insns, 2, &opts);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static void probe_btf(struct kcaps *caps)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf)
		return;
	caps->has[KCAP_BTF] = true;
	caps->has[KCAP_TP_SOCK_LENGTH] = has_tracepoint(btf, "sock_send_length") &&
					 has_tracepoint(btf, "sock_recv_length");
	caps->has[KCAP_TP_TCP_STATE] = has_tracepoint(btf, "inet_sock_set_state");
	caps->has[KCAP_TP_TCP_DESTROY] = has_tracepoint(btf, "tcp_destroy_sock");
	caps->has[KCAP_ITERATORS] =
		btf__find_by_name_kind(btf, "bpf_iter_task_file", BTF_KIND_FUNC) > 0 &&
		btf__find_by_name_kind(btf, "bpf_iter_bpf_sk_storage_map", BTF_KIND_FUNC) > 0;
	caps->has[KCAP_TP_BTF] =
		loads(btf, "btf_trace_inet_sock_set_state", BTF_KIND_TYPEDEF, BPF_TRACE_RAW_TP);
	caps->has[KCAP_TRAMPOLINES] = loads(btf, "tcp_sendmsg", BTF_KIND_FUNC, BPF_TRACE_FENTRY);
	btf__free(btf);
}

/* Path of a cgroup2 mount into @dst: `... - cgroup2 none rw`, fifth field the mount point. */
static bool find_cgroup2(char *dst, size_t size)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t cap = 0;
	bool found = false;

	if (!f)
		return false;
	while (!found && getline(&line, &cap, f) > 0) {
		char point[4096];

		if (strstr(line, " - cgroup2 ") &&
		    sscanf(line, "%*s %*s %*s %*s %4095s", point) == 1)
			found = snprintf(dst, size, "%s", point) < (int)size;
	}
	free(line);
	fclose(f);
	return found;
}

/* A mount of cgroup2 that only this descriptor knows: nothing appears in any file system. The
 * hierarchy itself is always there. Needs CAP_SYS_ADMIN, Linux 5.2. */
static int detached_cgroup2(void)
{
	int fs = (int)syscall(SYS_fsopen, "cgroup2", FSOPEN_CLOEXEC), fd = -1;

	if (fs < 0)
		return -1;
	if (!syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	close(fs);
	return fd;
}

static void probe_cgroup2(struct kcaps *caps)
{
	char path[4096];

	if (find_cgroup2(path, sizeof(path)))
		caps->cgroup_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (caps->cgroup_fd < 0)
		caps->cgroup_fd = detached_cgroup2();
	caps->has[KCAP_CGROUP2] = caps->cgroup_fd >= 0;
}

void kcaps_probe(struct kcaps *caps)
{
	memset(caps, 0, sizeof(*caps));
	caps->cgroup_fd = -1;
	probe_version(caps);
	probe_capabilities(caps);
	probe_lockdown(caps);
	probe_btf(caps);
	probe_cgroup2(caps);
	caps->has[KCAP_KPROBES] = access("/sys/bus/event_source/devices/kprobe/type", F_OK) == 0;
}

void kcaps_done(struct kcaps *caps)
{
	if (caps->cgroup_fd >= 0)
		close(caps->cgroup_fd);
	caps->cgroup_fd = -1;
}

bool kcaps_refusal(const struct kcaps *caps, char *dst, size_t size)
{
	if (!caps->has[KCAP_CAP_BPF] || !caps->has[KCAP_CAP_PERFMON]) {
		snprintf(dst, size,
			 "not permitted to load BPF programs: %s missing (run as root: "
			 "sudo sockwatch, or grant CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN)",
			 !caps->has[KCAP_CAP_BPF] ? "CAP_BPF is" : "CAP_PERFMON is");
		return true;
	}
	if (!caps->has[KCAP_BTF]) {
		snprintf(dst, size,
			 "kernel %s gives no BTF in /sys/kernel/btf/vmlinux (needs "
			 "CONFIG_DEBUG_INFO_BTF=y, and /sys mounted in a container)",
			 caps->release);
		return true;
	}
	if (!caps->has[KCAP_ITERATORS] || !caps->has[KCAP_TP_TCP_STATE]) {
		snprintf(dst, size,
			 "kernel %s is too old: BPF socket iterators are missing "
			 "(use Linux 5.12 or newer)",
			 caps->release);
		return true;
	}
	if (!caps->has[KCAP_TP_BTF]) {
		snprintf(dst, size,
			 "kernel %s refused a BPF program although the capabilities are "
			 "there: lockdown is '%s', or a security module forbids it "
			 "(see dmesg)",
			 caps->release, caps->lockdown[0] ? caps->lockdown : "unknown");
		return true;
	}
	return false;
}
