/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The command line, parsed in a child as parsing may end the process. */
#include "opts.h"
#include "sink/trace.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/column.h"
#include "model/filter.h"

enum { MAX_ARGS = 40, TEXT = 16384 };

/* What a child leaves; in memory that it shares with us. */
struct outcome {
	struct opts opts; /* texts are those of our own arguments */
	bool returned;    /* from opts_parse */
	char filter[512]; /* its text, or nothing */
};

static struct outcome *outcome;
static char *args[MAX_ARGS];
static int arg_count, status;
static char out[TEXT], err[TEXT];

static int set_up(void **state)
{
	(void)state;
	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	return outcome == MAP_FAILED ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	while (arg_count)
		free(args[--arg_count]);
	return munmap(outcome, sizeof(*outcome));
}

/* `log -d 1` as sockwatch would get it; words have no blanks in them. */
static void split(const char *line)
{
	char copy[512], *rest = copy, *word;

	while (arg_count)
		free(args[--arg_count]);
	args[arg_count++] = strdup("sockwatch");
	assert_true(snprintf(copy, sizeof(copy), "%s", line) < (int)sizeof(copy));
	while ((word = strsep(&rest, " ")))
		if (*word) {
			assert_true(arg_count < MAX_ARGS - 1);
			args[arg_count++] = strdup(word);
		}
	args[arg_count] = NULL;
}

static void child(int out_fd, int err_fd)
{
	dup2(out_fd, STDOUT_FILENO);
	dup2(err_fd, STDERR_FILENO);
	opts_parse(&outcome->opts, arg_count, args);
	outcome->returned = true;
	if (outcome->opts.filter)
		strcpy(outcome->filter, filter_text(outcome->opts.filter));
	fflush(stdout);
	_exit(0);
}

static void read_all(int fd, char text[TEXT])
{
	ssize_t n = pread(fd, text, TEXT - 1, 0);

	assert_in_range(n, 0, TEXT - 2);
	text[n] = '\0';
	close(fd);
}

/* Fills status, out, err and outcome. */
static void parse(const char *line)
{
	int out_fd = memfd_create("out", 0), err_fd = memfd_create("err", 0), wait_status;
	pid_t pid;

	assert_true(out_fd >= 0 && err_fd >= 0);
	split(line);
	memset(outcome, 0, sizeof(*outcome));
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		child(out_fd, err_fd);
	assert_int_equal(waitpid(pid, &wait_status, 0), pid);
	assert_true(WIFEXITED(wait_status));
	status = WEXITSTATUS(wait_status);
	read_all(out_fd, out);
	read_all(err_fd, err);
}

static const struct opts *good(const char *line)
{
	parse(line);
	if (!outcome->returned || status || *out || *err)
		fail_msg("`%s`: exit %d, `%s`, `%s`", line, status, out, err);
	return &outcome->opts;
}

/* Exit status 2, nothing on stdout, one line that says what, and where help is. */
static void bad(const char *line, const char *what)
{
	const char *end;

	parse(line);
	if (outcome->returned || status != EXIT_USAGE)
		fail_msg("`%s` is taken (exit %d)", line, status);
	assert_string_equal(out, "");
	assert_int_equal(strncmp(err, "sockwatch: ", 11), 0);
	end = strchr(err, '\n');
	assert_non_null(end);
	if (!memmem(err, (size_t)(end - err), what, strlen(what)))
		fail_msg("`%s`: `%s` does not say `%s`", line, err, what);
	if (strncmp(end, "\nTry `sockwatch --help'", 23) != 0 || strchr(end + 1, '\n')[1])
		fail_msg("`%s`: behind its line: `%s`", line, end);
}

/* Exit status 0, told on stdout. */
static void told(const char *line)
{
	parse(line);
	if (outcome->returned || status != EXIT_OK || *err)
		fail_msg("`%s`: exit %d, `%s`", line, status, err);
	assert_true(strlen(out) > 5 && out[strlen(out) - 1] == '\n');
}

