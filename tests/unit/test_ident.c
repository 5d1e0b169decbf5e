/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The stage that adds names, on the passwd file and the services of this machine. */
#include "identity/ident.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "identity/cgroup.h"
#include "identity/passwd.h"
#include "identity/service.h"

enum {
	NOBODY_HAS = 4000000000, /* a uid that no passwd file should have */
	APART = 256              /* users so far apart share a place in what ident remembers */
};

struct heard {
	struct event *events;
	size_t count;
};

static void hear(const struct event *ev, void *arg)
{
	struct heard *h = arg;

	h->events = realloc(h->events, (h->count + 1) * sizeof(*h->events));
	assert_non_null(h->events);
	h->events[h->count++] = *ev;
}

static size_t count_of(const struct heard *h, enum event_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < h->count; i++)
		count += h->events[i].kind == kind;
	return count;
}

static void forget(struct heard *h)
{
	free(h->events);
	*h = (struct heard){0};
}

static struct event of_kind(enum event_kind kind, uint32_t uid)
{
	struct event ev;

	memset(&ev, 0, sizeof(ev));
	ev.kind = kind;
	ev.time_ns = 42;
	ev.proc.pid = 10;
	ev.proc.uid = uid;
	ev.flow.cookie = 1;
	return ev;
}

/* Some user of this machine, with the name that the file gives. */
static uint32_t a_user(char name[EVENT_TEXT])
{
	struct passwd_table table;
	uint32_t uid;

	memset(&table, 0, sizeof(table));
	passwd_load(&table, "/etc/passwd");
	if (!table.count) {
		print_message("/etc/passwd names nobody\n");
		skip();
	}
	uid = table.entries[0].uid;
	strncpy(name, table.entries[0].name, EVENT_TEXT - 1);
	name[EVENT_TEXT - 1] = '\0';
	passwd_done(&table);
	return uid;
}

/* A stage that has told its services already. */
static struct ident *started(struct heard *h)
{
	struct event ev = of_kind(EVENT_TICK, 0);
	struct ident *ident;

	*h = (struct heard){0};
	ident = ident_new(hear, h);
	assert_non_null(ident);
	ident_event(&ev, ident);
	forget(h);
	return ident;
}

static void services_come_first_and_once(void **state)
{
	struct event ev = of_kind(EVENT_TICK, 0);
	struct heard services = {0}, h = {0};
	struct ident *ident = ident_new(hear, &h);

	(void)state;
	service_events(hear, &services);
	assert_int_equal(h.count, 0); /* nothing before there is an event */
	ident_event(&ev, ident);
	assert_int_equal(h.count, services.count + 1);
	assert_int_equal(count_of(&h, EVENT_SERVICE), services.count);
	assert_int_equal(h.events[h.count - 1].kind, EVENT_TICK);
	ident_event(&ev, ident);
	assert_int_equal(h.count, services.count + 2);
	ident_free(ident);
	forget(&h);
	forget(&services);
}

static void services_are_those_of_this_machine(void **state)
{
	struct heard h = {0};
	bool https = false;

	(void)state;
	service_events(hear, &h);
	if (!h.count) {
		print_message("no services on this machine (/etc/services)\n");
		skip();
	}
	for (size_t i = 0; i < h.count; i++) {
		const struct event *ev = &h.events[i];

		assert_int_equal(ev->kind, EVENT_SERVICE);
		assert_true(ev->service.port && ev->service.name[0]);
		assert_true(ev->service.transport == TRANSPORT_TCP ||
			    ev->service.transport == TRANSPORT_UDP ||
			    ev->service.transport == TRANSPORT_SCTP);
		https |= ev->service.port == 443 && ev->service.transport == TRANSPORT_TCP &&
			 !strcmp(ev->service.name, "https");
	}
	assert_true(https); /* the port is in host order */
	forget(&h);
}

static void a_user_is_told_before_who_needs_it_and_once(void **state)
{
	char name[EVENT_TEXT];
	uint32_t uid = a_user(name);
	struct event ev = of_kind(EVENT_SEEN, uid);
	struct heard h;
	struct ident *ident = started(&h);

	(void)state;
	ident_event(&ev, ident);
	assert_int_equal(h.count, 2);
	assert_int_equal(h.events[0].kind, EVENT_USER);
	assert_int_equal(h.events[0].user.uid, uid);
	assert_string_equal(h.events[0].user.name, name);
	assert_int_equal(h.events[0].time_ns, 42);
	assert_int_equal(h.events[1].kind, EVENT_SEEN);
	ev.proc.pid++;
	ident_event(&ev, ident);
	assert_int_equal(h.count, 3);
	assert_int_equal(h.events[2].kind, EVENT_SEEN);
	ident_free(ident);
	forget(&h);
}

