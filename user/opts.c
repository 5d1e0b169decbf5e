/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "opts.h"

#include <argp.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/live.h"
#include "identity/service.h"
#include "model/column.h"
#include "model/filter.h"
#include "opts_who.h"
#include "sink/log.h"
#include "sink/trace.h"
#include "tui/term.h"
#include "util/buf.h"
#include "util/num.h"
#include "util/text.h"

enum { /* options without a letter */
       OPT_ONCE = 0x100,
       OPT_VIEW,
       OPT_COLOR,
       OPT_OWN_COST,
       OPT_CPU_BUDGET,
       OPT_ASCII,
       OPT_RING_SIZE,
       OPT_ACCOUNTS,
       OPT_HOOKS,
       OPT_BY,
       OPT_TOP,
       OPT_ALL,
       OPT_CHANGED,
       OPT_SCHEMA,
       OPT_ROTATE_SIZE,
       OPT_ROTATE_KEEP,
       OPT_NEW,
       OPT_CLOSED,
       OPT_FAILED,
       OPT_LISTENING,
};

enum { DEFAULT_KEEP = 5, MAX_KEEP = 1000, HELP_BYTES = 32768 };

static const uint64_t MIN_DELAY_NS = 100000000, MAX_DELAY_NS = 3600000000000,
		      DEFAULT_DELAY_NS = 1000000000, TRACE_DELAY_NS = 200000000; /* so late is what
										    happened told */
static const uint64_t MIN_BUDGET = 100000, MAX_BUDGET = 1000000000; /* billionths of a core */

static const struct argp_option table[] = {
	{"delay", 'd', "SECS", 0, "Refresh every SECS seconds, 0.1 to 3600 (default 1; trace 0.2)",
	 0},
	{"iterations", 'n', "N", 0, "Stop after N refreshes", 0},
	{"batch", 'b', NULL, 0, "Tables as text on stdout; implied when it is no terminal", 0},
	{"once", OPT_ONCE, NULL, 0, "Same as -b -n 1", 0},
	{"sort", 's', "KEY", 0,
	 "Sort by a column: tx, rx, txtotal, rxtotal, pid, name, ...; "
	 "`help` lists them",
	 0},
	{"view", OPT_VIEW, "NAME", 0,
	 "Begin with a view, or print some: processes, ports, connections, listeners, peers, "
	 "users, units, netns, failures; with -b several, as in `users,peers`, or `all`",
	 0},
	{"filter", 'F', "EXPR", 0,
	 "Only connections that match, as FILTER: `tcp and port 443 and not proc nginx`; "
	 "`help` lists the words",
	 0},
	{"format", 'f', "FORMAT", 0,
	 "log: json (default), csv, text; trace: text (default), json, csv; "
	 "who, check, selftest: json",
	 0},
	{"output", 'o', "FILE", 0, "log, trace: append to FILE; - is stdout (default)", 0},
	{"by", OPT_BY, "WHAT", 0,
	 "log: a record for each connection (default), process, port, peer, or one for the total",
	 0},
	{"top", OPT_TOP, "N", 0,
	 "log: at most N records an interval, by --sort or bytes; the rest in `other`", 0},
	{"all", OPT_ALL, NULL, 0, "log: also what is idle; --changed (default) leaves it out", 0},
	{"changed", OPT_CHANGED, NULL, 0, "log: only what moved bytes or changed state", 0},
	{"schema", OPT_SCHEMA, "NAME", 0, "log, trace: names of fields: otel (default) or ecs", 0},
	{"new", OPT_NEW, NULL, 0, "trace: connect, established, accept", 0},
	{"closed", OPT_CLOSED, NULL, 0, "trace: close, reset", 0},
	{"failed", OPT_FAILED, NULL, 0, "trace: connects and binds that failed", 0},
	{"listening", OPT_LISTENING, NULL, 0, "trace: listen, bind", 0},
	{"rotate-size", OPT_ROTATE_SIZE, "BYTES", 0,
	 "log, trace: FILE becomes FILE.1 before it is larger; K, M, G can follow", 0},
	{"rotate-keep", OPT_ROTATE_KEEP, "N", 0, "log, trace: keep FILE.1 to FILE.N (default 5)",
	 0},
	{"verbose", 'v', NULL, 0,
	 "How long the start took, by step; who: every process and connection; selftest: "
	 "every flow",
	 0},
	{"own-cost", OPT_OWN_COST, NULL, 0,
	 "Show what sockwatch itself costs, its programs included (key i)", 0},
	{"cpu-budget", OPT_CPU_BUDGET, "PCT", 0,
	 "Use at most PCT percent of a core, 0.01 to 100: refresh less often if need be", 0},
	{"color", OPT_COLOR, "WHEN", 0, "auto, always or never; NO_COLOR is honoured", 0},
	{"ascii", OPT_ASCII, NULL, 0, "No characters beyond ASCII in the live view", 0},
	{"ring-size", OPT_RING_SIZE, "BYTES", OPTION_HIDDEN, NULL, 0},
	{"accounts", OPT_ACCOUNTS, "N", OPTION_HIDDEN, NULL, 0},
	{"hooks", OPT_HOOKS, "WAY", OPTION_HIDDEN, NULL, 0},
	{NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1},
	{0},
};