static void nothing_given_is_the_live_view(void **state)
{
	const struct opts *o = good("");

	(void)state;
	assert_int_equal(o->command, COMMAND_TOP);
	assert_int_equal(o->delay_ns, 1000000000);
	assert_int_equal(o->iterations, 0);
	assert_false(o->batch || o->ascii);
	assert_null(o->hooks);
	assert_null(o->sort);
	assert_null(o->format);
	assert_string_equal(o->output, "-");
	assert_int_equal(o->ring_bytes, 0);
	assert_int_equal(o->accounts, 0);
	assert_int_equal(o->color, 0);
	assert_int_equal(good("top")->command, COMMAND_TOP);
}

static void every_option_reaches_its_field(void **state)
{
	const struct opts *o;

	(void)state;
	o = good("log -d 0.5 -n 7 -f json -o out.json --ring-size 64K --accounts 99 "
		 "--hooks=no-cgroup");
	assert_int_equal(o->command, COMMAND_LOG);
	assert_int_equal(o->delay_ns, 500000000);
	assert_int_equal(o->iterations, 7);
	assert_string_equal(o->format, "json");
	assert_string_equal(o->output, "out.json");
	assert_int_equal(o->ring_bytes, 65536);
	assert_int_equal(o->accounts, 99);
	assert_string_equal(o->hooks, "no-cgroup");
	assert_string_equal(good("--hooks fexit")->hooks, "fexit");
	assert_int_equal(o->by, RECORD_CONNECTION);
	assert_int_equal(o->top, 0);
	assert_false(o->all);
	o = good("log -f csv --by port --top 10 -s rx --all --schema ecs -o x --rotate-size 10M");
	assert_string_equal(o->format, "csv");
	assert_int_equal(o->by, RECORD_PORT);
	assert_int_equal(o->top, 10);
	assert_string_equal(o->sort, "rx");
	assert_true(o->all);
	assert_int_equal(o->schema, SCHEMA_ECS);
	assert_int_equal(o->rotate_bytes, 10 << 20);
	assert_int_equal(o->rotate_keep, 5);
	assert_int_equal(good("log --rotate-keep 2 -o x --rotate-size 4096")->rotate_keep, 2);
	assert_false(good("log --all --changed")->all);
	o = good("trace --new --failed -f json");
	assert_int_equal(o->command, COMMAND_TRACE);
	assert_int_equal(o->events, TRACE_NEW | TRACE_FAILED);
	assert_int_equal(o->delay_ns, 200000000);
	assert_int_equal(good("trace -d 1")->delay_ns, 1000000000);
	assert_int_equal(good("trace --closed --listening")->events,
			 TRACE_CLOSED | TRACE_LISTENING);
	o = good("--batch --sort=rx --ascii --color=never --delay=3600 --iterations=4294967295");
	assert_true(o->batch && o->ascii);
	assert_string_equal(o->sort, "rx");
	assert_int_equal(o->color, 2);
	assert_int_equal(o->delay_ns, 3600000000000);
	assert_int_equal(o->iterations, 4294967295);
	o = good("--once");
	assert_true(o->batch);
	assert_int_equal(o->iterations, 1);
	assert_int_equal(good("--color always")->color, 1);
	assert_int_equal(good("--color auto")->color, 0);
	assert_int_equal(good("-bn3")->iterations, 3);
	assert_false(good("-v")->own_cost);
	assert_true(good("log -v")->verbose);
	assert_true(good("--own-cost")->own_cost);
	assert_true(good("log --own-cost")->own_cost);
	assert_int_equal(good("--own-cost")->cpu_budget, 0);
	assert_int_equal(good("--cpu-budget 1")->cpu_budget, 10000000);
	assert_int_equal(good("log --cpu-budget=0.05%")->cpu_budget, 500000);
	assert_int_equal(good("--cpu-budget 100")->cpu_budget, 1000000000);
}

