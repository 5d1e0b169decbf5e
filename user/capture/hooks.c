/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/hooks.h"

#include <stdio.h>
#include <string.h>

#define NEEDS(cap) (1U << KCAP_##cap)
#define NEEDS_CGROUP (NEEDS(CGROUP2) | NEEDS(CAP_NET_ADMIN))

/* Reasons and measured costs: tests/bench. Never the accept and connect system calls' tracepoints:
 * one of them makes every system call of the machine take the slow path. */
/* clang-format off */
const struct hook hooks[HOOK_PURPOSES] = {
	[HOOK_BYTES] = {
		.purpose = "bytes sent and received",
		.required = true,
		.alternatives = {
			{"tracepoints sock_send_length, sock_recv_length",
			 NEEDS(TP_BTF) | NEEDS(TP_SOCK_LENGTH), {"send_length", "recv_length"}},
		},
	},
	[HOOK_TCP_STATES] = {
		.purpose = "TCP connect, listen, states, failures",
		.required = true,
		.alternatives = {
			{"tracepoint inet_sock_set_state",
			 NEEDS(TP_BTF) | NEEDS(TP_TCP_STATE), {"tcp_state"}},
		},
	},
	[HOOK_TCP_END] = {
		.purpose = "end of TCP sockets that no process holds",
		.missing = "the end of TCP sockets that no process holds is not seen",
		.alternatives = {
			{"tracepoint tcp_destroy_sock",
			 NEEDS(TP_BTF) | NEEDS(TP_TCP_DESTROY), {"tcp_destroy"}},
		},
	},
	[HOOK_BIND] = {
		.purpose = "bind",
		.missing = "no cgroup2 or CAP_NET_ADMIN: "
			   "a bound port is seen only at listen or the first bytes",
		.alternatives = {
			{"cgroup/post_bind", NEEDS_CGROUP, {"post_bind4", "post_bind6"}},
		},
	},
	[HOOK_CONNECT_ENTER] = {
		.purpose = "connects that fail before a SYN is sent",
		.missing = "no cgroup2 or CAP_NET_ADMIN: "
			   "connects that fail before a SYN is sent are not seen",
		.alternatives = {
			{"cgroup/connect", NEEDS_CGROUP, {"connect4", "connect6"}},
		},
	},
	[HOOK_ACCEPT] = {
		.purpose = "accept by whom, at once",
		.missing = "no cgroup2 or CAP_NET_ADMIN: "
			   "who accepted is known only from the first bytes on",
		.alternatives = {
			{"cgroup/getpeername", NEEDS_CGROUP, {"getpeername4", "getpeername6"}},
		},
	},
	[HOOK_UDP_PEERS] = {
		.purpose = "peers of unconnected UDP sockets",
		.missing = "no cgroup2 or CAP_NET_ADMIN: "
			   "peers of unconnected UDP sockets are not told apart",
		.alternatives = {
			{"cgroup/sendmsg, cgroup/recvmsg", NEEDS_CGROUP,
			 {"udp_sendmsg4", "udp_sendmsg6", "udp_recvmsg4", "udp_recvmsg6"}},
		},
	},
	[HOOK_RELEASE] = {
		.purpose = "close by the last process",
		.missing = "no cgroup2 or CAP_NET_ADMIN: "
			   "the close of UDP and raw sockets is seen seconds late",
		.alternatives = {
			{"cgroup/sock_release", NEEDS_CGROUP, {"sock_release"}},
		},
	},
	[HOOK_SNAPSHOT] = {
		.purpose = "sockets open before the start",
		.required = true,
		.alternatives = {
			{"iter/task_file", NEEDS(TP_BTF) | NEEDS(ITERATORS), {"snapshot"}},
		},
	},
	[HOOK_SWEEP] = {
		.purpose = "last bytes of sockets that went quiet",
		.required = true,
		.alternatives = {
			{"iter/bpf_sk_storage_map", NEEDS(TP_BTF) | NEEDS(ITERATORS), {"sweep"}},
		},
	},
};
/* clang-format on */

static unsigned int lacking(const struct kcaps *caps, unsigned int needs)
{
	unsigned int lack = 0;

	for (int i = 0; i < KCAP_COUNT; i++)
		if (needs & 1U << i && !caps->has[i])
			lack |= 1U << i;
	return lack;
}

void hooks_choose(const struct kcaps *caps, int chosen[HOOK_PURPOSES])
{
	for (int i = 0; i < HOOK_PURPOSES; i++) {
		const struct hook_alternative *alternative = hooks[i].alternatives;

		chosen[i] = -1;
		for (int k = 0; alternative[k].name && chosen[i] < 0; k++)
			if (!lacking(caps, alternative[k].needs))
				chosen[i] = k;
	}
}

bool hooks_wants(const int chosen[HOOK_PURPOSES], const char *program)
{
	for (int i = 0; i < HOOK_PURPOSES; i++) {
		if (chosen[i] < 0)
			continue;
		for (int k = 0; k < HOOK_PROGRAMS; k++) {
			const char *name = hooks[i].alternatives[chosen[i]].programs[k];

			if (name && !strcmp(name, program))
				return true;
		}
	}
	return false;
}

bool hooks_refusal(const struct kcaps *caps, const int chosen[HOOK_PURPOSES], char *dst,
		   size_t size)
{
	for (int i = 0; i < HOOK_PURPOSES; i++) {
		unsigned int lack;

		if (chosen[i] >= 0 || !hooks[i].required)
			continue;
		lack = lacking(caps, hooks[i].alternatives[0].needs);
		for (int k = 0; k < KCAP_COUNT; k++)
			if (lack & 1U << k) {
				snprintf(dst, size,
					 "kernel %s is too old for any way to see %s: %s is "
					 "missing (use Linux 6.3 or newer)",
					 caps->release, hooks[i].purpose, kcap_name(k));
				return true;
			}
	}
	return false;
}
