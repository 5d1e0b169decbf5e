/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/iter.h"

#include <errno.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

int iter_read(const struct bpf_link *link, char *buffer, size_t size, iter_fn *fn, void *arg)
{
	int fd = bpf_iter_create(bpf_link__fd(link)), err = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	for (;;) {
		n = read(fd, buffer, ITER_BYTES);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			break;
		for (size_t at = 0; at < (size_t)n; at += size) {
			size_t left = (size_t)n - at;

			fn(buffer + at, left < size ? left : size, arg);
		}
	}
	if (n < 0)
		err = -errno;
	close(fd);
	return err;
}
