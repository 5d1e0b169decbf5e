/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "identity/service.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

static int transport_of(const char *name)
{
	if (!strcmp(name, "tcp"))
		return TRANSPORT_TCP;
	if (!strcmp(name, "udp"))
		return TRANSPORT_UDP;
	if (!strcmp(name, "sctp"))
		return TRANSPORT_SCTP;
	return -1;
}

void service_events(event_fn *fn, void *arg)
{
	struct servent *entry;

	setservent(1);
	while ((entry = getservent())) {
		struct event ev = {.kind = EVENT_SERVICE};
		int transport = transport_of(entry->s_proto);

		if (transport < 0)
			continue;
		ev.service.transport = (uint8_t)transport;
		ev.service.port = ntohs((uint16_t)entry->s_port);
		snprintf(ev.service.name, sizeof(ev.service.name), "%s", entry->s_name);
		fn(&ev, arg);
	}
	endservent();
}

uint16_t service_port(const char *name)
{
	static const char *const transports[] = {"tcp", "udp", "sctp"};
	struct servent *entry = NULL;

	for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]) && !entry; i++)
		entry = getservbyname(name, transports[i]);
	return entry ? ntohs((uint16_t)entry->s_port) : 0;
}