static const char doc[] =
	"top for sockets: exact bytes and connections per process, port and connection.\v"
	"FILTER is in the language of sockwatch-filter(7), for the live view; others take -F.\n"
	"\n"
	"Commands:\n"
	"  top       the live view; the default\n"
	"  log       one record a line for each socket and process that moved bytes or\n"
	"            changed state in an interval\n"
	"  trace     one record a line for each thing that happens: connect, accept,\n"
	"            listen, bind, close, and what fails of it, and why\n"
	"  who       which process has a port: who [PORT | ADDR:PORT | PROTO/PORT |\n"
	"            SERVICE | pid:N | NAME]...; all listeners without one; exit status\n"
	"            0 found, 1 nothing there\n"
	"  check     what is missing to run, what is seen on this kernel, by which\n"
	"            hooks; exit status 0 only if everything is exact, 1 if something\n"
	"            is not, 3 if nothing can be seen\n"
	"  selftest  send known traffic of every kind, compare with what was counted;\n"
	"            exit status 0 only if every supported kind is exact\n"
	"\n"
	"Exit status: 0 ok, 1 failed while running, 2 wrong usage, 3 not permitted\n"
	"or the kernel cannot. Needs root, or CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN.";

static void print_version(FILE *f, struct argp_state *state)
{
	(void)state;
	fprintf(f, "sockwatch %s (libbpf %s)\n", SOCKWATCH_VERSION, live_library_version());
}

