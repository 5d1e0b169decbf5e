/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/kcaps.h"

#include "capture/kbtf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "capture/probes.h"

static const char *const names[KCAP_COUNT] = {
	[KCAP_CAP_BPF] = "CAP_BPF",
	[KCAP_CAP_PERFMON] = "CAP_PERFMON",
	[KCAP_CAP_NET_ADMIN] = "CAP_NET_ADMIN",
	[KCAP_BTF] = "BTF",
	[KCAP_TP_BTF] = "typed tracepoints",
	[KCAP_ITERATORS] = "BPF iterators",
	[KCAP_STORAGE_ITER] = "an iter/bpf_sk_storage_map that cannot oops (before 7.0)",
	[KCAP_SK_STORAGE] = "socket storage in tracing programs (5.12)",
	[KCAP_TP_SOCK_LENGTH] = "tracepoint sock_send_length (6.3)",
	[KCAP_TP_TCP_STATE] = "tracepoint inet_sock_set_state",
	[KCAP_TP_TCP_DESTROY] = "tracepoint tcp_destroy_sock",
	[KCAP_TP_TCP_RCVD] = "tracepoint tcp_rcv_space_adjust",
	[KCAP_CGROUP2] = "cgroup2",
	[KCAP_TRAMPOLINES] = "BPF trampolines",
	[KCAP_FN_INET_IO] = "functions inet_sendmsg, inet_recvmsg",
	[KCAP_FN_SENDPAGE] = "function inet_sendpage (until 6.4)",
	[KCAP_NO_SENDPAGE] = "sendfile by sendmsg (6.5)",
	[KCAP_FN_PACKET] = "functions packet_sendmsg, packet_recvmsg",
	[KCAP_FN_SPLICE_READ] = "function sock_splice_read",
	[KCAP_FN_RELEASE] = "function inet_release",
	[KCAP_FN_BIND] = "functions inet_bind, inet6_bind",
	[KCAP_FN_CONNECT] = "functions tcp_v4_connect, tcp_v6_connect",
	[KCAP_FN_CONSUME_UDP] = "function skb_consume_udp",
	[KCAP_FN_ACCEPT] = "function inet_csk_accept of 6.10",
	[KCAP_FN_ACCEPT_OLD] = "function inet_csk_accept until 6.9",
	[KCAP_FN_UDP] = "functions udp_sendmsg, udpv6_sendmsg",
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
	caps->is_root = geteuid() == 0;
	caps->is_admin = admin;
	caps->has[KCAP_CAP_BPF] = admin || (effective >> CAP_BPF & 1);
	caps->has[KCAP_CAP_PERFMON] = admin || (effective >> CAP_PERFMON & 1);
	caps->has[KCAP_CAP_NET_ADMIN] = admin || (effective >> CAP_NET_ADMIN & 1);
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

/* Where the mode was chosen at boot or since, the kernel says which: `none voluntary (full) lazy`,
 * to root alone. Else what it was built for says whether it can be. */
static bool kernel_preempts(void)
{
	struct utsname u;
	char modes[64];

	if (uname(&u) || !strstr(u.version, "PREEMPT"))
		return false;
	limits_read_line(AT_FDCWD, "/sys/kernel/debug/sched/preempt", modes, sizeof(modes));
	return !strstr(modes, "(none)") && !strstr(modes, "(voluntary)");
}

static bool has_tracepoint(const struct kbtf *btf, const char *name)
{
	char type[64];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return kbtf_find(btf, type, BTF_KIND_TYPEDEF) > 0;
}

static bool has_function(const struct kbtf *btf, const char *name)
{
	return kbtf_find(btf, name, BTF_KIND_FUNC) > 0;
}

static bool has_functions(const struct kbtf *btf, const char *const names_of[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!has_function(btf, names_of[i]))
			return false;
	return true;
}

#define HAS_FUNCTIONS(btf, ...)                                \
	has_functions(btf, (const char *const[]){__VA_ARGS__}, \
		      sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* Load a tracing program that reads kernel memory, as ours do, and attach it for a moment: whether
 * the kernel takes it, not what it would do. Reading is what lockdown forbids (bpf_base_func_proto,
 * LOCKDOWN_BPF_READ_KERNEL); and loading is not enough: arm64 before 6.4 refuses only to attach. */
static int try_attach(const struct kbtf *btf, const char *target, int kind,
		      enum bpf_attach_type type)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_1, .imm = -8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_kernel},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type);
	int id = kbtf_find(btf, target, (__u32)kind), fd, link;

	if (id < 0)
		return ENOENT;
	opts.attach_btf_id = (__u32)id;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, NULL, "GPL", insns,
			   sizeof(insns) / sizeof(*insns), &opts);
	if (fd < 0)
		return errno;
	link = bpf_raw_tracepoint_open(NULL, fd);
	id = errno;
	close(fd);
	if (link < 0)
		return id;
	close(link);
	return 0;
}

