/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sockwatch: top for sockets. The map, in the order in which a record travels:
 *
 *   include/sockwatch_abi.h       records, settings and limits that kernel and user space share
 *   vmlinux/vmlinux.h             the kernel's types, as far as we read them
 *   include/who_abi.h             the same of a census
 *   bpf/sockwatch.bpf.c           entry points, in the order of a socket's life
 *       sock.bpf.h                struct sock and task_struct into flows and accounts
 *       account.bpf.h             bytes of a call to the account of its process: the hot path
 *       stash.bpf.h               peers of UDP calls under way, from hook to hook
 *       meter.bpf.h               bytes that no call told of: TCP sockets' own counters
 *       life.bpf.h                connect, accept, listen, bind, states, close
 *       cgroup.bpf.h              the contexts of programs on cgroups
 *       compat.bpf.h              kernel differences, each with its commit
 *       kprobe.bpf.h              calls and registers, where nothing better sees them
 *       packet.bpf.h              UDP where calls are not seen
 *       store.bpf.h               where the state of a socket is kept
 *       emit.bpf.h, maps.bpf.h    records and loss; maps and variables
 *       look.bpf.h, again.bpf.h   second and third programs where the kernel skips the first
 *       sweep.bpf.h               iterators: open before the start, left over when quiet
 *       detail.bpf.h              iterators: one socket in detail, and who holds it
 *   bpf/who.bpf.c                 sockets as they are now: nothing attached, run when asked
 *       who_sock.bpf.h            kernel structs into records
 *       who_walk.bpf.h            over the hash tables of TCP and UDP, and who waits on a socket
 *       who_iter.bpf.h            over open files and tasks
 *       who_bind.bpf.h            calls of bind(), while a port is watched
 *   user/capture/                 where events come from
 *       source.h                  live, file or test: one small interface
 *       live                      load, attach, drain, sweep; the only one to see the skeleton
 *       kcaps, kbtf, hooks        what the kernel can; its functions by name; which hook serves
 *                                 which purpose
 *       progs                     what the kernel knows of our programs: their time, skipped runs
 *       attach, probes            loaded programs to their places; kprobes that are gone with us
 *       looks                     further programs of one place: which, in what order, lost calls
 *       settings                  what the programs are told of what was chosen
 *       limits, needs             what may stand in the way; what it takes to run, told apart
 *       details, iter             the one socket that somebody looks at; how iterators are read
 *       decode, uses              records into events; last totals of each use of a socket
 *       host                      clocks, name, own cost
 *       census, census_parts,     sockets and holders of this moment, all namespaces; the same
 *       census_proc               without privilege
 *   user/event/                   what happened
 *       event, addr, detail       the one type that crosses layers; endpoints; one socket
 *       census                    tables of sockets and who holds them, at one moment
 *   user/identity/                who it was
 *       ident, passwd, service,   the stage that adds names of users, services and control groups
 *       cgroup
 *       process, netns            what /proc and control groups say of one process; names of
 *                                 namespaces
 *   user/model/                   what it adds up to
 *       model, state.h            events into tables: connections, their groups, failures
 *       conn, group, cookies      rows of connections; of their groups; rows of a socket
 *       key, failure              what makes a group: processes, ports, peers ...; failures
 *       table, changes            bounded rows, oldest out; which of them changed
 *       counters, list.h          bytes and rates; lists
 *       match                     sums of what matches a filter, or is gone into
 *       users, names              processes of a group; names of users and services
 *       column, cell, order,      the table of columns; their texts; their orders; their values
 *       number
 *       view, tree                a table sorted and cut; processes with their connections
 *       sentence, history         a row in plain words; its rates of the last intervals
 *       filter, filter_parse,     which connections count: text into tests; the grammar
 *       filter_lex, filter_word,  tokens; the table of words, and what each asks of a row
 *       filter_value,             what stands behind a word
 *       filter_cgroup             control groups, units and containers
 *       cgroup_label              what the path of a control group says
 *       sink.h                    what a reader of the model is
 *   user/sink/                    who reads it
 *       log, pick                 the log: which rows of an interval become records
 *       trace, track              the trace: what happens, in the order of time; sockets that live
 *       journal                   what both have: numbers, first and last records
 *       field, value              the table of their fields; what is in these
 *       format, json, csv, plain, how they are written
 *       story
 *       text                      tables as text
 *   user/tui/                     the live view
 *       top                       the sink with keys
 *       ui, keys                  state; key -> action -> help line
 *       find, search, into        filter and search; which row has a text; the way into rows
 *       prompt, edit, hold        the line that is typed; the picture while paused
 *       layout, draw, header,     rectangles; model and state into a screen
 *       rows, help
 *       pane, facts               the details of a row; what the kernel tells of it, in words
 *       pen, graph                text line by line; bars
 *       screen, term              grid of cells; the terminal, the only one to see curses
 *   user/who/                     which process has this port
 *       target, answer            what is asked for; what of a census it is, and who holds it
 *       scene                     a census with names
 *       text, json                the answer for a person, for a program
 *       bound, stop               ways to be bound; how to stop who holds it
 *       watch                     events and censuses into the life of a port
 *       bind, bind_text           the kernel's rules of bind() over a census; in words
 *   user/traffic/                 known bytes, for selftest and tests/root
 *       traffic.h, cases          what a case is; the table of all
 *       forms, uring, ring        ways to send and receive; io_uring without a library
 *       tcp, life, udp, misc,     the other cases
 *       proc, load, crowd
 *       flow, net, parts.h        what cases are made of
 *       stage                     all cases, each in processes of its own
 *       tally                     what was moved against what was counted
 *   user/util/                    libc only: buf, fmt, hash, lines, num, output, phases, pool,
 *                                 text, unicode
 *   user/                         main (this), opts (command line), run (the loop), budget (length
 *                                 of intervals), check and report (what this kernel lets us
 *                                 see), who, watchport, whybind and place (which process has this
 *                                 port, what happens to it, why an address cannot be bound),
 *                                 opts_who, selftest and findings (known traffic, counted)
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "capture/host.h"
#include "capture/live.h"
#include "check.h"
#include "identity/service.h"
#include "model/filter.h"
#include "model/model.h"
#include "opts.h"
#include "run.h"
#include "selftest.h"
#include "sink/log.h"
#include "sink/text.h"
#include "sink/trace.h"
#include "tui/top.h"
#include "util/lines.h"
#include "util/phases.h"
#include "util/text.h"
#include "who.h"

