/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of all cases. */
#include "traffic/parts.h"

#include <signal.h>
#include <string.h>

static const struct traffic_case *const tables[] = {
	traffic_form_cases, traffic_tcp_cases,   traffic_life_cases,
	traffic_udp_cases,  traffic_misc_cases,  traffic_proc_cases,
	traffic_load_cases, traffic_crowd_cases, traffic_ktls_cases,
};
enum { N_TABLES = sizeof(tables) / sizeof(tables[0]) };

const struct traffic_case *traffic_case_at(unsigned int i)
{
	const struct traffic_case *row;

	for (int table = 0; table < N_TABLES; table++)
		for (row = tables[table]; row->name; row++)
			if (i-- == 0)
				return row;
	return NULL;
}

const struct traffic_case *traffic_case_find(const char *name)
{
	const struct traffic_case *row;

	for (unsigned int i = 0; (row = traffic_case_at(i)); i++)
		if (!strcmp(row->name, name))
			return row;
	return NULL;
}

int traffic_run(const struct traffic_case *c, const struct traffic_opts *opts,
		struct traffic_report *rep)
{
	struct traffic_opts own = *opts;

	own.form = c->form;
	rep->case_name = c->name;
	signal(SIGPIPE, SIG_IGN);
	memset(traffic_bytes, 's', TRAFFIC_BUF_SIZE);
	return c->run(&own, rep);
}
