/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "who/target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "util/num.h"

enum { LONGEST = 128 };

static const struct {
	const char *name;
	uint8_t transport;
} protocols[] = {
	{"tcp", TRANSPORT_TCP}, {"udp", TRANSPORT_UDP},         {"sctp", TRANSPORT_SCTP},
	{"raw", TRANSPORT_RAW}, {"udplite", TRANSPORT_UDPLITE},
};

static uint8_t protocol(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (strlen(protocols[i].name) == len && !strncasecmp(protocols[i].name, name, len))
			return protocols[i].transport;
	return TRANSPORT_COUNT;
}

/* Take `tcp/` from the front or `/tcp` from the end of @text. */
static void take_protocol(char *text, uint8_t *transport)
{
	char *slash = strchr(text, '/');

	*transport = TRANSPORT_COUNT;
	if (!slash)
		return;
	*transport = protocol(text, (size_t)(slash - text));
	if (*transport != TRANSPORT_COUNT) {
		memmove(text, slash + 1, strlen(slash));
		return;
	}
	slash = strrchr(text, '/');
	*transport = protocol(slash + 1, strlen(slash + 1));
	if (*transport != TRANSPORT_COUNT)
		*slash = '\0';
}

static uint16_t port_of(const char *text, target_service_fn *service)
{
	uint64_t port;

	if (!num_u64(text, 1, 65535, &port))
		return (uint16_t)port;
	return service ? service(text) : 0;
}

static bool parse_ip(struct addr *a, const char *text)
{
	static const uint8_t v4[12] = {[10] = 0xff, [11] = 0xff};

	if (inet_pton(AF_INET6, text, a->ip) == 1)
		return true;
	memcpy(a->ip, v4, sizeof(v4));
	return inet_pton(AF_INET, text, a->ip + sizeof(v4)) == 1;
}

int target_parse_endpoint(struct addr *a, bool *has_address, const char *text,
			  target_service_fn *service)
{
	char copy[LONGEST], *ip = copy, *colon;

	memset(a, 0, sizeof(*a));
	*has_address = false;
	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
		return -EINVAL;
	colon = strrchr(copy, ':');
	a->port = port_of(colon ? colon + 1 : copy, service);
	if (!a->port)
		return -EINVAL;
	if (!colon)
		return 0;
	*colon = '\0';
	if (!ip[0] || !strcmp(ip, "*"))
		return 0;
	*has_address = true;
	if (ip[0] == '[') {
		if (colon[-1] != ']')
			return -EINVAL;
		colon[-1] = '\0';
		ip++;
	} else if (strchr(ip, ':')) { /* ::1:80 could be either */
		return -EINVAL;
	}
	return parse_ip(a, ip) ? 0 : -EINVAL;
}

static int parse_prefixed(struct target *t, const char *text, char why[TARGET_WHY])
{
	uint64_t pid;

	if (!strncmp(text, "pid:", 4)) {
		t->kind = TARGET_PID;
		if (num_u64(text + 4, 1, INT32_MAX, &pid)) {
			snprintf(why, TARGET_WHY, "pid: takes the number of a process, not `%s`",
				 text + 4);
			return -EINVAL;
		}
		t->pid = (uint32_t)pid;
		return 1;
	}
	if (!strncmp(text, "name:", 5)) {
		t->kind = TARGET_NAME;
		snprintf(t->name, sizeof(t->name), "%s", text + 5);
		if (t->name[0])
			return 1;
		snprintf(why, TARGET_WHY, "name: takes the name of a process");
		return -EINVAL;
	}
	return 0;
}

static int refuse(char why[TARGET_WHY], const char *text)
{
	snprintf(why, TARGET_WHY,
		 "`%s` is no PORT, ADDR:PORT, [ADDR]:PORT, PROTO/PORT, service, pid:N or name:NAME",
		 text);
	return -EINVAL;
}

int target_parse(struct target *t, const char *text, target_service_fn *service,
		 char why[TARGET_WHY])
{
	char copy[LONGEST];
	uint64_t pid;
	int got;

	memset(t, 0, sizeof(*t));
	got = parse_prefixed(t, text, why);
	if (got)
		return got < 0 ? got : 0;
	if (!text[0] || (size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
		return refuse(why, text);
	take_protocol(copy, &t->transport);
	t->kind = TARGET_PORT;
	if (!target_parse_endpoint(&t->addr, &t->has_address, copy, service))
		return 0;
	if (!num_u64(text, 65536, INT32_MAX, &pid)) {
		t->kind = TARGET_PID;
		t->pid = (uint32_t)pid;
		return 0;
	}
	if (t->transport != TRANSPORT_COUNT || text[strcspn(text, ":[]/")] ||
	    text[strspn(text, "-.0123456789")] == '\0')
		return refuse(why, text);
	t->kind = TARGET_NAME;
	snprintf(t->name, sizeof(t->name), "%s", text);
	return 0;
}

int target_ask(const struct target *t, struct census_ask *ask)
{
	switch (t->kind) {
	case TARGET_PORT:
		census_ask_port(ask, t->addr.port);
		return 0;
	case TARGET_PID:
		if (ask->pid_count == CENSUS_ASKED)
			return -E2BIG;
		ask->pids[ask->pid_count++] = t->pid;
		return 0;
	default:
		if (ask->name_count == CENSUS_ASKED)
			return -E2BIG;
		memcpy(ask->names[ask->name_count++], t->name, sizeof(t->name));
		return 0;
	}
}

bool target_covers(const struct census_sock *s, const struct addr *a)
{
	if (!memcmp(s->local.ip, a->ip, sizeof(a->ip)))
		return true;
	if (!addr_is_any(&s->local))
		return addr_is_any(a) && addr_is_v4(a) == addr_is_v4(&s->local);
	if (addr_is_v4(&s->local))
		return addr_is_v4(a);
	return !addr_is_v4(a) || !s->v6only;
}

static bool is_held(const struct target *t, const struct census *c, size_t sock)
{
	const struct census_hold *holds;
	size_t count;

	holds = census_holds(c, sock, &count);
	for (size_t i = 0; i < count; i++) {
		const struct census_task *task = census_task(c, holds[i].pid);

		if (t->kind == TARGET_PID && holds[i].pid == t->pid)
			return true;
		if (t->kind == TARGET_NAME && task && !strcmp(task->name, t->name))
			return true;
	}
	return false;
}

bool target_holds(const struct target *t, const struct census *c, size_t sock)
{
	const struct census_sock *s = &c->socks[sock];

	if (t->kind != TARGET_PORT)
		return is_held(t, c, sock);
	if (s->local.port != t->addr.port)
		return false;
	if (t->transport != TRANSPORT_COUNT && s->transport != t->transport)
		return false;
	return !t->has_address || target_covers(s, &t->addr);
}
