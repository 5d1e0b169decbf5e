/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "identity/ident.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "identity/passwd.h"
#include "identity/service.h"

enum { TOLD = 256 }; /* users told lately: direct-mapped, so a busy host costs no search */

static const char PASSWD[] = "/etc/passwd";

struct ident {
	event_fn *next;
	void *arg;
	struct passwd_table users;
	struct {
		uint32_t uid;
		bool told;
	} told[TOLD];
	bool services_told;
};

struct ident *ident_new(event_fn *next, void *arg)
{
	struct ident *ident = calloc(1, sizeof(*ident));

	if (!ident)
		return NULL;
	ident->next = next;
	ident->arg = arg;
	passwd_load(&ident->users, PASSWD);
	return ident;
}

void ident_free(struct ident *ident)
{
	if (!ident)
		return;
	passwd_done(&ident->users);
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

void ident_event(const struct event *ev, void *arg)
{
	struct ident *ident = arg;
	uint32_t at = ev->proc.uid % TOLD;

	if (!ident->services_told) {
		ident->services_told = true;
		service_events(ident->next, ident->arg);
	}
	if (ev->kind == EVENT_SEEN &&
	    (!ident->told[at].told || ident->told[at].uid != ev->proc.uid)) {
		ident->told[at].told = true;
		ident->told[at].uid = ev->proc.uid;
		tell_user(ident, ev->proc.uid, ev->time_ns);
	}
	ident->next(ev, ident->arg);
}
