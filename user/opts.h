/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** The command line: one table gives parsing, help and usage. Constant once parsed. */
#ifndef OPTS_H
#define OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum exit_status {
	EXIT_OK = 0,
	EXIT_RUN = 1, /* something failed while running */
	EXIT_USAGE = 2,
	EXIT_PERMISSION = 3 /* not permitted, or the kernel cannot */
};

enum command {
	COMMAND_TOP,
	COMMAND_LOG,
	COMMAND_TRACE,
	COMMAND_WHO,
	COMMAND_CHECK,
	COMMAND_SELFTEST
};

struct filter;

enum { WHO_WORDS = 32 }; /* that `who` takes at once */

struct who_opts {
	const char *words[WHO_WORDS]; /* borrowed from argv: what is asked for */
	size_t word_count;
	bool quiet;        /* only pids */
	bool watch;        /* follow what happens, until interrupted */
	bool given;        /* an option that only `who` has was given */
	const char *bind;  /* borrowed; whether this could be bound; NULL = not asked */
	const char *netns; /* borrowed; in which network namespace; NULL = ours */
	bool reuseaddr, reuseport, v6only;
};

struct opts {
	enum command command;
	uint64_t delay_ns;
	uint64_t iterations; /* 0 = until interrupted */
	bool verbose;
	bool own_cost;
	uint64_t cpu_budget;   /* billionths of a core; 0 = no limit */
	bool batch;            /* tables as text instead of the live view */
	const char *sort;      /* borrowed from argv; key of a column or NULL */
	unsigned int tables;   /* bits of enum table_kind to show; 0 = default */
	int view;              /* enum table_kind; the first of these */
	const char *output;    /* borrowed; `-` = stdout */
	const char *format;    /* borrowed; NULL = the usual one of the command */
	int by;                /* enum record_kind: what rows of the log are */
	int schema;            /* enum schema of the log */
	unsigned int events;   /* of the trace: bits 1 << enum trace_kind; 0 = all */
	bool all;              /* the log has rows in which nothing happened, too */
	uint32_t top;          /* rows of an interval of the log; 0 = all */
	uint64_t rotate_bytes; /* of a file; 0 = it grows */
	uint32_t rotate_keep;  /* files besides */
	int color;             /* enum term_color */
	bool ascii;
	uint32_t ring_bytes;   /* 0 = default */
	uint32_t accounts;     /* 0 = default */
	const char *hooks;     /* borrowed; way of kcaps_limit or NULL */
	struct filter *filter; /* owned by the caller; NULL = none */
	struct who_opts who;
};

/** Fill @opts. Prints help or version and exits 0, or one line of error and exits EXIT_USAGE. */
void opts_parse(struct opts *opts, int argc, char **argv);

#endif
