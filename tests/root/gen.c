/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The program that runs one of the cases of user/traffic and says in JSON what it moved. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen_each.h"
#include "gen_json.h"
#include "traffic/traffic.h"

enum { TIME_LIMIT_S = 60 };

static int list(void)
{
	const struct traffic_case *row;
	unsigned int i;

	for (i = 0; (row = traffic_case_at(i)); i++)
		printf("%s%s%s%s%s%s\n", row->name, row->flags & TRAFFIC_V4_ONLY ? " v4-only" : "",
		       row->flags & TRAFFIC_V6_ONLY ? " v6-only" : "",
		       row->flags & TRAFFIC_STEPS ? " steps" : "", row->needs ? " needs=" : "",
		       row->needs ? row->needs : "");
	return 0;
}

static int usage(void)
{
	fputs("usage: gen --list\n"
	      "       gen CASE -4|-6 [-c COUNT] [-p PORT] [-P CLIENT-PORT]\n"
	      "       gen --each 4|6 <LIST\n"
	      "Moves exactly known bytes over loopback and writes what each process moved through\n"
	      "each socket as lines of JSON.\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct traffic_opts opts = {.family = AF_INET};
	struct traffic_report rep = {.writer = &gen_json, .fd = STDOUT_FILENO};
	const struct traffic_case *chosen;
	int c;

	if (argc < 2)
		return usage();
	if (!strcmp(argv[1], "--list"))
		return list();
	if (!strcmp(argv[1], "--each") && argc == 3)
		return gen_each(stdin, atoi(argv[2]));
	chosen = traffic_case_find(argv[1]);
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
	alarm(TIME_LIMIT_S);
	return traffic_run(chosen, &opts, &rep);
}
