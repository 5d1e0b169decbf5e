/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "identity/ident.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/detail.h"
#include "identity/cgroup.h"
#include "identity/passwd.h"
#include "identity/process.h"
#include "identity/service.h"

enum { TOLD = 256 }; /* told lately: direct-mapped, so a busy host costs no search */

static const char PASSWD[] = "/etc/passwd";

struct ident {
	event_fn *next;
	void *arg;
	struct passwd_table users;
	struct {
		uint32_t uid;
		bool told;
	} told[TOLD];
	struct cgroups cgroups;
	uint64_t told_cgroups[TOLD]; /* 0 = none */
	bool services_told;
	struct detail detail; /* the last one that was passed on */
};

struct ident *ident_new(event_fn *next, void *arg)
{
	struct ident *ident = calloc(1, sizeof(*ident));

	if (!ident)
		return NULL;
	ident->next = next;
	ident->arg = arg;
	passwd_load(&ident->users, PASSWD);
	cgroups_open(&ident->cgroups);
	return ident;
}

void ident_free(struct ident *ident)
{
	if (!ident)
		return;
	passwd_done(&ident->users);
	cgroups_done(&ident->cgroups);
	free(ident);
}

static void tell_user(struct ident *ident, uint32_t uid, uint64_t time_ns)
{
	struct event ev = {.kind = EVENT_USER, .time_ns = time_ns};
	const char *name = passwd_name(&ident->users, uid);

	if (!name) { /* new since we read the file? */
		passwd_load(&ident->users, PASSWD);
		name = passwd_name(&ident->users, uid);
	}
	if (!name)
		return;
	ev.user.uid = uid;
	snprintf(ev.user.name, sizeof(ev.user.name), "%s", name);
	ident->next(&ev, ident->arg);
}

static bool has_flow(enum event_kind kind)
{
	return kind == EVENT_SEEN || kind == EVENT_XFER || kind == EVENT_CLOSE ||
	       kind == EVENT_FAIL;
}

/* What has no path any more is asked for once, too. */
static void tell_cgroup(struct ident *ident, const struct event *of)
{
	struct event ev = {.kind = EVENT_CGROUP, .time_ns = of->time_ns};
	uint64_t id = has_flow(of->kind) ? of->flow.cgroup_id : 0;
	char path[PATH_MAX];

	if (!id || ident->told_cgroups[id % TOLD] == id)
		return;
	ident->told_cgroups[id % TOLD] = id;
	if (!cgroup_path(&ident->cgroups, id, of->proc.pid, path, sizeof(path)))
		return;
	ev.cgroup.id = id;
	ev.cgroup.path = path;
	ident->next(&ev, ident->arg);
}

static void tell_user_once(struct ident *ident, uint32_t uid, uint64_t time_ns)
{
	uint32_t at = uid % TOLD;

	if (ident->told[at].told && ident->told[at].uid == uid)
		return;
	ident->told[at].told = true;
	ident->told[at].uid = uid;
	tell_user(ident, uid, time_ns);
}

static void read_process(struct detail *detail)
{
	struct process process;

	detail->command[0] = detail->exe[0] = '\0';
	if (!detail->wish.pid)
		return;
	process_read(&process, "/proc", detail->wish.pid, detail->wish.start_ns);
	snprintf(detail->command, sizeof(detail->command), "%s",
		 process.command ? process.command : "");
	snprintf(detail->exe, sizeof(detail->exe), "%.*s%s", DETAIL_EXE - 16, process.exe,
		 process.exe_deleted ? " (deleted)" : "");
	process_done(&process);
}

/* The process is looked at once, when somebody begins to look at its row. */
static void tell_detail(struct ident *ident, const struct event *ev)
{
	struct detail *detail = &ident->detail;
	struct detail_wish before = detail->wish;
	struct event told = *ev;
	size_t keep = offsetof(struct detail, command);

	memcpy(detail, ev->detail, keep);
	if (memcmp(&before, &detail->wish, sizeof(before)) != 0)
		read_process(detail);
	for (uint32_t i = 0; i < detail->holder_count && i < DETAIL_HOLDERS; i++)
		tell_user_once(ident, detail->holders[i].proc.uid, ev->time_ns);
	told.detail = detail;
	ident->next(&told, ident->arg);
}

void ident_event(const struct event *ev, void *arg)
{
	struct ident *ident = arg;

	if (!ident->services_told) {
		ident->services_told = true;
		service_events(ident->next, ident->arg);
	}
	if (ev->kind == EVENT_DETAIL) {
		tell_detail(ident, ev);
		return;
	}
	if (ev->kind == EVENT_SEEN)
		tell_user_once(ident, ev->proc.uid, ev->time_ns);
	tell_cgroup(ident, ev);
	ident->next(ev, ident->arg);
}
