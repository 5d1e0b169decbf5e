/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/probes.h"

#include <ctype.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#define PMU "/sys/bus/event_source/devices/kprobe/"

/* The first number in a file; -1 = none. */
static int read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	int number = -1, c;

	if (!f)
		return -1;
	do
		c = getc(f);
	while (c != EOF && !isdigit(c));
	ungetc(c, f);
	if (fscanf(f, "%9d", &number) != 1)
		number = -1;
	fclose(f);
	return number;
}

/* Address of the kernel's own function, where a module has one of the same name (raw_sendmsg is in
 * can_raw too): `ffffffff81c0d2e0 t raw_sendmsg`, and ` [can_raw]` behind a module's. */
static uint64_t address_of(const char *function)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	uint64_t address = 0;
	char line[512];

	if (!f)
		return 0;
	while (!address && fgets(line, sizeof(line), f)) {
		unsigned long long at;
		char name[sizeof(line)];

		if (sscanf(line, "%llx %*c %511s", &at, name) == 2 && !strcmp(name, function) &&
		    !strchr(line, '['))
			address = at;
	}
	fclose(f);
	return address;
}

static int perf_open(struct perf_event_attr *attr)
{
	int fd = (int)syscall(SYS_perf_event_open, attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int probe_open(const char *function, bool at_return)
{
	int type = read_number(PMU "type");
	int bit = read_number(PMU "format/retprobe");
	struct perf_event_attr attr = {.size = sizeof(attr), .type = (uint32_t)type};
	int fd;

	if (type < 0 || bit < 0 || bit > 63)
		return -ENODEV;
	attr.config = at_return ? 1ULL << bit : 0;
	attr.kprobe_func = (uintptr_t)function;
	fd = perf_open(&attr);
	if (fd != -EADDRNOTAVAIL) /* several of that name */
		return fd;
	attr.kprobe_func = 0;
	attr.kprobe_addr = address_of(function);
	return attr.kprobe_addr ? perf_open(&attr) : -EADDRNOTAVAIL;
}

int probe_try(void)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int probe = probe_open("tcp_abort", false), prog, err = 0;

	if (probe < 0)
		return probe;
	prog = bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "GPL", insns, 2, NULL);
	if (prog < 0 || ioctl(probe, PERF_EVENT_IOC_SET_BPF, prog))
		err = -errno;
	if (prog >= 0)
		close(prog);
	close(probe);
	return err;
}