/* Since 7.0 tracepoints are left under SRCU-fast with preemption on. Until 6.12 a lock of that name
 * was for idle CPUs only, and bpf_local_irq_save (6.14) had not come yet. */
static bool tracepoints_preempt(const struct kcaps *caps, const struct kbtf *btf)
{
	if (caps->version >= (7 << 16))
		return true;
	return has_function(btf, "bpf_local_irq_save") &&
	       kbtf_find(btf, "tracepoint_srcu_srcu_data", BTF_KIND_VAR) > 0;
}

static void probe_functions(struct kcaps *caps, const struct kbtf *btf)
{
	int accept = kbtf_parameters(btf, "inet_csk_accept");

	caps->has[KCAP_FN_INET_IO] = HAS_FUNCTIONS(btf, "inet_sendmsg", "inet6_sendmsg",
						   "inet_recvmsg", "inet6_recvmsg",
						   "sock_common_recvmsg");
	caps->has[KCAP_FN_SENDPAGE] = has_function(btf, "inet_sendpage");
	caps->has[KCAP_NO_SENDPAGE] = !caps->has[KCAP_FN_SENDPAGE];
	caps->has[KCAP_FN_PACKET] =
		HAS_FUNCTIONS(btf, "packet_sendmsg", "packet_recvmsg", "packet_release");
	caps->has[KCAP_FN_SPLICE_READ] = has_function(btf, "sock_splice_read");
	caps->has[KCAP_FN_RELEASE] = has_function(btf, "inet_release");
	caps->has[KCAP_FN_BIND] = HAS_FUNCTIONS(btf, "inet_bind", "inet6_bind");
	caps->has[KCAP_FN_CONNECT] = HAS_FUNCTIONS(btf, "tcp_v4_connect", "tcp_v6_connect");
	caps->has[KCAP_FN_CONSUME_UDP] = has_function(btf, "skb_consume_udp");
	caps->has[KCAP_FN_ACCEPT] = accept == 2;
	caps->has[KCAP_FN_ACCEPT_OLD] = accept == 4;
	caps->has[KCAP_FN_UDP] = HAS_FUNCTIONS(btf, "udp_sendmsg", "udpv6_sendmsg");
	caps->recvmsg_noblock = kbtf_parameters(btf, "udp_recvmsg") == 6;
}

/* A socket that is closed takes its storage out of the iteration (bpf_selem_unlink_nofail, 7.0),
 * and
 * __bpf_sk_storage_map_seq_show reads through the pointer that is NULL then: the kernel would oops
 * in our read. */
static bool storage_iter_is_safe(const struct kbtf *btf, unsigned int version)
{
	return version < (7 << 16) && kbtf_find(btf, "bpf_selem_unlink_nofail", BTF_KIND_FUNC) <= 0;
}

