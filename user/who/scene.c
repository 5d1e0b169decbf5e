/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "who/scene.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PID_INIT_INODE = (int)0xeffffffc }; /* include/linux/proc_ns.h: the host's pid namespace */

int scene_init(struct scene *s, const struct census *census, const char *proc)
{
	struct stat st;

	memset(s, 0, sizeof(*s));
	s->census = census;
	s->proc = proc;
	passwd_load(&s->users, "/etc/passwd");
	netns_names_load(&s->names);
	s->own_netns = netns_own();
	s->own_pids = !stat("/proc/self/ns/pid", &st) &&
		      (uint32_t)st.st_ino != (uint32_t)PID_INIT_INODE;
	s->facts = calloc(census->task_count + 1, sizeof(*s->facts));
	return s->facts ? 0 : -ENOMEM;
}

void scene_done(struct scene *s)
{
	for (size_t i = 0; s->facts && i < s->census->task_count; i++) {
		if (s->facts[i])
			process_done(&s->facts[i]->process);
		free(s->facts[i]);
	}
	free(s->facts);
	passwd_done(&s->users);
	netns_names_done(&s->names);
	memset(s, 0, sizeof(*s));
}

static struct facts *read_facts(const char *proc, const struct census_task *task)
{
	struct facts *facts = calloc(1, sizeof(*facts));

	if (!facts)
		return NULL;
	process_read(&facts->process, proc, task->pid, task->start_ns);
	origin_parse(&facts->origin, facts->process.cgroup);
	return facts;
}

const struct facts *scene_facts(struct scene *s, uint32_t pid)
{
	static const struct facts none = {.process.gone = true};
	const struct census_task *task = census_task(s->census, pid);
	size_t at = task ? (size_t)(task - s->census->tasks) : 0;

	if (!task)
		return &none;
	if (!s->facts[at])
		s->facts[at] = read_facts(s->proc, task);
	return s->facts[at];
}

const char *scene_user(const struct scene *s, uint32_t uid)
{
	return passwd_name(&s->users, uid);
}

const struct census_task *scene_inhabitant(const struct scene *s, uint32_t netns)
{
	const struct census *c = s->census;

	for (size_t i = 0; i < c->task_count; i++)
		if (c->tasks[i].netns == netns && !c->tasks[i].kernel)
			return &c->tasks[i];
	return NULL;
}