static void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* One line on stderr; a path is anybody's text. */
static void complain(const char *fmt, ...)
{
	char text[LIVE_WHY * 4];
	va_list args;

	va_start(args, fmt);
	text_vformat(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "sockwatch: %s\n", text);
}

static struct sink *open_text(const struct opts *opts)
{
	struct text_options options = {.sort = opts->sort, .tables = opts->tables};

	return text_new(STDOUT_FILENO, &options);
}

/* Where the terminal cannot show the live view, the same tables as text are better than nothing. */
static struct sink *open_top(const struct opts *opts, struct run *run)
{
	struct top_options options = {
		.delay_ns = opts->delay_ns,
		.term = {.color = (enum term_color)opts->color, .ascii = opts->ascii},
		.sort = opts->sort,
		.table = (enum table_kind)opts->view,
		.own_cost = opts->own_cost,
		.service = service_port,
	};

	run->top = top_new(&options);
	if (run->top)
		return run->top;
	if (errno != ENOTTY && errno != ENODEV && errno != ENOENT)
		return NULL;
	complain("no live view (%s): tables as text, as with -b",
		 errno == ENOTTY ? "stdin is not a terminal"
				 : "TERM is unset, dumb or not known here");
	return open_text(opts);
}

static struct sink *open_log(const struct opts *opts, struct run *run)
{
	static char boot_id[64];
	struct log_options options = {
		.format = format_find(opts->format ? opts->format : "json"),
		.schema = (enum schema)opts->schema,
		.by = (enum record_kind)opts->by,
		.all = opts->all,
		.top = opts->top,
		.version = SOCKWATCH_VERSION,
		.boot_id = boot_id,
		.interval_ns = opts->delay_ns,
	};

	host_boot_id(boot_id, sizeof(boot_id));
	if (opts->sort)
		options.sort = column_find(log_table(options.by), opts->sort);
	return log_new(run->lines, &options);
}

static struct sink *open_trace(const struct opts *opts, struct run *run)
{
	static char boot_id[64];
	const struct trace_options options = {
		.format = format_find(opts->format ? opts->format : "text"),
		.schema = (enum schema)opts->schema,
		.kinds = opts->events ? opts->events : TRACE_ALL,
		.filter = opts->filter,
		.version = SOCKWATCH_VERSION,
		.boot_id = boot_id,
		.interval_ns = opts->delay_ns,
	};

	host_boot_id(boot_id, sizeof(boot_id));
	return trace_new(run->lines, &options);
}

static struct sink *open_sink(const struct opts *opts, struct run *run)
{
	if (opts->command == COMMAND_LOG)
		return open_log(opts, run);
	if (opts->command == COMMAND_TRACE)
		return open_trace(opts, run);
	if (opts->batch || !isatty(STDOUT_FILENO))
		return open_text(opts);
	return open_top(opts, run);
}