static void options_may_stand_anywhere(void **state)
{
	(void)state;
	assert_int_equal(good("log -d 2")->delay_ns, 2000000000);
	assert_int_equal(good("-d 2 log")->command, COMMAND_LOG);
	assert_int_equal(good("-d 2 log -n 3")->iterations, 3);
	assert_int_equal(good("-n 3 -- log")->command, COMMAND_LOG);
	assert_string_equal(good("-o x log")->output, "x");
	assert_string_equal(good("log -o -")->output, "-");
	assert_int_equal(good("-d 2 -d 3")->delay_ns, 3000000000); /* the last one counts */
}

static void delays_are_seconds_in_their_range(void **state)
{
	const char *const wrong[] = {"0",  "0.05", "0.0999", "1e3", "nan",  "inf", "1,5",
				     "-1", "+1",   "1s",     "1.",  "0x1",  "x",   "3600.001",
				     "",   "3601", "--",     "-b",  "1.5.5"};

	(void)state;
	assert_int_equal(good("-d 0.1")->delay_ns, 100000000);
	assert_int_equal(good("-d .25")->delay_ns, 250000000);
	assert_int_equal(good("-d 3600")->delay_ns, 3600000000000);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char line[64];

		snprintf(line, sizeof(line), "--delay=%s", wrong[i]);
		bad(line, "--delay takes seconds from 0.1 to 3600");
	}
	bad("-d", "requires an argument");
}

/* Other than with strtod, a comma is never a point. */
static void numbers_are_the_same_in_every_locale(void **state)
{
	const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE", "ru_RU"};
	const char *found = NULL;

	(void)state;
	for (int i = 0; i < 5 && !found; i++)
		found = setlocale(LC_NUMERIC, names[i]);
	if (!found) {
		print_message("no locale with a decimal comma on this machine\n");
		skip();
	}
	parse("-d 1.5");
	bad("-d 1,5", "not `1,5`");
	assert_int_equal(good("-d 1.5")->delay_ns, 1500000000);
	setlocale(LC_NUMERIC, "C");
}

static void counts_are_whole_numbers_in_their_range(void **state)
{
	(void)state;
	assert_int_equal(good("-n 1")->iterations, 1);
	bad("-n 0", "--iterations takes a whole number from 1 to 4294967295, not `0`");
	bad("-n 4294967296", "not `4294967296`");
	bad("-n -1", "not `-1`");
	bad("-n 1.5", "not `1.5`");
	bad("-n 0x10", "not `0x10`");
	bad("-n 1k", "not `1k`");
	assert_int_equal(good("--accounts 1")->accounts, 1);
	assert_int_equal(good("--accounts 16777216")->accounts, 16777216);
	bad("--accounts 0", "--accounts takes a whole number from 1 to 16777216, not `0`");
	bad("--accounts 16777217", "not `16777217`");
}

static void the_ring_is_a_power_of_two(void **state)
{
	const char *const wrong[] = {"0", "2K", "3000", "5000", "12K", "2G", "-4K", "4KB", "x"};

	(void)state;
	assert_int_equal(good("--ring-size 4096")->ring_bytes, 4096);
	assert_int_equal(good("--ring-size 4k")->ring_bytes, 4096);
	assert_int_equal(good("--ring-size 1G")->ring_bytes, 1073741824);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char line[64];

		snprintf(line, sizeof(line), "--ring-size %s", wrong[i]);
		bad(line, "--ring-size takes a power of two");
	}
}