static void probe_btf(struct kcaps *caps)
{
	struct kbtf *btf = kbtf_load();

	if (!btf) {
		caps->btf_unread = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
		return;
	}
	caps->has[KCAP_BTF] = true;
	caps->has[KCAP_TP_SOCK_LENGTH] = has_tracepoint(btf, "sock_send_length") &&
					 has_tracepoint(btf, "sock_recv_length");
	caps->has[KCAP_TP_TCP_STATE] = has_tracepoint(btf, "inet_sock_set_state");
	caps->has[KCAP_TP_TCP_DESTROY] = has_tracepoint(btf, "tcp_destroy_sock");
	caps->has[KCAP_TP_TCP_RCVD] = has_tracepoint(btf, "tcp_rcv_space_adjust");
	caps->has[KCAP_ITERATORS] = kbtf_find(btf, "bpf_iter_task_file", BTF_KIND_FUNC) > 0 &&
				    kbtf_find(btf, "bpf_iter_bpf_sk_storage_map", BTF_KIND_FUNC) >
					    0;
	caps->has[KCAP_STORAGE_ITER] = storage_iter_is_safe(btf, caps->version);
	caps->tracing_error = try_attach(btf, "btf_trace_inet_sock_set_state", BTF_KIND_TYPEDEF,
					 BPF_TRACE_RAW_TP);
	caps->has[KCAP_TP_BTF] = !caps->tracing_error;
	caps->trampoline_error = try_attach(btf, "tcp_abort", BTF_KIND_FUNC, BPF_TRACE_FENTRY);
	caps->has[KCAP_TRAMPOLINES] = !caps->trampoline_error;
	caps->has[KCAP_SK_STORAGE] =
		HAS_FUNCTIONS(btf, "bpf_sk_storage_get_tracing", "bpf_get_socket_ptr_cookie");
	probe_functions(caps, btf);
	caps->fn_preempted = kernel_preempts();
	caps->tp_preempted = caps->fn_preempted && tracepoints_preempt(caps, btf);
	kbtf_free(btf);
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

static void probe_cgroup2(struct kcaps *caps)
{
	char path[4096];

	if (find_cgroup2(path, sizeof(path)))
		caps->cgroup_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (caps->cgroup_fd < 0)
		caps->cgroup_fd = limits_open_fs("cgroup2"); /* the hierarchy is always there */
	caps->has[KCAP_CGROUP2] = caps->cgroup_fd >= 0;
}

void kcaps_probe(struct kcaps *caps)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL); /* to be refused is an answer */

	memset(caps, 0, sizeof(*caps));
	caps->cgroup_fd = -1;
	probe_version(caps);
	probe_capabilities(caps);
	limits_probe(&caps->limits);
	probe_btf(caps);
	probe_cgroup2(caps);
	libbpf_set_print(print);
}

void kcaps_ask_kprobes(struct kcaps *caps)
{
	caps->kprobe_error = -probe_try();
	caps->has[KCAP_KPROBES] = !caps->kprobe_error;
}

#define LACKS(cap) (1U << KCAP_##cap)

bool kcaps_limit(struct kcaps *caps, const char *way)
{
	static const struct {
		const char *way;
		unsigned int lacks;
	} ways[] = {
		{"tracepoint", 0},
		{"lossy", 0},
		{"suspicious", 0},
		{"hurried", 0},
		{"twice", LACKS(STORAGE_ITER)},
		{"fexit", LACKS(TP_SOCK_LENGTH)},
		{"kprobe", LACKS(TP_SOCK_LENGTH) | LACKS(TRAMPOLINES)},
		{"kprobe-only", LACKS(TP_SOCK_LENGTH) | LACKS(TRAMPOLINES) | LACKS(CGROUP2)},
		{"degraded", LACKS(TP_SOCK_LENGTH) | LACKS(TRAMPOLINES) | LACKS(KPROBES)},
		{"no-cgroup", LACKS(CGROUP2)},
		{"no-trampoline", LACKS(TRAMPOLINES)},
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		if (strcmp(way, ways[i].way) != 0)
			continue;
		for (int cap = 0; cap < KCAP_COUNT; cap++)
			if (ways[i].lacks & 1U << cap)
				caps->has[cap] = false;
		if (!strcmp(way, "twice"))
			caps->tp_preempted = caps->fn_preempted = true;
		return true;
	}
	return false;
}

void kcaps_done(struct kcaps *caps)
{
	if (caps->cgroup_fd >= 0)
		close(caps->cgroup_fd);
	caps->cgroup_fd = -1;
}
