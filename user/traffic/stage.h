/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * Runs all cases, each in processes of its own, and tells over a pipe what they moved.
 *
 * The stage is a process in a network namespace of its own where that is permitted. A run is one
 * case with one family; its number says which, see stage_run_of().
 */
#ifndef TRAFFIC_STAGE_H
#define TRAFFIC_STAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { STAGE_TEXT = 128, STAGE_ROLE = 12 };

enum stage_kind {
	STAGE_READY, /* netns, has_..., text: why it has no namespace of its own */
	STAGE_FLOW,  /* run, pid, cookie, tx, rx, role */
	STAGE_SKIP,  /* run, text: why */
	STAGE_FAIL,  /* run, text: what went wrong */
	STAGE_END,   /* run: nothing more of it will come */
	STAGE_DONE,  /* all runs have ended */
};

struct stage_message {
	uint32_t kind; /* enum stage_kind */
	uint32_t run;
	uint32_t pid; /* in the pid namespace of the stage */
	uint32_t netns;
	uint64_t cookie;
	uint64_t tx, rx;                            /* bytes */
	bool has_own_netns, has_loopback, has_ipv6; /* without loopback no run is made */
	char role[STAGE_ROLE];
	char text[STAGE_TEXT]; /* one line; may hold anything */
};

struct stage {
	pid_t pid;
	int fd; /* owned; messages can be read, O_NONBLOCK */
	int go; /* owned */
};

/** Which case and family a run is; false: there is no such run. */
bool stage_run_of(unsigned int run, const char **name, int *family);

/** Start the process; it waits for stage_go(). Each case may take @limit_s, but not all of them.
 *  0 or -errno. */
int stage_open(struct stage *stage, unsigned int limit_s);
/** Let it begin. Cases that have one of the flags (enum traffic_flags) in @unseen are skipped: the
 *  capture does not see what they do. 0 or -errno. */
int stage_go(struct stage *stage, uint32_t unseen);
/** The next message: 1, 0 (none yet), -EPIPE (it has ended) or another -errno. */
int stage_read(struct stage *stage, struct stage_message *msg);
/** End it and what it runs; with a @stage that is all 0 nothing happens. */
void stage_close(struct stage *stage);

#endif