static void words_that_are_not_known_are_refused(void **state)
{
	(void)state;
	bad("log top", "one argument too many: `top`");
	bad("log log", "one argument too many: `log`");
	bad("check top", "one argument too many: `top`");
	bad("--nosuch", "unrecognized option");
	bad("-Z", "invalid option");
	bad("log -f xml", "format `xml` is not known (json, csv, text)");
	bad("check -f csv", "format `csv` is not known (json)");
	bad("log --by user", "--by `user` is not known (connection, process, port, peer, total)");
	bad("log --schema gelf", "--schema `gelf` is not known (otel, ecs)");
	bad("log --top 3 -s nosuch", "no column `nosuch`");
	bad("log --by port --top 3 -s pid", "no column `pid` to sort records by --by port");
	bad("log -f JSON", "format `JSON` is not known");
	bad("--color red", "--color takes auto, always or never, not `red`");
	bad("--batch=yes", "doesn't allow an argument");
}

static void what_a_terminal_would_obey_is_shown(void **state)
{
	(void)state;
	bad("log \033[31m", "one argument too many: `\\x1b[31m`");
	bad("--color \033]0;x\a", "not `\\x1b]0;x\\x07`");
	bad("log --\033[2J", "unrecognized option '--\\x1b[2J'");
	assert_null(strpbrk(err, "\033\a"));
}

static void options_of_another_command_are_refused(void **state)
{
	(void)state;
	bad("-o x", "--output belongs to `sockwatch log` and `trace`");
	bad("top -o x", "--output belongs to `sockwatch log` and `trace`");
	bad("-f json", "--format belongs to `sockwatch log`");
	bad("log -b", "--batch");
	bad("log --once", "--once");
	bad("log --sort tx", "--sort goes with `sockwatch log` only if there is --top");
	bad("--sort tx log", "--sort goes with `sockwatch log` only if there is --top");
	bad("--by port", "--by, --top, --all and --changed belong to `sockwatch log`");
	bad("check --all", "belong to `sockwatch log`");
	bad("trace --top 3", "belong to `sockwatch log`");
	bad("--schema ecs", "--schema and --rotate-... belong to `sockwatch log` and `trace`");
	bad("log --new", "--new, --closed, --failed and --listening belong to `sockwatch trace`");
	bad("trace -s rx", "--sort does not go with `sockwatch trace`");
	bad("log --rotate-size 1M", "--rotate-size needs a file");
	bad("log --rotate-size 1M -o -", "--rotate-size needs a file");
	bad("log --rotate-keep 3 -o x", "--rotate-keep needs --rotate-size");
	bad("log --rotate-size 4095 -o x", "--rotate-size takes bytes from 4K on");
	bad("log --rotate-size 1M --rotate-keep 0 -o x", "from 1 to 1000, not `0`");
	bad("log --top 0", "--top takes a whole number from 1");
	bad("check -v", "--verbose does not go with `sockwatch check`");
	bad("selftest --own-cost", "--own-cost does not go with `sockwatch selftest`");
	bad("check --cpu-budget 1", "--cpu-budget does not go with `sockwatch check`");
	bad("--cpu-budget 0", "--cpu-budget takes percent from 0.01 to 100, not `0`");
	bad("--cpu-budget 101", "not `101`");
	bad("--cpu-budget half", "not `half`");
}

static void a_filter_is_words_or_an_option(void **state)
{
	(void)state;
	good("");
	assert_null(outcome->opts.filter);
	good("port 443");
	assert_string_equal(outcome->filter, "port 443");
	assert_int_equal(outcome->opts.command, COMMAND_TOP);
	good("top tcp and -d 2 not port ssh");
	assert_string_equal(outcome->filter, "tcp and not port ssh");
	assert_int_equal(outcome->opts.delay_ns, 2000000000);
	good("-b -- port 80");
	assert_string_equal(outcome->filter, "port 80");
	good("log -F rx>1M");
	assert_string_equal(outcome->filter, "rx>1M");
	good("--filter=udp --batch");
	assert_string_equal(outcome->filter, "udp");
	good("-F tcp -F udp"); /* the last one counts */
	assert_string_equal(outcome->filter, "udp");
	good("--filter= log");
	assert_string_equal(outcome->filter, "");
	bad("log udp", "one argument too many: `udp` (a filter goes with -F)");
	bad("log -F tcp udp more", "one argument too many: `udp more`");
	bad("-F tcp udp", "only one can be");
	bad("check -F tcp", "--filter belongs to the live view, `sockwatch log` and `trace`");
	bad("-F tcp selftest", "--filter belongs to");
	bad("-F", "requires an argument");
}

