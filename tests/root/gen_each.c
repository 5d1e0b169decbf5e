/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "gen_each.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gen_json.h"
#include "traffic/traffic.h"

enum { ATTEMPTS = 4, TIME_LIMIT_S = 60 };

static volatile bool *done; /* shared: the case has done what it is there for, or cannot */

static void on_flow(const struct traffic_report *rep, const struct traffic_flow *flow)
{
	gen_json.flow(rep, flow);
}

static void on_skip(const struct traffic_report *rep, const char *reason)
{
	*done = true;
	gen_json.skip(rep, reason);
}

static void on_event(const struct traffic_report *rep, const char *what)
{
	const struct traffic_case *c = traffic_case_find(rep->case_name);

	if (c->must && !strcmp(c->must, what))
		*done = true;
	gen_json.event(rep, what);
}

static const struct traffic_writer writer = {on_flow, on_skip, on_event};

/** Once, in a child. Returns its status, as a shell has it. */
static int attempt(const struct traffic_case *c, const struct traffic_opts *opts)
{
	struct traffic_report rep = {.writer = &writer, .fd = STDOUT_FILENO};
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		alarm(TIME_LIMIT_S);
		_exit(traffic_run(c, opts, &rep));
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void run(const char *name, const struct traffic_opts *opts, int family)
{
	const struct traffic_case *c = traffic_case_find(name);
	int status = c ? 0 : 2;

	*done = c && !c->must;
	for (int i = 0; c && i < ATTEMPTS && !status && (i == 0 || !*done); i++)
		status = attempt(c, opts);
	dprintf(STDOUT_FILENO, "end %s-%d %d\n", name, family, status);
	dprintf(STDERR_FILENO, "end %s-%d %d\n", name, family, status);
}

int gen_each(FILE *list, int family)
{
	struct traffic_opts opts = {.family = family == 4 ? AF_INET : AF_INET6};
	char name[64];
	int its;

	done = mmap(NULL, sizeof(*done), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (done == MAP_FAILED)
		return 1;
	while (fscanf(list, "%63s %d %u", name, &its, &opts.count) == 3)
		if (its == family)
			run(name, &opts, family);
	return 0;
}
