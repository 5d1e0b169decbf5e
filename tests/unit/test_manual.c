/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The manual pages know all options, commands and words that the program knows, and no others. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/filter.h"
#include "opts.h"

enum { TEXT = 1 << 16 };

static char page[TEXT], help[TEXT];

/* --help ends the process, so a child asks for it. */
static void read_help(void)
{
	char program[] = "sockwatch", option[] = "--help", *argv[] = {program, option, NULL};
	int fd = memfd_create("help", MFD_CLOEXEC), status;
	struct opts opts;
	ssize_t len;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(fd >= 0 && pid >= 0);
	if (!pid) {
		dup2(fd, STDOUT_FILENO);
		opts_parse(&opts, 2, argv);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	len = pread(fd, help, TEXT - 1, 0);
	assert_in_range(len, 1, TEXT - 2);
	help[len] = '\0';
	close(fd);
}

static void read_page(const char *path)
{
	FILE *f = fopen(path, "re");
	size_t len = f ? fread(page, 1, TEXT - 1, f) : 0;

	if (!len || len == TEXT - 1)
		fail_msg("%s: cannot be read, or is too long", path);
	page[len] = '\0';
	fclose(f);
}

/* The line `.It Fl d , -delay Ns ...` of an option by its long name, or NULL. */
static const char *page_option(const char *name)
{
	static char line[256];
	char want[64];

	snprintf(want, sizeof(want), " -%s ", name);
	for (const char *at = page; (at = strstr(at, "\n.It Fl ")); at++) {
		snprintf(line, sizeof(line), "%.*s ", (int)strcspn(at + 1, "\n"), at + 1);
		if (strstr(line, want))
			return line;
	}
	return NULL;
}

/* `  -d, --delay=SECS ...` of --help. */
static void option_is_in_the_page(const char *help_line)
{
	char name[32] = "", want[16];
	const char *line;

	sscanf(strstr(help_line, "--") + 2, "%31[a-z0-9-]", name);
	line = page_option(name);
	if (!line)
		fail_msg("sockwatch.1 does not know --%s", name);
	if (help_line[2] != '-')
		return;
	snprintf(want, sizeof(want), help_line[3] == '?' ? " \\&%c " : " %c ", help_line[3]);
	if (!strstr(line, want))
		fail_msg("sockwatch.1 does not know -%c of --%s", help_line[3], name);
}

static void command_is_in_the_page(const char *help_line)
{
	char name[16] = "", want[32];

	sscanf(help_line, " %15[a-z]", name);
	snprintf(want, sizeof(want), "\n.It Cm %s\n", name);
	if (!strstr(page, want))
		fail_msg("sockwatch.1 does not know the command %s", name);
}

static void the_manual_page_is_about_these_options(void **state)
{
	int options = 0, commands = 0, items = 0, in_commands = 0;
	char *rest;

	(void)state;
	read_page("user/share/man/sockwatch.1");
	read_help();
	for (char *line = strtok_r(help, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (!strncmp(line, "  -", 3) || !strncmp(line, "      --", 8)) {
			option_is_in_the_page(line);
			options++;
		}
		in_commands |= !strcmp(line, "Commands:");
		if (in_commands && !strncmp(line, "  ", 2) && line[2] != ' ') {
			command_is_in_the_page(line);
			commands++;
		}
	}
	for (const char *at = page; (at = strstr(at, "\n.It Fl ")); at++)
		items++;
	assert_int_equal(items, options);
	assert_true(commands >= 4);
}

/* As in the table of the parser, no more and no less. */
static void the_manual_page_has_the_words_of_the_filter(void **state)
{
	struct filter_word_info word;
	int words = 0, items = 0;
	const char *end;

	(void)state;
	read_page("user/share/man/sockwatch-filter.7");
	for (size_t i = 0; filter_word(i, &word); i++, words++) {
		char line[128] = "\n.It Cm ", *to = line + strlen(line);

		for (const char *s = word.names; *s; s++)
			to += sprintf(to, *s == ' ' ? " , " : "%c", *s);
		if (word.value)
			to += sprintf(to, " Ar %s", word.value);
		strcpy(to, "\n");
		if (!strstr(page, line))
			fail_msg("sockwatch-filter.7 does not have: %s", line + 1);
		snprintf(line, sizeof(line), "\n.It Ar %s\n", word.value ? word.value : "PORT");
		if (!strstr(page, line))
			fail_msg("sockwatch-filter.7 does not say what is: %s", word.value);
	}
	end = strstr(page, "\n.Sh VALUES\n");
	assert_non_null(end);
	for (const char *at = page; (at = strstr(at, "\n.It Cm ")) && at < end; at++)
		items++;
	assert_int_equal(items, words);
}

/* All examples of a page are filters. */
static void the_examples_of_the_manual_page_work(void **state)
{
	const char *at, *end;
	int examples = 0;

	(void)state;
	read_page("user/share/man/sockwatch-filter.7");
	at = strstr(page, "\n.Sh EXAMPLES\n");
	end = strstr(page, "\n.Sh DIAGNOSTICS\n");
	assert_true(at && end && at < end);
	for (; (at = strstr(at, "\n.It Ql ")) && at < end; at++, examples++) {
		struct filter_error error;
		struct filter *f;
		char text[256], *to = text;

		for (const char *s = at + strlen("\n.It Ql "); *s != '\n'; s++) {
			if (!strncmp(s, "\\&", 2))
				s += 2;
			*to++ = *s;
		}
		*to = '\0';
		f = filter_new(text, NULL, &error);
		if (!f)
			fail_msg("`%s`: %s", text, error.message);
		filter_free(f);
	}
	assert_true(examples > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_page_is_about_these_options),
		cmocka_unit_test(the_manual_page_has_the_words_of_the_filter),
		cmocka_unit_test(the_examples_of_the_manual_page_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