static void only_a_use_of_a_socket_needs_a_user(void **state)
{
	const enum event_kind others[] = {EVENT_XFER, EVENT_CLOSE, EVENT_FAIL, EVENT_HOST,
					  EVENT_NOTE, EVENT_LOST,  EVENT_TICK};
	struct heard h;
	struct ident *ident = started(&h);

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct event ev = of_kind(others[i], 0);

		ident_event(&ev, ident);
		assert_int_equal(h.count, i + 1);
		assert_int_equal(h.events[i].kind, others[i]);
	}
	ident_free(ident);
	forget(&h);
}

static void events_pass_as_they_are(void **state)
{
	struct event ev = of_kind(EVENT_XFER, 7);
	struct heard h;
	struct ident *ident = started(&h);

	(void)state;
	ev.xfer.tx_bytes = 123;
	ev.xfer.rx_bytes = UINT64_MAX;
	strcpy(ev.proc.name, "\x1b[31m");
	ident_event(&ev, ident);
	assert_int_equal(h.count, 1);
	assert_memory_equal(&h.events[0], &ev, sizeof(ev));
	ident_free(ident);
	forget(&h);
}

static void a_user_without_a_name_makes_no_event(void **state)
{
	struct event ev = of_kind(EVENT_SEEN, NOBODY_HAS);
	struct heard h;
	struct ident *ident = started(&h);

	(void)state;
	ident_event(&ev, ident);
	ident_event(&ev, ident);
	assert_int_equal(h.count, 2);
	assert_int_equal(count_of(&h, EVENT_SEEN), 2);
	ident_free(ident);
	forget(&h);
}

/* What is remembered of users is bounded: one that was pushed out is told again, never left out. */
static void a_user_that_was_forgotten_is_told_again(void **state)
{
	char name[EVENT_TEXT];
	uint32_t uid = a_user(name);
	struct event ev = of_kind(EVENT_SEEN, uid), other = of_kind(EVENT_SEEN, uid + APART);
	struct heard h;
	struct ident *ident = started(&h);

	(void)state;
	ident_event(&ev, ident);
	ident_event(&other, ident);
	forget(&h);
	ident_event(&ev, ident);
	assert_int_equal(h.count, 2);
	assert_int_equal(h.events[0].kind, EVENT_USER);
	assert_int_equal(h.events[0].user.uid, uid);
	ident_free(ident);
	ident_free(NULL);
	forget(&h);
}

/* Number of the root of cgroup2, which every machine with one has. */
static void a_control_group_is_told_before_who_needs_it_and_once(void **state)
{
	struct event ev = of_kind(EVENT_XFER, NOBODY_HAS), tick = of_kind(EVENT_TICK, 0);
	struct heard h = {0};
	struct ident *ident = ident_new(hear, &h);
	struct cgroups c;
	char path[8];

	(void)state;
	ev.flow.cgroup_id = 1;
	cgroups_open(&c);
	if (!cgroup_path(&c, 1, 0, path, sizeof(path))) {
		cgroups_done(&c);
		ident_free(ident);
		print_message("no cgroup2 is mounted here, or we may not ask for its root\n");
		skip();
	}
	cgroups_done(&c);
	assert_string_equal(path, "/");
	ident_event(&tick, ident);
	forget(&h);
	tick.flow.cgroup_id = 1; /* means nothing there */
	ident_event(&tick, ident);
	assert_int_equal(count_of(&h, EVENT_CGROUP), 0);
	forget(&h);
	ident_event(&ev, ident);
	assert_int_equal(h.count, 2);
	assert_int_equal(h.events[0].kind, EVENT_CGROUP);
	assert_int_equal(h.events[0].cgroup.id, 1);
	ident_event(&ev, ident);
	assert_int_equal(count_of(&h, EVENT_CGROUP), 1);
	ident_free(ident);
	forget(&h);
}

/* A name or an alias, of any of the transports; what is no service has no port. */
static void a_service_has_a_port(void **state)
{
	struct heard h = {0};

	(void)state;
	service_events(hear, &h);
	for (size_t i = 0; i < h.count; i++)
		assert_int_not_equal(service_port(h.events[i].service.name), 0);
	forget(&h);
	assert_int_equal(service_port("no such service"), 0);
	assert_int_equal(service_port(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_come_first_and_once),
		cmocka_unit_test(services_are_those_of_this_machine),
		cmocka_unit_test(a_user_is_told_before_who_needs_it_and_once),
		cmocka_unit_test(only_a_use_of_a_socket_needs_a_user),
		cmocka_unit_test(events_pass_as_they_are),
		cmocka_unit_test(a_user_without_a_name_makes_no_event),
		cmocka_unit_test(a_user_that_was_forgotten_is_told_again),
		cmocka_unit_test(a_control_group_is_told_before_who_needs_it_and_once),
		cmocka_unit_test(a_service_has_a_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