/* One line and no more: it says where. */
static void bad_filter(const char *line, const char *want)
{
	parse(line);
	assert_false(outcome->returned);
	assert_int_equal(status, EXIT_USAGE);
	assert_string_equal(out, "");
	assert_string_equal(err, want);
}

static void a_wrong_filter_is_one_line(void **state)
{
	(void)state;
	bad_filter("tcp prot 80", "sockwatch: filter: unknown word \"prot\" at column 5, did you "
				  "mean \"port\"?\n");
	bad_filter("log -F pot",
		   "sockwatch: filter: unknown word \"pot\" at column 1, did you mean \"port\"?\n");
	bad_filter("top port", "sockwatch: filter: \"port\" at column 1 needs a value behind it\n");
	bad_filter("chekc",
		   "sockwatch: filter: unknown word \"chekc\" at column 1, did you mean "
		   "\"proc chekc\"? (commands are top, log, trace, who, check, selftest)\n");
	bad_filter("LOG", "sockwatch: filter: unknown word \"LOG\" at column 1, did you mean "
			  "\"proc LOG\"? (commands are top, log, trace, who, check, selftest)\n");
	bad_filter("-F \033[31m", "sockwatch: filter: unknown word \"\\x1b[31m\" at column 1, did "
				  "you mean \"proc \\x1b[31m\"?\n");
	bad_filter(
		"-F port:nosuchservice",
		"sockwatch: filter: unknown word \"port:nosuchservice\" at column 1, did you mean "
		"\"proc port:nosuchservice\"?\n");
}

static void filter_help_lists_every_word(void **state)
{
	struct filter_word_info word;
	char *line;

	(void)state;
	told("-F help");
	line = strtok(out, "\n");
	for (size_t i = 0; filter_word(i, &word); i++, line = strtok(NULL, "\n")) {
		assert_non_null(line);
		assert_int_equal(strncmp(line, word.names, strlen(word.names)), 0);
		assert_non_null(strstr(line, word.help));
		assert_non_null(strstr(line, word.value ? word.value : ""));
	}
	assert_null(line);
}

/* A word that is both would always be the command. */
static void no_filter_begins_with_a_command(void **state)
{
	static const char *const ours[] = {"top",  "log",    "trace",  "who",   "check",
					   "help", "record", "replay", "serve", "selftest"};
	struct filter_word_info word;

	(void)state;
	for (size_t i = 0; filter_word(i, &word); i++) {
		char names[64];

		strcpy(names, word.names);
		for (char *name = strtok(names, " "); name; name = strtok(NULL, " "))
			for (size_t k = 0; k < sizeof(ours) / sizeof(ours[0]); k++)
				assert_string_not_equal(name, ours[k]);
	}
}

static void every_column_sorts(void **state)
{
	(void)state;
	for (int i = 0; i < COLUMN_COUNT; i++) {
		char line[64];

		snprintf(line, sizeof(line), "--sort %s", columns[i].key);
		assert_string_equal(good(line)->sort, columns[i].key);
	}
	bad("--sort nosuch", "no column `nosuch` to sort by (--sort help lists them)");
	bad("-s TX", "no column `TX`");
	bad("--sort=", "no column ``");
}

static void sort_help_lists_every_column(void **state)
{
	const char *at;
	int lines = 0;

	(void)state;
	told("--sort help");
	for (at = out; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, COLUMN_COUNT);
	for (int i = 0; i < COLUMN_COUNT; i++) {
		assert_non_null(strstr(out, columns[i].key));
		assert_non_null(strstr(out, columns[i].help));
	}
}

