/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/progs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

void progs_init(struct progs *p)
{
	memset(p, 0, sizeof(*p));
	p->stats = -1;
}

void progs_done(struct progs *p)
{
	if (p->stats >= 0)
		close(p->stats);
	p->stats = -1;
	p->count = 0;
}

void progs_add(struct progs *p, int fd, enum prog_role role)
{
	if (p->count == PROGS_MAX)
		return;
	p->roles[p->count] = role;
	p->fds[p->count++] = fd;
}

/* The kernel's counters of all programs, of those in callers for runs and time. */
static void read_counters(struct progs *p, uint64_t *runs, uint64_t *ns)
{
	*runs = *ns = p->missed = 0;
	for (size_t i = 0; i < p->count; i++) {
		struct bpf_prog_info info = {0};
		__u32 len = sizeof(info);

		if (bpf_obj_get_info_by_fd(p->fds[i], &info, &len))
			continue;
		p->missed += info.recursion_misses;
		if (p->roles[i] == PROG_IN_CALLERS)
			*runs += info.run_cnt;
		if (p->roles[i] != PROG_IN_READS)
			*ns += info.run_time_ns;
	}
}

void progs_read(struct progs *p, uint64_t now_ns)
{
	uint64_t runs, ns;

	read_counters(p, &runs, &ns);
	if (p->stats < 0)
		return;
	p->runs += runs - p->seen_runs;
	p->ns += ns - p->seen_ns;
	p->counted_ns += now_ns - p->since_ns;
	p->seen_runs = runs;
	p->seen_ns = ns;
	p->since_ns = now_ns;
}

int progs_measure(struct progs *p, bool on, uint64_t now_ns)
{
	if (on == (p->stats >= 0))
		return 0;
	if (!on) {
		progs_read(p, now_ns);
		close(p->stats);
		p->stats = -1;
		return 0;
	}
	p->stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (p->stats < 0)
		return -errno;
	read_counters(p, &p->seen_runs, &p->seen_ns);
	p->since_ns = now_ns;
	return 0;
}