static void refuse(const struct argp_state *state, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* argp_error for text that may be anybody's: what a terminal would obey is shown as an escape. */
static void refuse(const struct argp_state *state, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	text_vformat(text, sizeof(text), fmt, args);
	va_end(args);
	argp_error(state, "%s", text);
}

/* What is read on the way to struct opts. */
struct parse {
	struct opts *opts;
	const char *expression; /* of -F; borrowed */
	bool named;             /* a command was */
	bool log_option;        /* one that only a log has was given */
	bool file_option;       /* one that a log and a trace have */
	struct buf words;       /* the arguments that are a filter, with blanks between them */
};

static void list_filter_words(void)
{
	struct filter_word_info word;

	for (size_t i = 0; filter_word(i, &word); i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s %s", word.names, word.value ? word.value : "");
		printf("%-36s %s\n", text, word.help);
	}
	exit(EXIT_OK);
}

static void list_sort_keys(void)
{
	for (int i = 0; i < COLUMN_COUNT; i++)
		printf("%-10s %s\n", columns[i].key, columns[i].help);
	exit(EXIT_OK);
}

static void parse_sort(struct opts *opts, const char *arg, struct argp_state *state)
{
	bool found = false;

	if (!strcmp(arg, "help"))
		list_sort_keys();
	for (int i = 0; i < TABLE_COUNT; i++)
		found |= column_find((enum table_kind)i, arg) != NULL;
	if (!found)
		refuse(state, "no column `%s` to sort by (--sort help lists them)", arg);
	opts->sort = arg;
}

static uint64_t parse_u64(const char *arg, const char *name, uint64_t min, uint64_t max,
			  struct argp_state *state)
{
	uint64_t v = 0;

	if (num_u64(arg, min, max, &v))
		refuse(state, "%s takes a whole number from %llu to %llu, not `%s`", name,
		       (unsigned long long)min, (unsigned long long)max, arg);
	return v;
}

/* As enum record_kind has them. */
static const char *const by[] = {"connection", "process", "port", "peer", "total", NULL};

/* Where @arg is in @names, which are ended by NULL; refused if it is not. */
static int parse_choice(const char *arg, const char *name, const char *const *names,
			struct argp_state *state)
{
	char all[128] = "";

	for (int i = 0; names[i]; i++) {
		size_t len = strlen(all);

		if (!strcmp(arg, names[i]))
			return i;
		snprintf(all + len, sizeof(all) - len, "%s%s", i ? ", " : "", names[i]);
	}
	refuse(state, "%s `%s` is not known (%s)", name, arg, all);
	return 0;
}

static void parse_log_option(struct opts *opts, int key, const char *arg, struct argp_state *state)
{
	static const char *const schemas[] = {"otel", "ecs", NULL};

	switch (key) {
	case OPT_BY:
		opts->by = parse_choice(arg, "--by", by, state);
		break;
	case OPT_TOP:
		opts->top = (uint32_t)parse_u64(arg, "--top", 1, 1 << 24, state);
		break;
	case OPT_SCHEMA:
		opts->schema = parse_choice(arg, "--schema", schemas, state);
		break;
	case OPT_ROTATE_SIZE:
		if (num_bytes(arg, 4096, UINT64_MAX / 2, &opts->rotate_bytes))
			refuse(state, "--rotate-size takes bytes from 4K on, as 100M, not `%s`",
			       arg);
		break;
	case OPT_ROTATE_KEEP:
		opts->rotate_keep = (uint32_t)parse_u64(arg, "--rotate-keep", 1, MAX_KEEP, state);
		break;
	default:
		opts->all = key == OPT_ALL;
	}
}

/* `users`, `users,peers`, `all` */
static void parse_views(struct opts *opts, const char *arg, struct argp_state *state)
{
	opts->tables = 0;
	for (const char *at = arg; at; at = strchr(at, ','), at += at != NULL) {
		enum table_kind kind;
		char key[32];

		snprintf(key, sizeof(key), "%.*s", (int)strcspn(at, ","), at);
		kind = table_by_key(key);
		if (!strcmp(arg, "all")) {
			opts->view = TABLE_PROCESSES;
			opts->tables = (1U << TABLE_COUNT) - 1;
			return;
		}
		if (kind == TABLE_COUNT)
			refuse(state,
			       "no view `%s` (processes, ports, connections, listeners, peers, "
			       "users, units, netns, failures)",
			       key);
		if (!opts->tables)
			opts->view = (int)kind;
		opts->tables |= 1U << kind;
	}
}

static void parse_color(struct opts *opts, const char *arg, struct argp_state *state)
{
	static const char *const when[] = {"auto", "always", "never"};

	for (int i = 0; i < 3; i++)
		if (!strcmp(arg, when[i])) {
			opts->color = i;
			return;
		}
	refuse(state, "--color takes auto, always or never, not `%s`", arg);
}

static void parse_ring_size(struct opts *opts, const char *arg, struct argp_state *state)
{
	uint64_t bytes = 0;

	if (num_bytes(arg, 4096, 1 << 30, &bytes) || bytes & (bytes - 1))
		refuse(state, "--ring-size takes a power of two from 4K to 1G, not `%s`", arg);
	opts->ring_bytes = (uint32_t)bytes;
}

static const char *const commands[] = {
	[COMMAND_TOP] = "top", [COMMAND_LOG] = "log",     [COMMAND_TRACE] = "trace",
	[COMMAND_WHO] = "who", [COMMAND_CHECK] = "check", [COMMAND_SELFTEST] = "selftest",
};

/* Commands that write records. */
static bool is_records(enum command command)
{
	return command == COMMAND_LOG || command == COMMAND_TRACE;
}

/* The first word may be a command; all others are a filter. */
static void parse_word(struct parse *p, const char *arg, struct argp_state *state)
{
	for (size_t i = 0; !state->arg_num && i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(arg, commands[i])) {
			p->opts->command = (enum command)i;
			p->named = true;
			return;
		}
	if (p->opts->who.word_count < WHO_WORDS)
		p->opts->who.words[p->opts->who.word_count++] = arg;
	else if (p->opts->command == COMMAND_WHO)
		refuse(state, "who takes at most %d words", WHO_WORDS);
	if (p->words.len)
		buf_putc(&p->words, ' ');
	buf_puts(&p->words, arg);
}

/* One line, since it says where and what. */
static void refuse_filter(const struct parse *p, const struct filter_error *e)
{
	bool command = p->words.len && !p->named && !strchr(p->words.data, ' ');

	fprintf(stderr, "sockwatch: filter: %s%s\n", e->message,
		command ? " (commands are top, log, trace, who, check, selftest)" : "");
	exit(EXIT_USAGE);
}

static void parse_filter(struct parse *p, struct argp_state *state)
{
	const char *text = p->words.len ? p->words.data : p->expression;
	enum command command = p->opts->command;
	struct filter_error error;

	if (command == COMMAND_WHO && !p->expression)
		return; /* the words are not a filter */
	if (p->words.len && command != COMMAND_TOP && command != COMMAND_WHO)
		refuse(state, "one argument too many: `%s`%s", text,
		       is_records(command) ? " (a filter goes with -F)" : "");
	if (text && command != COMMAND_TOP && !is_records(command))
		refuse(state, "--filter belongs to the live view, `sockwatch log` and `trace`");
	if (p->words.len && p->expression)
		refuse(state, "a filter as arguments and one with --filter: only one can be");
	if (!text)
		return;
	p->opts->filter = filter_new(text, service_port, &error);
	if (!p->opts->filter)
		refuse_filter(p, &error);
}

static void check_format(const struct opts *opts, struct argp_state *state)
{
	static const char *const log[] = {"json", "csv", "text", NULL}, *const other[] = {"json",
											  NULL};

	if (opts->format)
		parse_choice(opts->format, "format", is_records(opts->command) ? log : other,
			     state);
}

/* What of a log can only be with something else. */
static void check_log(const struct parse *p, struct argp_state *state)
{
	const struct opts *opts = p->opts;

	if (p->log_option && opts->command != COMMAND_LOG)
		refuse(state, "--by, --top, --all and --changed belong to `sockwatch log`");
	if (p->file_option && !is_records(opts->command))
		refuse(state, "--schema and --rotate-... belong to `sockwatch log` and `trace`");
	if (opts->events && opts->command != COMMAND_TRACE)
		refuse(state, "--new, --closed, --failed and --listening belong to "
			      "`sockwatch trace`");
	if (opts->rotate_keep && !opts->rotate_bytes)
		refuse(state, "--rotate-keep needs --rotate-size");
	if (opts->rotate_bytes && (!opts->output || !strcmp(opts->output, "-")))
		refuse(state, "--rotate-size needs a file: --output");
	if (opts->command == COMMAND_LOG && opts->sort && !opts->top)
		refuse(state, "--sort goes with `sockwatch log` only if there is --top");
	if (opts->command == COMMAND_LOG && opts->sort &&
	    !column_find(log_table((enum record_kind)opts->by), opts->sort))
		refuse(state, "no column `%s` to sort records by --by %s", opts->sort,
		       by[opts->by]);
}

/* The command may stand behind its options, so only at the end is it known what goes with it. */
static void check_command(const struct opts *opts, struct argp_state *state)
{
	const char *name = commands[opts->command];

	if (!is_records(opts->command) && opts->output)
		refuse(state, "--output belongs to `sockwatch log` and `trace`");
	if (opts->command == COMMAND_TOP && opts->format)
		refuse(state, "--format belongs to `sockwatch log`, `trace`, `who`, `check` and "
			      "`selftest`");
	if (opts->command != COMMAND_WHO && opts->who.given)
		refuse(state, "--quiet, --bind and what goes with it belong to `sockwatch who`");
	if (opts->command != COMMAND_TOP &&
	    (opts->batch || opts->tables || (opts->sort && opts->command != COMMAND_LOG)))
		refuse(state, "%s does not go with `sockwatch %s`",
		       opts->sort     ? "--sort"
		       : opts->tables ? "--view"
				      : "--batch (or --once)",
		       name);
	if ((opts->own_cost || opts->cpu_budget) && opts->command != COMMAND_TOP &&
	    !is_records(opts->command))
		refuse(state, "%s does not go with `sockwatch %s`",
		       opts->own_cost ? "--own-cost" : "--cpu-budget", name);
	if (opts->verbose && opts->command == COMMAND_CHECK)
		refuse(state, "--verbose does not go with `sockwatch check`");
}

/* Options without an argument. False if @key is none of them. */
static bool parse_flag(struct opts *opts, int key)
{
	bool *flag = key == 'b'            ? &opts->batch
		     : key == 'v'          ? &opts->verbose
		     : key == OPT_OWN_COST ? &opts->own_cost
		     : key == OPT_ASCII    ? &opts->ascii
					   : NULL;
	unsigned int event = key == OPT_NEW         ? TRACE_NEW
			     : key == OPT_CLOSED    ? TRACE_CLOSED
			     : key == OPT_FAILED    ? TRACE_FAILED
			     : key == OPT_LISTENING ? TRACE_LISTENING
						    : 0;

	if (flag)
		*flag = true;
	opts->events |= event;
	return flag || event;
}

/* Options of `log` and `trace` alone. False if @key is none of them. */
static bool parse_record_option(struct parse *p, int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case OPT_BY:
	case OPT_TOP:
	case OPT_ALL:
	case OPT_CHANGED:
		p->log_option = true;
		break;
	case OPT_SCHEMA:
	case OPT_ROTATE_SIZE:
	case OPT_ROTATE_KEEP:
		p->file_option = true;
		break;
	default:
		return false;
	}
	parse_log_option(p->opts, key, arg, state);
	return true;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct parse *p = state->input;
	struct opts *opts = p->opts;

	if (parse_flag(opts, key) || parse_record_option(p, key, arg, state))
		return 0;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &opts->who;
		return 0;
	case 'd':
		if (num_seconds(arg, MIN_DELAY_NS, MAX_DELAY_NS, &opts->delay_ns))
			refuse(state, "--delay takes seconds from 0.1 to 3600, not `%s`", arg);
		return 0;
	case 'n':
		opts->iterations = parse_u64(arg, "--iterations", 1, UINT32_MAX, state);
		return 0;
	case OPT_ONCE:
		opts->iterations = 1;
		opts->batch = true;
		return 0;
	case 's':
		parse_sort(opts, arg, state);
		return 0;
	case OPT_VIEW:
		parse_views(opts, arg, state);
		return 0;
	case 'F':
		if (!strcmp(arg, "help"))
			list_filter_words();
		p->expression = arg;
		return 0;
	case 'f':
		opts->format = arg;
		return 0;
	case 'o':
		opts->output = arg;
		return 0;
	case OPT_COLOR:
		parse_color(opts, arg, state);
		return 0;
	case OPT_CPU_BUDGET:
		if (num_percent(arg, MIN_BUDGET, MAX_BUDGET, &opts->cpu_budget))
			refuse(state, "--cpu-budget takes percent from 0.01 to 100, not `%s`", arg);
		return 0;
	case OPT_RING_SIZE:
		parse_ring_size(opts, arg, state);
		return 0;
	case OPT_ACCOUNTS:
		opts->accounts = (uint32_t)parse_u64(arg, "--accounts", 1, 1 << 24, state);
		return 0;
	case OPT_HOOKS:
		opts->hooks = arg;
		return 0;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return 0;
	case ARGP_KEY_ARG:
		parse_word(p, arg, state);
		return 0;
	case ARGP_KEY_END:
		check_command(opts, state);
		check_format(opts, state);
		check_log(p, state);
		parse_filter(p, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* getopt prints an option that it does not know as it is. */
static void refuse_hostile_options(int argc, char **argv)
{
	char clean[4096];

	for (int i = 1; i < argc; i++) {
		text_sanitize(clean, sizeof(clean), argv[i], strlen(argv[i]));
		if (argv[i][0] != '-' || !strncmp(clean, argv[i], strlen(clean)))
			continue;
		fprintf(stderr,
			"sockwatch: unrecognized option '%s'\n"
			"Try `sockwatch --help' or `sockwatch --usage' for more information.\n",
			clean);
		exit(EXIT_USAGE);
	}
}

/* argp ends the program after its help, whether it could be written or not. */
static void flush_stdout(void)
{
	int err = fflush(stdout) ? errno : ferror(stdout) ? EIO : 0;

	if (!err)
		return;
	fprintf(stderr, "sockwatch: cannot write to stdout: %s\n", strerror(err));
	_exit(EXIT_RUN);
}

void opts_parse(struct opts *opts, int argc, char **argv)
{
	static char help[HELP_BYTES]; /* glibc takes no size without a buffer */
	static const struct argp_child children[] = {{.argp = &opts_who_argp}, {0}};
	static const struct argp argp = {
		table, parse_option, "[COMMAND] [FILTER...]", doc, children, NULL, NULL};
	struct parse parse = {.opts = opts};
	char **args = calloc((size_t)argc + 1, sizeof(*args)); /* ours to put in order and to name
								*/

	*opts = (struct opts){.color = TERM_COLOR_AUTO};
	/* all of the help at once, so that why it cannot be written is still known at the end */
	setvbuf(stdout, help, _IOFBF, sizeof(help));
	atexit(flush_stdout);
	argp_err_exit_status = EXIT_USAGE;
	argp_program_version_hook = print_version;
	if (!args) {
		fprintf(stderr, "sockwatch: out of memory\n");
		exit(EXIT_RUN);
	}
	memcpy(args, argv, (size_t)argc * sizeof(*args));
	refuse_hostile_options(argc, argv);
	args[0] = (char *)"sockwatch"; /* getopt's messages begin with it, whatever the path */
	argp_parse(&argp, argc, args, 0, NULL, &parse);
	buf_done(&parse.words);
	free(args);
	if (!opts->delay_ns)
		opts->delay_ns = opts->command == COMMAND_TRACE ? TRACE_DELAY_NS : DEFAULT_DELAY_NS;
	if (!opts->output)
		opts->output = "-";
	if (opts->rotate_bytes && !opts->rotate_keep)
		opts->rotate_keep = DEFAULT_KEEP;
}