static void help_is_asked_for_in_three_ways(void **state)
{
	static char by_name[TEXT];
	const char *const shown[] = {"--delay", "--iterations", "--batch",  "--once",
				     "--sort",  "--format",     "--output", "--color",
				     "--ascii", "--version",    "log",      "top",
				     "CAP_BPF", "0.1 to 3600"};
	const char *const hidden[] = {"--ring-size", "--accounts", "--hooks"};

	(void)state;
	told("--help");
	strcpy(by_name, out);
	told("-h");
	assert_string_equal(out, by_name);
	told("log -d 5 --help");
	assert_string_equal(out, by_name);
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (!strstr(out, shown[i]))
			fail_msg("help does not say %s", shown[i]);
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		assert_null(strstr(out, hidden[i]));
	for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n"))
		assert_in_range(strlen(line), 1, 80);
	told("--usage");
}

static void version_is_one_line(void **state)
{
	(void)state;
	told("--version");
	assert_int_equal(strncmp(out, "sockwatch " SOCKWATCH_VERSION " ",
				 strlen("sockwatch " SOCKWATCH_VERSION " ")),
			 0);
	assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
	told("-V");
	assert_int_equal(strncmp(out, "sockwatch ", 10), 0);
}

static void who_takes_words_of_its_own(void **state)
{
	const struct who_opts *who = &good("who")->who;

	(void)state;
	assert_int_equal(outcome->opts.command, COMMAND_WHO);
	assert_int_equal(who->word_count, 0);
	who = &good("who 8080 tcp/53 -q")->who;
	assert_int_equal(who->word_count, 2);
	assert_string_equal(who->words[1], "tcp/53");
	assert_true(who->quiet);
	good("who -v -f json nginx");
	who = &good("who --bind [::]:80 --netns web --reuseaddr --reuseport --v6only")->who;
	assert_string_equal(who->bind, "[::]:80");
	assert_string_equal(who->netns, "web");
	assert_true(who->reuseaddr && who->reuseport && who->v6only);
	assert_true(good("who 80 --watch")->who.watch);
	bad("who --watch", "--watch takes ports");
	bad("who 80 -q --watch", "--watch takes ports");
	bad("who --bind 80 81", "--bind asks for one address alone");
	bad("who 80 --reuseaddr", "--reuseaddr goes with --bind");
	bad("who --netns web", "--netns goes with --bind");
	bad("log --bind 80", "belong to `sockwatch who`");
	bad("-q", "belong to `sockwatch who`");
	bad("who -F tcp", "--filter belongs to");
	bad("who -b", "does not go with `sockwatch who`");
	bad("who -o x", "--output belongs to");
	bad("who 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "at most");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_given_is_the_live_view),
		cmocka_unit_test(every_option_reaches_its_field),
		cmocka_unit_test(options_may_stand_anywhere),
		cmocka_unit_test(delays_are_seconds_in_their_range),
		cmocka_unit_test(numbers_are_the_same_in_every_locale),
		cmocka_unit_test(counts_are_whole_numbers_in_their_range),
		cmocka_unit_test(the_ring_is_a_power_of_two),
		cmocka_unit_test(words_that_are_not_known_are_refused),
		cmocka_unit_test(what_a_terminal_would_obey_is_shown),
		cmocka_unit_test(options_of_another_command_are_refused),
		cmocka_unit_test(a_filter_is_words_or_an_option),
		cmocka_unit_test(a_wrong_filter_is_one_line),
		cmocka_unit_test(filter_help_lists_every_word),
		cmocka_unit_test(no_filter_begins_with_a_command),
		cmocka_unit_test(every_column_sorts),
		cmocka_unit_test(sort_help_lists_every_column),
		cmocka_unit_test(help_is_asked_for_in_three_ways),
		cmocka_unit_test(version_is_one_line),
		cmocka_unit_test(who_takes_words_of_its_own),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
