/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/host.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DEFAULT_EPHEMERAL_MIN = 32768, DEFAULT_EPHEMERAL_MAX = 60999 };

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t host_boottime_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

uint64_t host_wall_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

uint64_t host_cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t host_rss_bytes(void)
{
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	unsigned long pages = 0;
	char text[128];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, "%*u %lu", &pages) != 1)
		return 0;
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void host_event(struct event *ev, uint64_t now_ns)
{
	unsigned int min = DEFAULT_EPHEMERAL_MIN, max = DEFAULT_EPHEMERAL_MAX;
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");

	memset(ev, 0, sizeof(*ev));
	ev->kind = EVENT_HOST;
	ev->time_ns = now_ns;
	if (f) {
		if (fscanf(f, "%u %u", &min, &max) != 2 || max > UINT16_MAX || min > max) {
			min = DEFAULT_EPHEMERAL_MIN;
			max = DEFAULT_EPHEMERAL_MAX;
		}
		fclose(f);
	}
	ev->host.ephemeral_min = (uint16_t)min;
	ev->host.ephemeral_max = (uint16_t)max;
	if (gethostname(ev->host.name, sizeof(ev->host.name) - 1))
		ev->host.name[0] = '\0';
}

void host_boot_id(char *dst, size_t size)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	dst[0] = '\0';
	if (!f)
		return;
	if (!fgets(dst, (int)size, f))
		dst[0] = '\0';
	dst[strcspn(dst, "\n")] = '\0';
	fclose(f);
}