static int close_sink(struct sink *sink)
{
	return sink ? sink->ops->close(sink) : 0;
}

static bool has_lines(const struct opts *opts)
{
	return opts->command == COMMAND_LOG || opts->command == COMMAND_TRACE;
}

/* Where records go; tables and screens go to stdout. */
static bool open_lines(struct run *run, const struct opts *opts, char why[LIVE_WHY])
{
	struct lines_options options = {
		.path = opts->output,
		.rotate_bytes = opts->rotate_bytes,
		.keep = opts->rotate_keep,
	};

	run->output = strcmp(opts->output, "-") ? -1 : STDOUT_FILENO;
	run->name = run->output < 0 ? opts->output : "stdout";
	if (!has_lines(opts))
		return true;
	run->lines = lines_open(&options, why, LIVE_WHY);
	return run->lines != NULL;
}

/* What became of the last lines. */
static int close_lines(struct run *run)
{
	uint64_t dropped = 0;
	int err = lines_close(run->lines, &dropped);

	if (err == -ETIMEDOUT)
		complain("nobody reads %s: records dropped: %llu", run->name,
			 (unsigned long long)dropped);
	else if (err && dropped)
		complain("cannot write to %s: %s: records dropped: %llu", run->name, strerror(-err),
			 (unsigned long long)dropped);
	else if (err && err != -EPIPE)
		complain("cannot write to %s: %s", run->name, strerror(-err));
	else if (dropped && !err)
		complain("records dropped: %llu: %s could not be written fast enough",
			 (unsigned long long)dropped, run->name);
	return err;
}

/* Everything is open: run, and say what ended it. */
static int run_to_status(struct run *run, const struct opts *opts)
{
	int err = -ENOMEM, close_err, lines_err;

	run->model = model_new(NULL);
	if (run->model && opts->command != COMMAND_TRACE) /* which looks at all for holders */
		model_set_filter(run->model, opts->filter);
	run->sink = run->model ? open_sink(opts, run) : NULL;
	phases_end(run->phases, "output", host_boottime_ns());
	if (run->sink)
		err = run_loop(run);
	close_err = close_sink(run->sink);
	lines_err = close_lines(run);
	model_free(run->model);
	if (run->top)
		run_tell_start(run);
	if (!err)
		err = close_err;
	if (!err || lines_err)
		return err || lines_err ? EXIT_RUN : EXIT_OK;
	if (run->error || close_err)
		complain("cannot write to %s: %s", run->name, strerror(-err));
	else
		complain("%s", strerror(-err));
	return EXIT_RUN;
}

/* A descriptor for each map, program and link: what `ulimit -n` may be set below. */
static void raise_descriptor_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur == r.rlim_max)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

/* With one of these closed, the next file would take its place and get our messages. A closed
 * stdout stays one that cannot be written to. */
static void hold_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR);
}

int main(int argc, char **argv)
{
	char why[LIVE_WHY] = "";
	struct live_options live = {0};
	struct phases phases;
	struct run run = {0};
	struct opts opts;
	int err, status;

	phases_begin(&phases, host_boottime_ns());
	hold_standard_fds();
	raise_descriptor_limit();
	signal(SIGXFSZ, SIG_IGN); /* a limit of file size is an error of write like any other */
	setlocale(LC_ALL, "");
	opts_parse(&opts, argc, argv);
	if (opts.command == COMMAND_CHECK)
		return check_run(&opts);
	if (opts.command == COMMAND_WHO)
		return who_run(&opts);
	if (opts.command == COMMAND_SELFTEST)
		return selftest_run(&opts);
	run_block_signals(has_lines(&opts) && strcmp(opts.output, "-"));
	live.ring_bytes = opts.ring_bytes;
	live.accounts = opts.accounts;
	live.way = opts.hooks;
	live.phases = run.phases = opts.verbose ? &phases : NULL;
	err = live_open(&run.source, &live, why);
	if (err) {
		complain("%s", why);
		return live_is_shortage(err) ? EXIT_RUN : EXIT_PERMISSION;
	}
	if (!open_lines(&run, &opts, why)) {
		complain("%s", why);
		run.source->ops->close(run.source);
		return EXIT_RUN;
	}
	run.delay_ns = opts.delay_ns;
	run.iterations = opts.iterations;
	run.own_cost = opts.own_cost;
	run.cpu_budget = opts.cpu_budget;
	status = run_to_status(&run, &opts);
	run.source->ops->close(run.source);
	filter_free(opts.filter);
	return status;
}
