/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The cases, and the program that runs one of them. */
#include "gen.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIME_LIMIT_S = 60 };

static const struct gen_case *const tables[] = {
	gen_form_cases, gen_tcp_cases,  gen_life_cases, gen_udp_cases,
	gen_misc_cases, gen_proc_cases, gen_load_cases,
};
enum { N_TABLES = sizeof(tables) / sizeof(tables[0]) };

static const struct gen_case *find_case(const char *name)
{
	const struct gen_case *row;
	int i;

	for (i = 0; i < N_TABLES; i++)
		for (row = tables[i]; row->name; row++)
			if (!strcmp(row->name, name))
				return row;
	return NULL;
}

static int list(void)
{
	const struct gen_case *row;
	int i;

	for (i = 0; i < N_TABLES; i++)
		for (row = tables[i]; row->name; row++)
			printf("%s%s%s%s%s%s\n", row->name,
			       row->flags & GEN_V4_ONLY ? " v4-only" : "",
			       row->flags & GEN_V6_ONLY ? " v6-only" : "",
			       row->flags & GEN_STEPS ? " steps" : "", row->needs ? " needs=" : "",
			       row->needs ? row->needs : "");
	return 0;
}

static int usage(void)
{
	fputs("usage: gen --list\n"
	      "       gen CASE -4|-6 [-c COUNT] [-p PORT] [-P CLIENT-PORT]\n"
	      "Moves exactly known bytes over loopback and writes what each process moved through\n"
	      "each socket as lines of JSON.\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct gen_opts opts = {.family = AF_INET};
	struct gen_report rep = {.fd = STDOUT_FILENO};
	const struct gen_case *chosen;
	int c;

	if (argc < 2)
		return usage();
	if (!strcmp(argv[1], "--list"))
		return list();
	chosen = find_case(argv[1]);
	if (!chosen) {
		fprintf(stderr, "gen: no such case: %s\n", argv[1]);
		return 2;
	}
	optind = 2;
	while ((c = getopt(argc, argv, "46c:p:P:")) != -1) {
		switch (c) {
		case '4':
			opts.family = AF_INET;
			break;
		case '6':
			opts.family = AF_INET6;
			break;
		case 'c':
			opts.count = strtoul(optarg, NULL, 10);
			break;
		case 'p':
			opts.port = strtoul(optarg, NULL, 10);
			break;
		case 'P':
			opts.client_port = strtoul(optarg, NULL, 10);
			break;
		default:
			return usage();
		}
	}
	signal(SIGPIPE, SIG_IGN);
	alarm(TIME_LIMIT_S);
	opts.form = chosen->form;
	rep.case_name = chosen->name;
	return chosen->run(&opts, &rep);
}
